/**
 * Writes data in Python's pickle format, protocol 4 (PEP 3154), which every Python since 3.4 reads. A pickle
 * is a program for a small machine, and some of its instructions import modules and call functions. The writer
 * has those that make texts, bytes, numbers, `None`, `True`, `False`, lists, dicts and tuples, and a single call
 * whose function is fixed: `json.loads` of a text. So nothing that a sender writes into a webhook can become code.
 *
 * The instructions are described in `Lib/pickletools.py` of CPython.
 *
 * @module
 */

const PROTO = 0x80;
const STOP = 0x2e;
const MARK = 0x28;
const NONE = 0x4e;
const NEWTRUE = 0x88;
const NEWFALSE = 0x89;
const BININT1 = 0x4b;
const BININT = 0x4a;
const LONG1 = 0x8a;
const LONG4 = 0x8b;
const BINFLOAT = 0x47;
const SHORT_BINUNICODE = 0x8c;
const BINUNICODE = 0x58;
const BINBYTES = 0x42;
const EMPTY_LIST = 0x5d;
const APPENDS = 0x65;
const EMPTY_DICT = 0x7d;
const SETITEMS = 0x75;
const TUPLE = 0x74;
const GLOBAL = 0x63;
const BINUNICODE8 = 0x8d;
const TUPLE1 = 0x85;
const REDUCE = 0x52;

const PROTOCOL = 4;

/** Room for an instruction with an argument of fixed length. */
const MAX_INSTRUCTION = 9;

/** The most bytes of a text whose length is written in one byte. */
const MAX_SHORT_TEXT = 255;

/** The most bytes that UTF-8 takes for one UTF-16 code unit. */
const MAX_UTF8 = 3;

/** Bytes that a writer begins with, and the most that are kept for the next one. */
const FIRST_SIZE = 16 * 1024;
const MAX_KEPT = 256 * 1024;

const encoder = new TextEncoder();

/** Argument of GLOBAL: a module and a name in it, a line each. */
const JSON_LOADS = encoder.encode("json\nloads\n");

/**
 * Writes one pickled value. Containers are begun and ended; what is written in between are their items, for
 * a dict key and value in turn.
 *
 * @example
 * ```ts
 * const writer = new PickleWriter();
 * writer.beginDict();
 * writer.text("order");
 * writer.integer(42);
 * writer.endDict();
 * const bytes = writer.finish(); // {"order": 42}
 * ```
 */
export class PickleWriter {
  /** Room of a finished writer: most values need little, and memory for each of them would cost the most. */
  static #kept: Uint8Array<ArrayBuffer> | undefined;

  #bytes: Uint8Array<ArrayBuffer>;
  #view: DataView;
  #length = 0;

  constructor() {
    this.#bytes = PickleWriter.#kept ?? new Uint8Array(FIRST_SIZE);
    PickleWriter.#kept = undefined;
    this.#view = new DataView(this.#bytes.buffer);
    this.#instruction(PROTO);
    this.#byte(PROTOCOL);
  }

