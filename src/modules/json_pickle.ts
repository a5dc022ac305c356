/**
 * Turns JSON into the pickle of what Python's `json.loads` makes of it. It works from the text and not from
 * parsed values, which have lost what Python keeps: integers beyond 2^53, the difference between `1` and
 * `1.0`, and the order of keys such as `"2"` and `"1"`.
 *
 * @module
 */

import type { PickleWriter } from "./pickle.ts";

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

/**
 * Writes the value of a JSON text. It takes one pass without a stack, so nesting may be as deep as it likes.
 *
 * @param json valid JSON: that it is must have been found out before
 * @throws {RangeError} for an integer of more than 4300 digits, which Python's `json` refuses too
 */
export function pickleJson(json: string, writer: PickleWriter): void {
  const { length } = json;
  let backslash = json.indexOf("\\");
  let at = 0;
  while (at < length) {
    const code = json.charCodeAt(at);
    switch (code) {
      case QUOTE: {
        const start = at;
        while (backslash !== -1 && backslash < start) backslash = json.indexOf("\\", start);
        at = json.indexOf('"', start + 1);
        const plain = backslash === -1 || at < backslash;
        if (!plain) at = endOfString(json, backslash);
        writer.text(plain ? json.slice(start + 1, at) : JSON.parse(json.slice(start, at + 1)));
        at++;
        break;
      }
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
}

/** Index of the closing quote of a string that has a backslash there. */
function endOfString(json: string, backslash: number): number {
  let at = backslash;
  for (let code = json.charCodeAt(at); code !== QUOTE; code = json.charCodeAt(at)) {
    at += code === BACKSLASH ? 2 : 1;
  }
  return at;
}

function isNumberStart(code: number): boolean {
  return code === MINUS || (code >= ZERO && code <= NINE);
}

/** Writes a number and returns the index after it. */
function writeNumber(json: string, start: number, writer: PickleWriter): number {
  let isFloat = false;
  let at = start + 1;
  for (; at < json.length; at++) {
    const code = json.charCodeAt(at);
    if (code === DOT || code === LOWER_E || code === UPPER_E) isFloat = true;
    else if ((code < ZERO || code > NINE) && code !== PLUS && code !== MINUS) break;
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
