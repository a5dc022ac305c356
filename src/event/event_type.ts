/**
 * The type of an event, such as `push` or `invoice.paid`: where a request says it, what a type may be, and which types
 * a webhook takes.
 *
 * @module
 */

import { z } from "zod";
import { JsonPointer } from "../json/pointer.ts";
import type { EventBody } from "./event.ts";

/** Most patterns of one webhook, and the longest one, in characters. */
const MAX_PATTERNS = 100;
const MAX_PATTERN = 200;

/** What every receiver can take along in a header: visible ASCII, with spaces inside, up to 200 characters. */
const TYPE = /^[!-~](?:[ -~]{0,198}[!-~])?$/;

/** Finds the type of an event; `undefined` where the request names none. */
export type FindEventType = (headers: Headers, document: EventBody) => string | undefined;

/** What a webhook makes of the types of its events. */
export interface EventTypes {
  readonly find: FindEventType;
  /** Whether events of a type are handed on; `undefined` where all are. */
  readonly takes: ((type: string | undefined) => boolean) | undefined;
}

/** The text as a type; `undefined` where it is none that a header could carry. */
export function eventTypeIn(text: string | null | undefined): string | undefined {
  return text !== null && text !== undefined && TYPE.test(text) ? text : undefined;
}

/**
 * Finds the type at the first of several places that has one.
 *
 * @param places names of headers, and valid JSON Pointers, which begin with `/`, into the document
 */
export function eventTypeAt(places: readonly string[]): FindEventType {
  const finders = places.map(finderAt);
  if (finders.length === 1) return finders[0]!;
  return (headers, document) => {
    for (const find of finders) {
      const type = find(headers, document);
      if (type !== undefined) return type;
    }
    return undefined;
  };
}

function finderAt(place: string): FindEventType {
  if (!place.startsWith("/")) return (headers) => eventTypeIn(headers.get(place));
  const pointer = JsonPointer.parse(place);
  if (pointer === undefined) throw new TypeError(`${place} is no JSON Pointer`);
  return (_headers, document) => eventTypeIn(pointer.scalarIn(document)?.text);
}

/** The schema of a list of types, in which `*` stands for any characters. */
export const eventPatternsSchema: z.ZodType<readonly string[]> = z.array(
  z.string().max(MAX_PATTERN).refine((pattern) => eventTypeIn(pattern) !== undefined, {
    error: "Must be a type of events, such as push or invoice.*",
  }),
).min(1, { error: "Must name one type at least: remove the key to take all events" }).max(MAX_PATTERNS);

/**
 * Prepares the question whether a type is one of a list. Upper and lower case differ. Only the pattern `*` also stands
 * for requests that name no type.
 */
export function eventTypeMatcher(patterns: readonly string[]): (type: string | undefined) => boolean {
  if (patterns.includes("*")) return () => true;
  const exact = new Set(patterns.filter((pattern) => !pattern.includes("*")));
  const wild = patterns.filter((pattern) => pattern.includes("*")).map((pattern) => pattern.split(/\*+/));
  return (type) => type !== undefined && (exact.has(type) || wild.some((pieces) => fits(type, pieces)));
}

/** @param pieces what stands between the stars, at least two */
function fits(type: string, pieces: readonly string[]): boolean {
  const first = pieces[0]!;
  const last = pieces.at(-1)!;
  if (!type.startsWith(first)) return false;
  let at = first.length;
  for (const piece of pieces.slice(1, -1)) {
    const found = type.indexOf(piece, at);
    if (found === -1) return false;
    at = found + piece.length;
  }
  return type.length - last.length >= at && type.endsWith(last);
}
