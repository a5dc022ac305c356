/**
 * Single members of a JSON document, without a value for anything else: of an event of kilobytes a condition mostly asks
 * for two or three, and making all the others takes several times as long as finding these.
 *
 * @module
 */

import { numberFrom, parseExactly } from "../exact_numbers.ts";
import { sliceOf } from "../strings.ts";

/** Members of an object by their names, and those within them that are asked for; `undefined` stands for all of it. */
export type MemberTree = ReadonlyMap<string, MemberTree | undefined>;

const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const LETTER_F = 0x66;
const LETTER_N = 0x6e;
const LETTER_T = 0x74;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

const LAST_ASCII = 0x7f;

/** The first byte of a byte order mark, with which no JSON begins, and how many it has. */
const BYTE_ORDER_MARK = 0xef;
const BYTE_ORDER_MARK_LENGTH = 3;

/** A name that a document may write as it is, and in no other bytes. */
const PLAIN_NAME = /^[\x20-\x5b\x5d-\x7f]*$/;

const decoder = new TextDecoder();

/** A document in both forms. */
interface Json {
  readonly bytes: Uint8Array;
  readonly ascii: string | undefined;
}

/** A member that is asked for, as the search has it. */
interface Wanted {
  readonly name: string;
  /** Whether it may be compared with bytes. */
  readonly isPlain: boolean;
  /** Its own members that are asked for, where not all of it is. */
  readonly within: readonly Wanted[] | undefined;
}

/** Finds the same members in one document after the other. */
export class MemberPicker {
  readonly #wanted: readonly Wanted[];

  constructor(tree: MemberTree) {
    this.#wanted = wantedOf(tree);
  }

