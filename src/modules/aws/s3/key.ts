/**
 * Keys of objects: patterns with placeholders. A pattern is checked when the configuration is compiled, and what an event
 * puts into it is encoded and bounded, so that no event can reach another place than the pattern says.
 *
 * @module
 */

import { nameWithPlaces } from "../../../policy/destination.ts";
import { Buffer } from "node:buffer";
import { DeliveryError } from "../../../errors.ts";
import type { Event } from "../../../event/event.ts";
import { receivedAtText } from "../../../event/event_headers.ts";
import { eventUuid } from "../../../event/event_uuid.ts";
import { type EventValue, fillPattern, findValues, splitPattern } from "../../name_pattern.ts";

/** Longest value of a placeholder after it was encoded, in bytes. */
export const MAX_KEY_VALUE = 128;

/** Longest key, and longest part of one between slashes that MinIO takes, in bytes. */
const MAX_KEY = 1024;
const MAX_SEGMENT = 255;

/** What literal text may not hold: what servers treat in ways of their own. */
const FORBIDDEN_LITERAL = /[{}\\\p{Cc}]/u;

/** Stand for what is known once a batch is complete; nothing else in a key is a control character. */
const BATCH_ID = "\u0001";
const BATCH_TIME = "\u0002";

/** Without colons, as the Python service has it. It sorts by time. */
function timeText(event: Event): string {
  return receivedAtText(event).replaceAll(":", "-");
}

const OF_ALL: Readonly<Record<string, EventValue>> = {
  namespace: ({ namespace }) => namespace,
  webhook_id: ({ webhook }) => webhook,
  event_type: ({ type }) => type,
  year: (event) => receivedAtText(event).slice(0, 4),
  month: (event) => receivedAtText(event).slice(5, 7),
  day: (event) => receivedAtText(event).slice(8, 10),
  hour: (event) => receivedAtText(event).slice(11, 13),
};

const OF_OBJECTS: Readonly<Record<string, EventValue>> = {
  ...OF_ALL,
  event_id: ({ id }) => id,
  uuid: ({ id }) => eventUuid(id),
  timestamp: timeText,
};

const OF_BATCHES: Readonly<Record<string, EventValue>> = {
  ...OF_ALL,
  batch_id: () => BATCH_ID,
  timestamp: () => BATCH_TIME,
};

/** A checked pattern. */
export interface KeyPattern {
  /** What all its keys begin with. */
  readonly start: string;
  /** All of it as policies know it. */
  readonly destination: string;
  /**
   * The key of an event's object; of a batch, what its events have in common, to be given to {@linkcode batchKey}.
   *
   * @throws {DeliveryError} `output_rejected` when the event has no value for it, or none that can be a part of a key
   */
  of(event: Event): string;
}

/** The pattern, or one sentence about what is wrong with it. @param ofBatches whether an object has several events */
export function parseKeyPattern(text: string, ofBatches: boolean): KeyPattern | { readonly problem: string } {
  const pattern = splitPattern(text);
  const { literals, names } = pattern;
  const problem = problemOf(text, literals) ?? problemOfNames(names, ofBatches);
  if (problem !== undefined) return { problem };
  const values = findValues(names, ofBatches ? OF_BATCHES : OF_OBJECTS);
  if ("problem" in values) return values;
  const rendered = (event: Event) =>
    fillPattern(pattern, (index) => encoded(values[index]!(event), names[index]!));
  const destination = nameWithPlaces(literals, names);
  return { start: literals[0]!, destination, of: ofBatches ? rendered : (event) => checked(rendered(event)) };
}

/**
 * The key of a batch.
 *
 * @param common what {@linkcode KeyPattern.of} says of each of its events
 * @param first the event that was received first
 * @throws {DeliveryError} `output_rejected` when it cannot be a key
 */
export function batchKey(common: string, id: string, first: Event): string {
  return checked(common.replaceAll(BATCH_ID, id).replaceAll(BATCH_TIME, timeText(first)));
}

/** The path of a key in a URL. Its slashes stay. */
export function pathOf(key: string): string {
  return key.split("/").map(encodeStrictly).join("/");
}

/** As signatures have it (RFC 3986): everything but letters, digits and `-_.~`. */
export function encodeStrictly(text: string): string {
  return encodeURIComponent(text)
    .replaceAll(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}

function problemOf(pattern: string, literals: readonly string[]): string | undefined {
  if (pattern === "") return "A key cannot be empty";
  if (literals.some((literal) => FORBIDDEN_LITERAL.test(literal) || !literal.isWellFormed())) {
    return "A key cannot contain control characters, backslashes or single braces";
  }
  if (pattern.startsWith("/") || pattern.endsWith("/")) return "A key neither begins nor ends with a slash";
  // Around placeholders, which may add to a segment but never end one.
  const segments = literals.join("x").split("/");
  const refusal = segments.map(refusalOfSegment).find((reason) => reason !== undefined);
  if (refusal !== undefined) return `A key cannot have ${refusal}`;
  const longest = Buffer.byteLength(literals.join("")) > MAX_KEY;
  return longest ? `The key is longer than ${MAX_KEY} bytes` : undefined;
}

function problemOfNames(names: readonly string[], ofBatches: boolean): string | undefined {
  if (!ofBatches) {
    return names.includes("event_id") || names.includes("uuid")
      ? undefined
      : "Without {event_id} or {uuid} one event would take the place of another";
  }
  if (names.includes("event_id") || names.includes("uuid")) {
    return "An object of a batch has several events: use {batch_id} instead of {event_id} and {uuid}";
  }
  return names.includes("batch_id")
    ? undefined
    : "Without {batch_id} one batch would take the place of another";
}

/** One segment of a key, or a part of one: everything but letters, digits and `-_.!~*'()` is percent-encoded. */
function encoded(value: string | undefined, name: string): string {
  if (value === BATCH_ID || value === BATCH_TIME) return value;
  if (value === undefined || value === "") {
    throw new DeliveryError("output_rejected", `The event has nothing for {${name}} of the key`);
  }
  const text = value.length > MAX_KEY_VALUE ? value : encodeURIComponent(value.toWellFormed());
  if (text.length <= MAX_KEY_VALUE) return text;
  const message =
    `What the event has for {${name}} of the key is longer than ${MAX_KEY_VALUE} bytes when encoded`;
  throw new DeliveryError("output_rejected", message);
}

function checked(key: string): string {
  const refusal = Buffer.byteLength(key) > MAX_KEY
    ? `more than ${MAX_KEY} bytes`
    : key.split("/").map(refusalOfSegment).find((reason) => reason !== undefined);
  if (refusal === undefined) return key;
  throw new DeliveryError("output_rejected", `The key of the object would have ${refusal}`);
}

/** What keeps a part of a key between slashes from arriving as it is; `undefined` when nothing does. */
function refusalOfSegment(segment: string): string | undefined {
  // Everybody on the way folds them, also when they are encoded: the object would be somewhere else.
  if (segment === "." || segment === "..") return `a part '${segment}' between slashes`;
  if (segment === "") return "an empty part between slashes";
  return Buffer.byteLength(segment) > MAX_SEGMENT
    ? `a part of more than ${MAX_SEGMENT} bytes between slashes`
    : undefined;
}
