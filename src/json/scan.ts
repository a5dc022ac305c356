/**
 * Whether bytes are a JSON document (RFC 8259), and no more complex than is allowed, without making its values:
 * they would take up to thirty times the memory of the document. It takes one pass without recursion, which may
 * be interrupted after any number of bytes.
 *
 * @module
 */

/** How complex a JSON document may be. */
export interface JsonBounds {
  /** Objects and arrays within each other. */
  readonly maxDepth: number;
  /** Objects, arrays, texts, numbers and words; names do not count. */
  readonly maxValues: number;
}

/** Far more than webhooks have, and far less than would hold anything up. */
export const DEFAULT_JSON_BOUNDS: JsonBounds = { maxDepth: 1_000, maxValues: 1_000_000 };

/** What a document turned out to be. */
export type JsonVerdict = "json" | "not_json" | "too_complex";

/** Each level takes two brackets. */
const BYTES_PER_LEVEL = 2;

const TAB = 0x09;
const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const PLUS = 0x2b;
const COMMA = 0x2c;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const COLON = 0x3a;
const LOWER_E = 0x65;
const LOWER_U = 0x75;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const TO_LOWER_CASE = 0x20;

const encoder = new TextEncoder();
const TRUE = encoder.encode("true");
const FALSE = encoder.encode("false");
const NULL = encoder.encode("null");
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

/** What may stand next; the last two are within a string. */
const VALUE = 0;
const VALUE_OR_END = 1;
const NAME = 2;
const NAME_OR_END = 3;
const AFTER_NAME = 4;
const AFTER_VALUE = 5;
const REST_OF_NAME = 6;
const REST_OF_TEXT = 7;

/** What stands for an index where there is none. */
const NOT_JSON = -1;
const TOO_COMPLEX = -2;

/** Bytes that stand for themselves in a string. */
const PLAIN = new Uint8Array(256).fill(1, SPACE);
PLAIN[QUOTE] = PLAIN[BACKSLASH] = 0;

/** What may follow a backslash, but for `u`. */
const ESCAPED = new Uint8Array(256);
for (const byte of encoder.encode('"\\/bfnrt')) ESCAPED[byte] = 1;

const HEX_DIGIT = new Uint8Array(256);
for (const byte of encoder.encode("0123456789abcdefABCDEF")) HEX_DIGIT[byte] = 1;

/** Whether a document of so many bytes or characters is within the bounds whatever it holds. */
export function isWithinBounds(length: number, { maxDepth, maxValues }: JsonBounds): boolean {
  return length <= BYTES_PER_LEVEL * maxDepth && length <= maxValues;
}

/** One pass over one document. */
export class JsonScanner {
  readonly #bytes: Uint8Array;
  readonly #bounds: JsonBounds;
  /** The closing brackets of the open containers, and behind them those of containers that were closed. */
  readonly #open: number[] = [];
  #depth = 0;
  #values = 0;
  #expected = VALUE;
  #at = 0;

  /** @param bytes well-formed UTF-8; a byte order mark at the start is passed over */
  constructor(bytes: Uint8Array, bounds: JsonBounds) {
    this.#bytes = bytes;
    this.#bounds = bounds;
    if (
      bytes[0] === BYTE_ORDER_MARK[0] && bytes[1] === BYTE_ORDER_MARK[1] && bytes[2] === BYTE_ORDER_MARK[2]
    ) {
      this.#at = BYTE_ORDER_MARK.length;
    }
  }

  /**
   * Goes on for about so many bytes.
   *
   * @returns the verdict; `undefined` where it is still open
   */
  advance(count: number): JsonVerdict | undefined {
    const bytes = this.#bytes;
    const until = Math.min(bytes.length, this.#at + count);
    let at = this.#at;
    while (at < until) {
      const byte = bytes[at]!;
      if (this.#expected >= REST_OF_NAME) at = this.#restOfString(at, until);
      else if (byte > SPACE) at = this.#token(byte, at);
      else if (byte === SPACE || byte === NEWLINE || byte === CARRIAGE_RETURN || byte === TAB) at++;
      else return "not_json";
      if (at < 0) return at === TOO_COMPLEX ? "too_complex" : "not_json";
    }
    this.#at = at;
    if (at < bytes.length) return undefined;
    return at === bytes.length && this.#expected === AFTER_VALUE && this.#depth === 0 ? "json" : "not_json";
  }

  /** Takes the next token, or the quote that begins one. Returns the index after it, or one of the failures. */
  #token(byte: number, at: number): number {
    switch (this.#expected) {
      case AFTER_VALUE:
        return this.#afterValue(byte, at);
      case AFTER_NAME:
        if (byte !== COLON) return NOT_JSON;
        this.#expected = VALUE;
        return at + 1;
      case NAME_OR_END:
        return byte === CLOSE_BRACE ? this.#leave(at) : this.#name(byte, at);
      case NAME:
        return this.#name(byte, at);
      case VALUE_OR_END:
        return byte === CLOSE_BRACKET ? this.#leave(at) : this.#value(byte, at);
      default:
        return this.#value(byte, at);
    }
  }

  #afterValue(byte: number, at: number): number {
    if (this.#depth === 0) return NOT_JSON;
    const close = this.#open[this.#depth - 1]!;
    if (byte === close) return this.#leave(at);
    if (byte !== COMMA) return NOT_JSON;
    this.#expected = close === CLOSE_BRACE ? NAME : VALUE;
    return at + 1;
  }

  #name(byte: number, at: number): number {
    if (byte !== QUOTE) return NOT_JSON;
    this.#expected = REST_OF_NAME;
    return at + 1;
  }

