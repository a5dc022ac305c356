/**
 * Turns JSON into the pickle of what Python's `json.loads` makes of it. Nearly always the pickle has the text and
 * lets Python call `json.loads`, which is exact by definition. What Python refuses to read is written value by
 * value instead; from the text and not from parsed values, which have lost what Python keeps: integers beyond
 * 2^53, the difference between `1` and `1.0`, and the order of keys such as `"2"` and `"1"`.
 *
 * @module
 */

import type { PickleWriter } from "./pickle.ts";

/**
 * Brackets within brackets that `json.loads` follows in every worker: it gives up where Python's stack is 1000 calls
 * deep (`sys.getrecursionlimit`), and a worker with what it was wrapped in has used some of them by then.
 */
const MAX_READ_DEPTH = 500;

/** Decimal integers of so many digits are safe integers. */
const SAFE_DIGITS = 15;

/** Python reads no longer integers out of text (`sys.int_info.default_max_str_digits`). */
const MAX_INTEGER_DIGITS = 4300;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const MINUS = 0x2d;
const PLUS = 0x2b;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const UPPER_E = 0x45;
const LOWER_E = 0x65;
const LOWER_F = 0x66;
const LOWER_N = 0x6e;
const LOWER_T = 0x74;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** Whether `json.loads` of any worker takes a JSON text. A few texts that it would take are not recognised. */
export function isReadByPython(json: string): boolean {
  return isShallow(json) && !mayHaveLongInteger(json);
}

/**
 * Writes the value of a JSON text. It takes one pass without a stack, so nesting depth is unlimited.
 *
 * @param json valid JSON: that it is must have been found out before
 * @param from index to begin at. @default 0
 * @param until index after which to stop, at the end of a token. @default the end
 * @returns the index to go on from
 * @throws {RangeError} for an integer of more than 4300 digits, which Python's `json` refuses too
 */
export function pickleJson(json: string, writer: PickleWriter, from = 0, until = json.length): number {
  let at = from;
  while (at < until) {
    const code = json.charCodeAt(at);
    switch (code) {
      case QUOTE:
        at = writeString(json, at, writer);
        break;
      case OPEN_BRACE:
        writer.beginDict();
        at++;
        break;
      case CLOSE_BRACE:
        writer.endDict();
        at++;
        break;
      case OPEN_BRACKET:
        writer.beginList();
        at++;
        break;
      case CLOSE_BRACKET:
        writer.endList();
        at++;
        break;
      case LOWER_T:
        writer.boolean(true);
        at += "true".length;
        break;
      case LOWER_F:
        writer.boolean(false);
        at += "false".length;
        break;
      case LOWER_N:
        writer.none();
        at += "null".length;
        break;
      default:
        // In valid JSON whatever else is no number is a comma, a colon or white space, and means nothing.
        at = isNumberStart(code) ? writeNumber(json, at, writer) : at + 1;
    }
  }
  return at;
}

/** Whether brackets are nested no deeper than Python follows. A text with few of them is not looked through. */
function isShallow(json: string): boolean {
  return hasFewBrackets(json) || depthOf(json) <= MAX_READ_DEPTH;
}

function hasFewBrackets(json: string): boolean {
  let count = 0;
  for (const bracket of "[{") {
    for (let at = json.indexOf(bracket); at !== -1; at = json.indexOf(bracket, at + 1)) {
      if (++count > MAX_READ_DEPTH) return false;
    }
  }
  return true;
}

function depthOf(json: string): number {
  let depth = 0;
  let deepest = 0;
  for (let at = 0; at < json.length; at++) {
    const code = json.charCodeAt(at);
    if (code === QUOTE) at = endOfString(json, at);
    else if (code === OPEN_BRACKET || code === OPEN_BRACE) deepest = Math.max(deepest, ++depth);
    else if (code === CLOSE_BRACKET || code === CLOSE_BRACE) depth--;
  }
  return deepest;
}

/** Looks at few characters only: more digits in a row than Python reads cover one of them. */
function mayHaveLongInteger(json: string): boolean {
  for (let at = MAX_INTEGER_DIGITS; at < json.length; at += MAX_INTEGER_DIGITS) {
    let start = at;
    while (isDigit(json.charCodeAt(start - 1))) start--;
    let end = at;
    while (isDigit(json.charCodeAt(end)) && end - start <= MAX_INTEGER_DIGITS) end++;
    if (end - start > MAX_INTEGER_DIGITS) return true;
  }
  return false;
}

/** Writes a string and returns the index after it. */
function writeString(json: string, start: number, writer: PickleWriter): number {
  const end = endOfString(json, start);
  const text = json.slice(start + 1, end);
  writer.text(text.includes("\\") ? JSON.parse(json.slice(start, end + 1)) : text);
  return end + 1;
}

/**
 * Index of the quote that ends a string. It goes from character to character, as the engine moves an `indexOf` out of
 * the caller's loop and runs it for characters that begin no string, each time to the end of the text.
 */
function endOfString(json: string, start: number): number {
  let at = start + 1;
  for (let code = json.charCodeAt(at); code !== QUOTE; code = json.charCodeAt(at)) {
    at += code === BACKSLASH ? 2 : 1;
  }
  return at;
}

function isNumberStart(code: number): boolean {
  return code === MINUS || isDigit(code);
}

function isDigit(code: number): boolean {
  return code >= ZERO && code <= NINE;
}

/** Writes a number and returns the index after it. */
function writeNumber(json: string, start: number, writer: PickleWriter): number {
  let isFloat = false;
  let at = start + 1;
  for (; at < json.length; at++) {
    const code = json.charCodeAt(at);
    if (code === DOT || code === LOWER_E || code === UPPER_E) isFloat = true;
    else if (!isDigit(code) && code !== PLUS && code !== MINUS) break;
  }
  const text = json.slice(start, at);
  if (isFloat) writer.float(Number(text));
  else writeInteger(text, writer);
  return at;
}

function writeInteger(text: string, writer: PickleWriter): void {
  if (text.length <= SAFE_DIGITS) return writer.integer(Number(text));
  const digits = text.length - (text.startsWith("-") ? 1 : 0);
  if (digits > MAX_INTEGER_DIGITS) {
    throw new RangeError(
      `Cannot pickle an integer of more than ${MAX_INTEGER_DIGITS} digits: this one has ${digits}`,
    );
  }
  writer.bigInteger(BigInt(text));
}