  /**
   * What `parseExactly` makes of a document, without the members that are not asked for. What is no object is whole, and
   * of several members with one name the last one counts, as there.
   *
   * @param bytes valid JSON; a byte order mark at the start is passed over
   * @param ascii the text of the same document, where all of it is ASCII: cutting it is faster than decoding bytes
   */
  pick(bytes: Uint8Array, ascii?: string): unknown {
    const json = { bytes, ascii };
    const start = afterSpace(bytes, bytes[0] === BYTE_ORDER_MARK ? BYTE_ORDER_MARK_LENGTH : 0);
    if (bytes[start] !== OPEN_BRACE) return parseExactly(textOf(json, start, bytes.length));
    const picked: Record<string, unknown> = {};
    pickObject(json, start, this.#wanted, picked);
    return picked;
  }
}

function wantedOf(tree: MemberTree): readonly Wanted[] {
  return Array.from(tree, ([name, within]) => {
    return { name, isPlain: PLAIN_NAME.test(name), within: within && wantedOf(within) };
  });
}

/** Adds what is asked for of the object that begins at `start`. @returns the index after the object */
function pickObject(
  json: Json,
  start: number,
  wanted: readonly Wanted[],
  picked: Record<string, unknown>,
): number {
  const { bytes } = json;
  let at = afterSpace(bytes, start + 1);
  while (bytes[at] === QUOTE) {
    const nameEnd = endOfString(bytes, at);
    const member = findWanted(json, at, nameEnd, wanted);
    const valueStart = afterSpace(bytes, afterSpace(bytes, nameEnd) + 1);
    const valueEnd = member === undefined
      ? endOfValue(bytes, valueStart)
      : pickMember(json, valueStart, member, picked);
    at = afterSpace(bytes, valueEnd);
    if (bytes[at] === COMMA) at = afterSpace(bytes, at + 1);
  }
  return at + 1;
}

/** The member with the name that begins with the quote at `start`, if it is asked for. */
function findWanted(
  json: Json,
  start: number,
  end: number,
  wanted: readonly Wanted[],
): Wanted | undefined {
  const { bytes } = json;
  const length = end - start - 2;
  for (let index = 0; index < wanted.length; index++) {
    const member = wanted[index]!;
    const { name, isPlain } = member;
    if (name.length === length && isPlain && standsAt(bytes, start + 1, name)) return member;
  }
  if (isPlainText(bytes, start, end)) return undefined;
  const name = JSON.parse(textOf(json, start, end)) as string;
  return wanted.find((member) => member.name === name);
}

/** Adds the value that begins at `start`, or what is asked for of it. @returns the index after the value */
function pickMember(
  json: Json,
  start: number,
  { name, within }: Wanted,
  picked: Record<string, unknown>,
): number {
  if (within !== undefined && json.bytes[start] === OPEN_BRACE) {
    const inner: Record<string, unknown> = {};
    setMember(picked, name, inner);
    return pickObject(json, start, within, inner);
  }
  const end = endOfValue(json.bytes, start);
  setMember(picked, name, valueOf(json, start, end));
  return end;
}

function setMember(holder: Record<string, unknown>, name: string, value: unknown): void {
  if (name !== "__proto__") holder[name] = value;
  else Object.defineProperty(holder, name, { value, enumerable: true, configurable: true, writable: true });
}

function valueOf(json: Json, start: number, end: number): unknown {
  const { bytes } = json;
  switch (bytes[start]) {
    case QUOTE:
      return isPlainText(bytes, start, end)
        ? textOf(json, start + 1, end - 1)
        : JSON.parse(textOf(json, start, end));
    case OPEN_BRACE:
    case OPEN_BRACKET:
      return parseExactly(textOf(json, start, end));
    case LETTER_T:
      return true;
    case LETTER_F:
      return false;
    case LETTER_N:
      return null;
    default:
      return numberFrom(textOf(json, start, end));
  }
}

function textOf({ bytes, ascii }: Json, start: number, end: number): string {
  return ascii === undefined ? decoder.decode(bytes.subarray(start, end)) : sliceOf(ascii, start, end);
}

function standsAt(bytes: Uint8Array, start: number, name: string): boolean {
  for (let index = 0; index < name.length; index++) {
    if (bytes[start + index] !== name.charCodeAt(index)) return false;
  }
  return true;
}

/** Whether a string stands for its own characters, all of them ASCII. */
function isPlainText(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start + 1; at < end; at++) {
    const byte = bytes[at]!;
    if (byte === BACKSLASH || byte > LAST_ASCII) return false;
  }
  return true;
}

/** The index of the first byte from `start` on that is no white space: no other byte of a document is below that. */
function afterSpace(bytes: Uint8Array, start: number): number {
  let at = start;
  while (bytes[at]! <= SPACE) at++;
  return at;
}

/** The index after the closing quote of the string that begins at `start`. */
function endOfString(bytes: Uint8Array, start: number): number {
  let at = start + 1;
  while (at < bytes.length) {
    const byte = bytes[at]!;
    if (byte === QUOTE) break;
    at += byte === BACKSLASH ? 2 : 1;
  }
  return at + 1;
}

function endOfValue(bytes: Uint8Array, start: number): number {
  switch (bytes[start]) {
    case QUOTE:
      return endOfString(bytes, start);
    case OPEN_BRACE:
    case OPEN_BRACKET:
      return endOfContainer(bytes, start);
    default:
      return endOfWord(bytes, start);
  }
}

function endOfContainer(bytes: Uint8Array, start: number): number {
  let depth = 1;
  let at = start + 1;
  while (depth > 0 && at < bytes.length) {
    const byte = bytes[at]!;
    if (byte === QUOTE) {
      at = endOfString(bytes, at);
      continue;
    }
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth++;
    else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) depth--;
    at++;
  }
  return at;
}

/** The index after a number, `true`, `false` or `null`. */
function endOfWord(bytes: Uint8Array, start: number): number {
  let at = start;
  while (at < bytes.length) {
    const byte = bytes[at]!;
    if (byte <= SPACE || byte === COMMA || byte === CLOSE_BRACE || byte === CLOSE_BRACKET) break;
    at++;
  }
  return at;
}