  #value(byte: number, at: number): number {
    if (++this.#values > this.#bounds.maxValues) return TOO_COMPLEX;
    if (byte === QUOTE) {
      this.#expected = REST_OF_TEXT;
      return at + 1;
    }
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET) return this.#enter(byte, at);
    this.#expected = AFTER_VALUE;
    return endOfWord(this.#bytes, at);
  }

  #enter(bracket: number, at: number): number {
    if (this.#depth === this.#bounds.maxDepth) return TOO_COMPLEX;
    const isObject = bracket === OPEN_BRACE;
    this.#open[this.#depth++] = isObject ? CLOSE_BRACE : CLOSE_BRACKET;
    this.#expected = isObject ? NAME_OR_END : VALUE_OR_END;
    return at + 1;
  }

  #leave(at: number): number {
    this.#depth--;
    this.#expected = AFTER_VALUE;
    return at + 1;
  }

  #restOfString(start: number, until: number): number {
    const bytes = this.#bytes;
    let at = start;
    while (at < until && PLAIN[bytes[at]!] === 1) at++;
    if (at === until) return at;
    if (bytes[at] !== QUOTE) return endOfEscape(bytes, at);
    this.#expected = this.#expected === REST_OF_NAME ? AFTER_NAME : AFTER_VALUE;
    return at + 1;
  }
}

/** The index after an escape; `NOT_JSON` where it is none. Past the end it is one that needs more bytes. */
function endOfEscape(bytes: Uint8Array, backslash: number): number {
  if (bytes[backslash] !== BACKSLASH) return NOT_JSON;
  const byte = bytes[backslash + 1] ?? 0;
  if (ESCAPED[byte] === 1) return backslash + 2;
  if (byte !== LOWER_U) return NOT_JSON;
  const end = backslash + 6;
  for (let at = backslash + 2; at < end; at++) {
    if (HEX_DIGIT[bytes[at] ?? 0] === 0) return NOT_JSON;
  }
  return end;
}

/** The index after a number, `true`, `false` or `null`; `NOT_JSON` where there is none. */
function endOfWord(bytes: Uint8Array, start: number): number {
  switch (bytes[start]) {
    case TRUE[0]:
      return endOfLiteral(bytes, start, TRUE);
    case FALSE[0]:
      return endOfLiteral(bytes, start, FALSE);
    case NULL[0]:
      return endOfLiteral(bytes, start, NULL);
    default:
      return endOfNumber(bytes, start);
  }
}

function endOfLiteral(bytes: Uint8Array, start: number, literal: Uint8Array): number {
  for (let index = 1; index < literal.length; index++) {
    if (bytes[start + index] !== literal[index]) return NOT_JSON;
  }
  return start + literal.length;
}

/** RFC 8259, section 6. */
function endOfNumber(bytes: Uint8Array, start: number): number {
  const first = bytes[start] === MINUS ? start + 1 : start;
  let at = endOfDigits(bytes, first);
  if (at === first || (bytes[first] === ZERO && at > first + 1)) return NOT_JSON;
  if (bytes[at] === DOT) {
    const fraction = at + 1;
    at = endOfDigits(bytes, fraction);
    if (at === fraction) return NOT_JSON;
  }
  if ((bytes[at]! | TO_LOWER_CASE) === LOWER_E) {
    const sign = bytes[at + 1];
    const exponent = sign === PLUS || sign === MINUS ? at + 2 : at + 1;
    at = endOfDigits(bytes, exponent);
    if (at === exponent) return NOT_JSON;
  }
  return at;
}

function endOfDigits(bytes: Uint8Array, start: number): number {
  let at = start;
  while (at < bytes.length && bytes[at]! - ZERO >>> 0 < 10) at++;
  return at;
}
