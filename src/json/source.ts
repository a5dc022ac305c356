/**
 * Finds the text of a value within a JSON text, for what parsing loses: numbers that are no exact doubles, and
 * how a number was written.
 *
 * The texts have been parsed before, so that they are valid JSON is taken for granted. Of anything else the
 * result means nothing, but the search ends all the same. It takes one pass without recursion, however deep
 * the text is nested.
 *
 * @module
 */

import { endOfString } from "./strings.ts";

const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const SPACE = 0x20;

/** An array index as RFC 6901 (section 4) has it: digits, without leading zeros. */
const ARRAY_INDEX = /^(?:0|[1-9]\d*)$/;

/** Whether a reference token of a JSON pointer may name an element of an array. */
function isArrayIndex(token: string): boolean {
  return ARRAY_INDEX.test(token);
}

/**
 * The text of the value at a place of a JSON text, exactly as it stands there. Of members with the same name
 * it is the last one that counts, as for `JSON.parse`.
 *
 * @param json valid JSON
 * @param tokens the names of members and the indices of elements that lead to the value; none: the whole text
 * @returns `undefined` where there is no such place
 */
export function findJsonSource(json: string, tokens: readonly string[]): string | undefined {
  const root = skipSpace(json, 0);
  if (tokens.length === 0) return json.slice(root, endOfValue(json, root));
  /** For each open container on the way to the value: the index of its current element, or -1 in an object. */
  const open: number[] = [];
  let found = -1;
  let at = enter(json, root, open);
  while (open.length > 0 && at < json.length) {
    at = skipSpace(json, at);
    const code = json.charCodeAt(at);
    if (code === CLOSE_BRACE || code === CLOSE_BRACKET) {
      open.pop();
      at++;
      continue;
    }
    const level = open.length - 1;
    const index = open[level]!;
    if (code === COMMA) {
      if (index >= 0) open[level] = index + 1;
      at++;
      continue;
    }
    const token = tokens[level]!;
    let isNamed: boolean;
    if (index >= 0) isNamed = isArrayIndex(token) && Number(token) === index;
    else {
      const end = endOfString(json, at);
      isNamed = isString(json, at, end, token);
      at = skipSpace(json, json.indexOf(":", end) + 1);
    }
    if (!isNamed) at = endOfValue(json, at);
    else if (open.length === tokens.length) {
      found = at;
      at = endOfValue(json, at);
    } else {
      // A member of the same name that stood before does not count any more, nor what was found in it.
      found = -1;
      at = enter(json, at, open);
    }
  }
  return found === -1 ? undefined : json.slice(found, endOfValue(json, found));
}

/** Opens the container that begins at `at`, and returns the index after its bracket; passes any other value. */
function enter(json: string, at: number, open: number[]): number {
  const code = json.charCodeAt(at);
  if (code !== OPEN_BRACE && code !== OPEN_BRACKET) return endOfValue(json, at);
  open.push(code === OPEN_BRACE ? -1 : 0);
  return at + 1;
}

/** Whether the JSON string in `json` from `start` to `end`, quotes included, stands for this text. */
function isString(json: string, start: number, end: number, text: string): boolean {
  const length = end - start - 2;
  if (length < text.length) return false;
  // What has no escape is its own text, and an escape is always longer than what it stands for.
  if (length === text.length) return json.startsWith(text, start + 1) && !text.includes("\\");
  const source = json.slice(start, end);
  return source.includes("\\") && JSON.parse(source) === text;
}

/** The index after the value that begins at `start` of a JSON text. */
export function endOfValue(json: string, start: number): number {
  switch (json.charCodeAt(start)) {
    case QUOTE:
      return endOfString(json, start);
    case OPEN_BRACE:
    case OPEN_BRACKET:
      return endOfContainer(json, start);
    default:
      return endOfWord(json, start);
  }
}

/** The index after the object or array that begins at `start`. */
function endOfContainer(json: string, start: number): number {
  let depth = 0;
  for (let at = start; at < json.length; at++) {
    switch (json.charCodeAt(at)) {
      case QUOTE:
        at = endOfString(json, at) - 1;
        break;
      case OPEN_BRACE:
      case OPEN_BRACKET:
        depth++;
        break;
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        if (--depth === 0) return at + 1;
    }
  }
  return json.length;
}

/** The index after the number or the `true`, `false` or `null` that begins at `start`. */
function endOfWord(json: string, start: number): number {
  for (let at = start; at < json.length; at++) {
    const code = json.charCodeAt(at);
    if (code <= SPACE || code === COMMA || code === CLOSE_BRACE || code === CLOSE_BRACKET) return at;
  }
  return json.length;
}

/** The index of the next character that is no white space. */
export function skipSpace(json: string, start: number): number {
  let at = start;
  while (json.charCodeAt(at) <= SPACE) at++;
  return at;
}
