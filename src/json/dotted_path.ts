/**
 * Finds where in a JSON text a value stands that problems name by a path such as `chain.0.module-config.topic`.
 *
 * @module
 */

import { endOfValue, skipSpace } from "./source.ts";
import { endOfString } from "./strings.ts";

const COMMA = 0x2c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** How far a path leads into a text. */
export interface PathEnd {
  /** Where the last member on the way begins, or the last element: an index into the text. */
  readonly at: number;
  /** What is left of the path; empty where it leads to a value. */
  readonly rest: string;
  /** Whether the way ends in an object, so that what is left of the path may come from elsewhere. */
  readonly isInObject: boolean;
}

interface Step {
  readonly at: number;
  readonly valueAt: number;
  readonly rest: string;
}

/**
 * Follows a path as far as there is a way. Of members with the same name the last one counts, as for `JSON.parse`; of
 * names with dots in them the longest one that the path begins with.
 *
 * @param json valid JSON
 * @param path names and indices with dots between them; empty for the whole text
 */
export function followPath(json: string, path: string): PathEnd {
  let valueAt = skipSpace(json, 0);
  let at = valueAt;
  let rest = path;
  while (rest !== "") {
    const step = stepInto(json, valueAt, rest);
    if (step === undefined) break;
    ({ at, valueAt, rest } = step);
  }
  return { at, rest, isInObject: json.charCodeAt(valueAt) === OPEN_BRACE };
}

function stepInto(json: string, at: number, path: string): Step | undefined {
  switch (json.charCodeAt(at)) {
    case OPEN_BRACE:
      return findMember(json, at, path);
    case OPEN_BRACKET:
      return findElement(json, at, path);
    default:
      return undefined;
  }
}

function findMember(json: string, start: number, path: string): Step | undefined {
  let found: Step | undefined;
  let at = skipSpace(json, start + 1);
  while (json.charCodeAt(at) !== CLOSE_BRACE && at < json.length) {
    const nameEnd = endOfString(json, at);
    const valueAt = skipSpace(json, skipSpace(json, nameEnd) + 1);
    const rest = restBehind(path, JSON.parse(json.slice(at, nameEnd)) as string);
    if (rest !== undefined && (found === undefined || rest.length <= found.rest.length)) {
      found = { at, valueAt, rest };
    }
    at = nextItem(json, valueAt);
  }
  return found;
}

function findElement(json: string, start: number, path: string): Step | undefined {
  let at = skipSpace(json, start + 1);
  for (let index = 0; json.charCodeAt(at) !== CLOSE_BRACKET && at < json.length; index++) {
    const rest = restBehind(path, String(index));
    if (rest !== undefined) return { at, valueAt: at, rest };
    at = nextItem(json, at);
  }
  return undefined;
}

/** What is left of a path behind its first name, if it begins with that name. */
function restBehind(path: string, name: string): string | undefined {
  if (path === name) return "";
  return path.startsWith(`${name}.`) ? path.slice(name.length + 1) : undefined;
}

/** Where the next member or element begins, or the bracket stands that ends the container. */
function nextItem(json: string, valueAt: number): number {
  const end = skipSpace(json, endOfValue(json, valueAt));
  return json.charCodeAt(end) === COMMA ? skipSpace(json, end + 1) : end;
}
