/**
 * What is known of a JSON text that `JSON.parse` does not say.
 *
 * @module
 */

import { endOfString } from "./strings.ts";

const QUOTE = 0x22;
const COMMA = 0x2c;
const OPENING_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSING_BRACKET = 0x5d;
const OPENING_BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;

/**
 * How many strings a JSON text has, keys and values. `JSON.parse` gives fewer where it drops a member for a later
 * one of the same key: a cheap and exact way to find out that no key stands more than once.
 *
 * @param text valid JSON
 */
export function countStrings(text: string): number {
  let quotes = 0;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === QUOTE) quotes++;
    else if (code === BACKSLASH) index++;
  }
  return quotes / 2;
}

/** A way into a JSON value: keys of objects and indices of arrays. */
export type JsonPath = readonly (string | number)[];

/**
 * Calls `visit` for every key that stands in its object once more, however it is spelt; `JSON.parse` silently
 * keeps the last value of such a key.
 *
 * @param text valid JSON
 * @param visit gets the way to the key, which holds during the call only
 */
export function forEachDuplicateKey(text: string, visit: (path: JsonPath) => void): void {
  const path: (string | number)[] = [];
  /** The keys so far of each object on the way; `undefined` for an array. */
  const seen: (Set<string> | undefined)[] = [];
  let expectsKey = false;
  for (let index = 0; index < text.length; index++) {
    switch (text.charCodeAt(index)) {
      case OPENING_BRACE:
        path.push("");
        seen.push(new Set());
        expectsKey = true;
        break;
      case OPENING_BRACKET:
        path.push(0);
        seen.push(undefined);
        expectsKey = false;
        break;
      case CLOSING_BRACE:
      case CLOSING_BRACKET:
        path.pop();
        seen.pop();
        break;
      case COMMA:
        expectsKey = seen.at(-1) !== undefined;
        if (!expectsKey) path[path.length - 1] = path.at(-1) as number + 1;
        break;
      case QUOTE: {
        const end = endOfString(text, index);
        if (expectsKey) {
          const key = path[path.length - 1] = keyAt(text, index, end);
          const keys = seen.at(-1)!;
          if (keys.has(key)) visit(path);
          else keys.add(key);
          expectsKey = false;
        }
        index = end - 1;
      }
    }
  }
}

/** "a" and "\u0061" are the same key. */
function keyAt(text: string, start: number, end: number): string {
  const key = text.slice(start + 1, end - 1);
  return key.includes("\\") ? JSON.parse(text.slice(start, end)) as string : key;
}

/** A place in a text. */
export interface TextPlace {
  /** In UTF-16 code units, from 0. */
  readonly position: number;
  /** From 1. */
  readonly line: number;
  /** In UTF-16 code units, from 1. */
  readonly column: number;
}

/**
 * Says where a text stopped being JSON: `: error at position 22 (line 2 column 12)`, or nothing where that
 * is not known. The text itself is never quoted, since it may hold a secret; V8's message would.
 *
 * @param error what `JSON.parse` threw for the text
 */
export function describeErrorPosition(text: string, error: unknown): string {
  const position = findErrorPosition(text, error);
  if (position === undefined) return "";
  const before = text.slice(0, position);
  const column = position - before.lastIndexOf("\n");
  return describeErrorPlace({ position, line: before.split("\n").length, column });
}

/** Says where a text stopped being JSON, for a place that is known: `: error at position 22 (line 2 column 12)`. */
export function describeErrorPlace({ position, line, column }: TextPlace): string {
  return `: error at position ${position} (line ${line} column ${column})`;
}

/**
 * Where a text stopped being JSON, in UTF-16 code units; `undefined` where that is not known.
 *
 * @param error what `JSON.parse` threw for the text
 */
export function findErrorPosition(text: string, error: unknown): number | undefined {
  const told = error instanceof Error ? /at position (\d+)/.exec(error.message)?.[1] : undefined;
  return told === undefined ? findMissingValue(text) : Number(told);
}

/** A mark after which a value begins, and one that cannot begin a value. */
const MISSING_VALUE = /^(?:[,:][\]},:]|\[[},:])$/;

/**
 * Finds the first place where a value should begin and something else stands: the one kind of error for
 * which V8 tells no position.
 */
function findMissingValue(text: string): number | undefined {
  const token = /[\s{}[\],:]|"|(?:true|false|null)\b|-?\d[\d.eE+-]*/y;
  let former = "";
  while (token.lastIndex < text.length) {
    const position = token.lastIndex;
    const found = token.exec(text)?.[0];
    if (found === undefined || MISSING_VALUE.test(former + found)) return position;
    if (found === '"') token.lastIndex = endOfString(text, position);
    if (found.trim() !== "") former = found;
  }
  return undefined;
}