  /** The complete pickle. The writer must not be used afterwards. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.finishInto((pickle) => this.#bytes.length > MAX_KEPT ? pickle : pickle.slice());
  }

  /**
   * Hands over the complete pickle without copying it, and returns what is made of it. The writer must not be used
   * afterwards.
   *
   * @param use must be done with the bytes when it returns: the next writer writes over them
   */
  finishInto<Result>(use: (pickle: Uint8Array<ArrayBuffer>) => Result): Result {
    this.#instruction(STOP);
    const result = use(this.#bytes.subarray(0, this.#length));
    if (this.#bytes.length <= MAX_KEPT) PickleWriter.#kept = this.#bytes;
    return result;
  }

  none(): void {
    this.#instruction(NONE);
  }

  boolean(value: boolean): void {
    this.#instruction(value ? NEWTRUE : NEWFALSE);
  }

  /** @param value a safe integer; -0 becomes 0, which is the only zero that Python's `int` has */
  integer(value: number): void {
    if (value >= 0 && value < 256) {
      this.#instruction(BININT1);
      this.#byte(value);
    } else if (value === (value | 0)) {
      this.#instruction(BININT);
      this.#view.setInt32(this.#length, value, true);
      this.#length += 4;
    } else {
      this.#instruction(LONG1);
      this.#byte(8);
      this.#view.setUint32(this.#length, value >>> 0, true);
      this.#view.setInt32(this.#length + 4, Math.floor(value / 2 ** 32), true);
      this.#length += 8;
    }
  }

  /** An integer of any size, exactly. */
  bigInteger(value: bigint): void {
    const digits = twosComplement(value);
    const size = digits.length / 2;
    if (size < 256) {
      this.#instruction(LONG1);
      this.#byte(size);
    } else {
      this.#instruction(LONG4);
      this.#unsigned32(size);
    }
    this.#reserve(size);
    for (let end = digits.length; end > 0; end -= 2) {
      this.#byte(Number.parseInt(digits.slice(end - 2, end), 16));
    }
  }

  float(value: number): void {
    this.#instruction(BINFLOAT);
    this.#view.setFloat64(this.#length, value, false);
    this.#length += 8;
  }

  /** Any text, lone surrogates included: Python's `str` can hold them as well. */
  text(value: string): void {
    if (value.length <= MAX_SHORT_TEXT && this.#shortAscii(value)) return;
    this.#sized(BINUNICODE, value.isWellFormed() ? encoder.encode(value) : encodeWithSurrogates(value));
  }

  bytes(value: Uint8Array): void {
    this.#sized(BINBYTES, value);
  }

  /** What `json.loads` makes of a text, which Python calls when it reads the pickle. */
  parsedJson(text: string): void {
    this.#instruction(GLOBAL);
    this.#append(JSON_LOADS);
    this.#instruction(BINUNICODE8);
    const sizeAt = this.#length;
    this.#length += 8;
    this.#utf8(text);
    this.#view.setBigUint64(sizeAt, BigInt(this.#length - sizeAt - 8), true);
    this.#instruction(TUPLE1);
    this.#instruction(REDUCE);
  }

  beginList(): void {
    this.#instruction(EMPTY_LIST);
    this.#byte(MARK);
  }

  endList(): void {
    this.#instruction(APPENDS);
  }

  beginDict(): void {
    this.#instruction(EMPTY_DICT);
    this.#byte(MARK);
  }

  endDict(): void {
    this.#instruction(SETITEMS);
  }

  beginTuple(): void {
    this.#instruction(MARK);
  }

  endTuple(): void {
    this.#instruction(TUPLE);
  }

  /** Writes a text of ASCII characters; of any other it writes nothing and returns `false`. */
  #shortAscii(value: string): boolean {
    const { length } = value;
    this.#reserve(length + 2);
    const bytes = this.#bytes;
    let at = this.#length;
    bytes[at++] = SHORT_BINUNICODE;
    bytes[at++] = length;
    for (let index = 0; index < length; index++) {
      const code = value.charCodeAt(index);
      if (code >= 128) return false;
      bytes[at++] = code;
    }
    this.#length = at;
    return true;
  }

  #sized(code: number, bytes: Uint8Array): void {
    this.#instruction(code);
    this.#unsigned32(bytes.byteLength);
    this.#append(bytes);
  }

  /** Writes a text in place: memory for its bytes alone would cost several times as much as encoding it. */
  #utf8(text: string): void {
    if (!text.isWellFormed()) return this.#append(encodeWithSurrogates(text));
    this.#reserve(text.length);
    const { read, written } = encoder.encodeInto(text, this.#bytes.subarray(this.#length));
    this.#length += written;
    if (read === text.length) return;
    this.#reserve((text.length - read) * MAX_UTF8);
    this.#length += encoder.encodeInto(text.slice(read), this.#bytes.subarray(this.#length)).written;
  }

  #append(bytes: Uint8Array): void {
    this.#reserve(bytes.byteLength);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.byteLength;
  }

  /** Begins an instruction and makes room for an argument of fixed length. */
  #instruction(code: number): void {
    this.#reserve(MAX_INSTRUCTION + 1);
    this.#byte(code);
  }

  #byte(value: number): void {
    this.#bytes[this.#length++] = value;
  }

  #unsigned32(value: number): void {
    this.#view.setUint32(this.#length, value, true);
    this.#length += 4;
  }

  #reserve(size: number): void {
    const needed = this.#length + size;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes);
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}

/** Big-endian two's complement in hexadecimal digits, two a byte, with room for the sign. */
function twosComplement(value: bigint): string {
  const magnitude = value < 0n ? -value - 1n : value;
  const bytes = Math.floor(bitLength(magnitude) / 8) + 1;
  return BigInt.asUintN(bytes * 8, value).toString(16).padStart(bytes * 2, "0");
}

function bitLength(magnitude: bigint): number {
  const digits = magnitude.toString(16);
  return (digits.length - 1) * 4 + 32 - Math.clz32(Number.parseInt(digits[0]!, 16));
}

/** UTF-8 with three bytes for a surrogate that has no partner: what Python calls `surrogatepass`. */
function encodeWithSurrogates(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length * MAX_UTF8);
  let at = 0;
  for (const character of text) {
    const code = character.codePointAt(0)!;
    if (code >= 0xd800 && code <= 0xdfff) {
      bytes[at++] = 0xe0 | code >> 12;
      bytes[at++] = 0x80 | code >> 6 & 0x3f;
      bytes[at++] = 0x80 | code & 0x3f;
    } else {
      at += encoder.encodeInto(character, bytes.subarray(at)).written;
    }
  }
  return bytes.subarray(0, at);
}
