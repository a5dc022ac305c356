/**
 * Finds the members at the top of a JSON object (RFC 8259) one after the other in its bytes, without a look at what
 * they hold: whoever reads a document of a hundred thousand of them can do other work in between.
 *
 * @module
 */

const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

/** After how many bytes of a value the search for its end may be interrupted. */
const BYTES_AT_A_TIME = 256 * 1024;

/**
 * Where a member stands: indices of bytes, the ends exclusive. Its name includes the quotes. Its value is empty where
 * something else stands than a colon and a value.
 */
export interface MemberPlace {
  readonly nameStart: number;
  readonly nameEnd: number;
  readonly valueStart: number;
  readonly valueEnd: number;
}

/** One pass over one document. */
export class MemberScanner {
  /** Where the document begins: behind a byte order mark, if there is one. */
  readonly start: number;
  readonly #bytes: Uint8Array;
  #at: number;
  #isFirst = true;
  #errorAt: number | undefined;

  /** @param bytes UTF-8 */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.start = BYTE_ORDER_MARK.every((byte, index) => bytes[index] === byte) ? BYTE_ORDER_MARK.length : 0;
    this.#at = this.#skipSpace(this.start);
  }

  /** Whether an object begins here. Asked for before the first member. */
  get isObject(): boolean {
    return this.#bytes[this.#at] === OPEN_BRACE;
  }

  /** The index of the byte with which this is no object any more, between two members or after the last one. */
  get errorAt(): number | undefined {
    return this.#errorAt;
  }

  /**
   * The next member. What is between its ends may still be anything but JSON: that is for whoever parses it. In a large
   * one the search for its end may be interrupted wherever it yields.
   *
   * @returns `undefined` after the last one, and where {@linkcode errorAt} is set
   */
  *next(): Generator<void, MemberPlace | undefined, void> {
    const bytes = this.#bytes;
    const nameStart = this.#nextName();
    if (nameStart === undefined) return undefined;
    if (bytes[nameStart] !== QUOTE) return this.#fail(nameStart);
    const nameEnd = endOfString(bytes, nameStart);
    const colon = this.#skipSpace(nameEnd);
    const valueStart = bytes[colon] === COLON ? this.#skipSpace(colon + 1) : colon;
    const valueEnd = bytes[colon] === COLON ? yield* endOfValue(bytes, valueStart) : colon;
    this.#at = valueEnd;
    return { nameStart, nameEnd, valueStart, valueEnd };
  }

  /** Passes what stands between two members. Returns where the next name must begin, if there is to be one. */
  #nextName(): number | undefined {
    const at = this.#skipSpace(this.#isFirst ? this.#at + 1 : this.#at);
    const isFirst = this.#isFirst;
    this.#isFirst = false;
    if (this.#bytes[at] === CLOSE_BRACE) {
      const end = this.#skipSpace(at + 1);
      return end === this.#bytes.length ? undefined : this.#fail(end);
    }
    if (isFirst) return at;
    return this.#bytes[at] === COMMA ? this.#skipSpace(at + 1) : this.#fail(at);
  }

  #fail(at: number): undefined {
    this.#errorAt = at;
    return undefined;
  }

  #skipSpace(start: number): number {
    const bytes = this.#bytes;
    let at = start;
    while (at < bytes.length && isSpace(bytes[at]!)) at++;
    return at;
  }
}

function isSpace(byte: number): boolean {
  return byte === SPACE || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** The index after the value that begins at `start`; `start` where none does. */
function* endOfValue(bytes: Uint8Array, start: number): Generator<void, number, void> {
  switch (bytes[start]) {
    case QUOTE:
    case OPEN_BRACE:
    case OPEN_BRACKET:
      return yield* endOfLongValue(bytes, start);
    default:
      return endOfWord(bytes, start);
  }
}

/** The index after the text, object or array that begins at `start`, or the length where it does not end. */
function* endOfLongValue(bytes: Uint8Array, start: number): Generator<void, number, void> {
  let depth = 0;
  let isInString = false;
  let pauseAt = start + BYTES_AT_A_TIME;
  for (let at = start; at < bytes.length; at++) {
    if (at >= pauseAt) {
      pauseAt = at + BYTES_AT_A_TIME;
      yield;
    }
    const byte = bytes[at]!;
    if (isInString && byte === BACKSLASH) at++;
    else if (byte === QUOTE) {
      isInString = !isInString;
      if (!isInString && depth === 0) return at + 1;
    } else if (isInString) continue;
    else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth++;
    else if ((byte === CLOSE_BRACE || byte === CLOSE_BRACKET) && --depth === 0) return at + 1;
  }
  return bytes.length;
}

/** The index after the closing quote of the string that begins at `start`, or the length where there is none. */
function endOfString(bytes: Uint8Array, start: number): number {
  for (let at = start + 1; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (byte === QUOTE) return at + 1;
    if (byte === BACKSLASH) at++;
  }
  return bytes.length;
}

function endOfWord(bytes: Uint8Array, start: number): number {
  if (bytes[start] === COLON) return start;
  let at = start;
  for (; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (isSpace(byte) || byte === COMMA || byte === CLOSE_BRACE || byte === CLOSE_BRACKET) break;
  }
  return at;
}
