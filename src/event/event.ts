/**
 * One accepted request on its way through the gateway. Everything a later stage may ask for is computed
 * on first use, so that an output that reads little costs little.
 *
 * @module
 */

import type { AnswerSlot } from "./output_answer.ts";
import { isAscii, isUtf8 } from "node:buffer";
import { parseExactly } from "../json/exact_numbers.ts";
import type { MemberPicker } from "../json/members/picker.ts";
import { parseInPieces } from "../json/exact_pieces.ts";
import { isWithinBounds, type JsonBounds, JsonScanner, type JsonVerdict } from "../json/scan.ts";
import type { TraceCarrier } from "../observability/tracing.ts";

/**
 * What is kept of the body of an accepted event. It is decided when the configuration is compiled, from what
 * the webhook's verifiers and its outputs read.
 *
 * - `text`: the text of a JSON document, without a byte order mark.
 * - `bytes`: exactly as sent, after any Content-Encoding was undone and any other charset turned into UTF-8.
 */
export type BodyForm = "text" | "bytes";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

const BYTE_ORDER_MARK = "\ufeff";

/** What malformed UTF-8 is decoded to. A sender may also have meant it. */
const REPLACEMENT = "\ufffd";

/** The most bytes that UTF-8 takes for one UTF-16 code unit. */
const MAX_UTF8 = 3;

/** From this length on what is derived is made whenever it is asked for and not kept: text may take twice its bytes. */
const MAX_KEPT = 16 * 1024;

/** After how many bytes a scan in pieces asks whether it should pause. */
const PIECE_BYTES = 64 * 1024;

const WITHOUT_BOUNDS: JsonBounds = { maxDepth: Infinity, maxValues: Infinity };

/**
 * The body of an event, in whichever form it was read; the other forms are derived when asked for. Values of JSON
 * are made for expressions alone: they take many times the memory of their text.
 */
export class EventBody {
  #bytes: Uint8Array<ArrayBuffer> | undefined;
  #text: string | undefined;
  /** Whether it is known to be a JSON document. */
  #isJson: boolean;
  /** Whether a large body is UTF-8, once that was found out. */
  #isKnownUtf8: boolean | undefined;
  /** Whether the output that had the bytes reads them no more. */
  #isRead = false;
  /** The value of a small document that is read several times; `undefined` while there is none. */
  #value: unknown;
  /** What was picked last, and by whom. */
  #picker: MemberPicker | undefined;
  #picked: unknown;
  /** The most bytes that a character of the text takes in memory. */
  #characterBytes: 1 | 2 = 2;

  private constructor(bytes: Uint8Array<ArrayBuffer> | undefined, text: string | undefined, isJson: boolean) {
    this.#bytes = bytes;
    this.#text = text;
    this.#isJson = isJson;
  }

  static fromBytes(bytes: Uint8Array<ArrayBuffer>): EventBody {
    return new EventBody(bytes, undefined, false);
  }

  /** A byte order mark at the start belongs to the bytes; the text is what stands behind it. */
  static fromText(text: string): EventBody {
    return text.startsWith(BYTE_ORDER_MARK)
      ? EventBody.fromBytes(encoder.encode(text))
      : new EventBody(undefined, text, false);
  }

  /** A JSON document that the gateway has written itself. @param text without a byte order mark */
  static fromJson(text: string): EventBody {
    return new EventBody(undefined, text, true);
  }

  /** As sent where the form is `bytes`, after codings were undone and another charset was turned into UTF-8. */
  get bytes(): Uint8Array<ArrayBuffer> {
    if (this.#bytes !== undefined) return this.#bytes;
    const bytes = encoder.encode(this.text);
    if (!this.#isLarge) this.#bytes = bytes;
    return bytes;
  }

  /** The form that is exact and costs nothing to store: the bytes if they were read, otherwise the text. */
  get stored(): Uint8Array<ArrayBuffer> | string {
    return this.#bytes ?? this.text;
  }

  /** How long the body is: in bytes where it was read as bytes, otherwise in characters. */
  get size(): { readonly unit: "bytes" | "characters"; readonly count: number } {
    return this.#bytes === undefined
      ? { unit: "characters", count: this.text.length }
      : { unit: "bytes", count: this.#bytes.byteLength };
  }

  /** The number of {@linkcode size} without its unit: bytes, or characters of a body that was read as text. */
  get length(): number {
    return this.#bytes === undefined ? this.text.length : this.#bytes.byteLength;
  }

  /** How much memory it takes at most, in bytes. */
  get memory(): number {
    return this.#bytes === undefined ? this.text.length * this.#characterBytes : this.#bytes.byteLength;
  }

  /**
   * Gives back the memory of a body that is not small. To be called once nobody is to read it any more.
   *
   * @returns whether nothing is left of it that has to be collected
   */
  discard(): boolean {
    if (this.#bytes === undefined || !this.#isLarge) return false;
    this.#bytes.buffer.transfer(0);
    return true;
  }

  /**
   * For outputs, with the result of an attempt: nothing reads the bytes any more that they got, in no library and no
   * socket. Bodies of which it is not said are left to the collection of garbage.
   */
  doneReading(): void {
    this.#isRead = true;
  }

  /** {@linkcode discard}, where the one output that had the event is {@linkcode doneReading}. */
  discardRead(): boolean {
    return this.#isRead && this.discard();
  }

  /** The beginning of the text. Of a large body of bytes no more is decoded than that takes. */
  textStart(characters: number): string {
    if (this.#text !== undefined || this.#bytes === undefined) return this.text.slice(0, characters);
    return decoder.decode(this.#bytes.subarray(0, characters * MAX_UTF8)).slice(0, characters);
  }

  /** Whether the body has been found to be a JSON document before. */
  get isKnownJson(): boolean {
    return this.#isJson;
  }

  /** Whether the body is a JSON document (RFC 8259), in UTF-8 as its section 8.1 has it. */
  isJson(): boolean {
    return this.judgeJson(WITHOUT_BOUNDS) === "json";
  }

  /** What the body is as a JSON document, found in one go. That it is one within any bounds is remembered. */
  judgeJson(bounds: JsonBounds): JsonVerdict {
    if (this.#isJson) return "json";
    if (!this.isUtf8) return "not_json";
    const verdict = new JsonScanner(this.#scanned, bounds).advance(Infinity) ?? "not_json";
    this.#isJson = verdict === "json";
    return verdict;
  }

  /** As {@linkcode judgeJson}, where {@linkcode value} is asked for next: of a small document one pass makes both. */
  judgeByValue(bounds: JsonBounds): JsonVerdict {
    if (this.#isJson || this.#isLarge || !isWithinBounds(this.length, bounds)) return this.judgeJson(bounds);
    if (!this.isUtf8) return "not_json";
    try {
      this.#value = parseExactly(this.text);
    } catch (error) {
      if (error instanceof SyntaxError) return "not_json";
      throw error;
    }
    this.#isJson = true;
    return "json";
  }

  /** As {@linkcode judgeJson}, for large bodies: it may be interrupted wherever it yields. */
  *judgeJsonInPieces(bounds: JsonBounds): Generator<void, JsonVerdict, void> {
    if (this.#isJson) return "json";
    if (!(yield* this.#isUtf8InPieces())) return "not_json";
    const scanner = new JsonScanner(this.#scanned, bounds);
    let verdict = scanner.advance(PIECE_BYTES);
    while (verdict === undefined) {
      yield;
      verdict = scanner.advance(PIECE_BYTES);
    }
    this.#isJson = verdict === "json";
    return verdict;
  }

  /**
   * The value of the document with all digits of its numbers, which is made in one go: only to be asked for of a body
   * that is not large and is JSON. It is kept until {@linkcode forgetValue}. Whoever reads it changes nothing in it.
   */
  get value(): unknown {
    if (this.#value !== undefined) return this.#value;
    const { text } = this;
    const value = parseExactly(text);
    if (text.length < MAX_KEPT) this.#value = value;
    return value;
  }

  /**
   * What a picker finds in the document, or more: only to be asked for of a body that is not large and is JSON. It is kept
   * as {@linkcode value} is.
   */
  pick(picker: MemberPicker): unknown {
    if (this.#value !== undefined) return this.#value;
    if (this.#picker === picker) return this.#picked;
    // The text of a large body would be made again for it.
    const ascii = this.#isLarge && this.#text === undefined || !this.isAscii ? undefined : this.text;
    const picked = picker.pick(this.#scanned, ascii);
    if (!this.#isLarge) {
      this.#picker = picker;
      this.#picked = picked;
    }
    return picked;
  }

  /** {@linkcode pick}, where the result is kept. */
  pickSmall(picker: MemberPicker): void {
    if (!this.#isLarge) this.pick(picker);
  }

  /** As {@linkcode value}, for large bodies: it may be interrupted wherever it yields, and nothing is kept. */
  *valueInPieces(): Generator<void, unknown, void> {
    return yield* parseInPieces(yield* this.textInPieces());
  }

  /** Keeps no value any more: while an event waits, its body takes the memory of its text alone. */
  forgetValue(): void {
    this.#value = undefined;
    this.#picker = undefined;
    this.#picked = undefined;
  }

  /** The bytes, which are not kept of a body that is text. */
  get #scanned(): Uint8Array {
    return this.#bytes ?? encoder.encode(this.#text);
  }

  /** Whether nothing at all was sent. */
  get isEmpty(): boolean {
    return this.#bytes?.byteLength === 0 || this.#text === "";
  }

  /** Malformed UTF-8 becomes U+FFFD, as in all of the web platform; a byte order mark at the start is left out. */
  get text(): string {
    if (this.#text !== undefined) return this.#text;
    const text = decoder.decode(this.#bytes);
    if (text.length < MAX_KEPT) this.#text = text;
    return text;
  }

  /** As {@linkcode text}, for large bodies: it may be interrupted wherever it yields. */
  *textInPieces(): Generator<void, string, void> {
    const bytes = this.#bytes;
    if (this.#text !== undefined || bytes === undefined || !this.#isLarge) return this.text;
    const pieces = new TextDecoder();
    let text = "";
    for (let start = 0; start < bytes.byteLength; start += PIECE_BYTES) {
      text += pieces.decode(bytes.subarray(start, start + PIECE_BYTES), { stream: true });
      yield;
    }
    return text + pieces.decode();
  }

  /** Whether every character is one of US-ASCII. Only known of a body that was read as bytes and is UTF-8. */
  get isAscii(): boolean {
    if (this.#bytes === undefined) return false;
    return this.#isLarge ? isAscii(this.#bytes) : this.#bytes.byteLength === this.text.length;
  }

  /**
   * Whether the bytes, if there are any, are UTF-8. Of small ones the text is made anyway, and looking through it
   * costs less than a call.
   */
  get isUtf8(): boolean {
    if (this.#bytes === undefined) return true;
    if (this.#isKnownUtf8 !== undefined) return this.#isKnownUtf8;
    return !this.#isLarge && !this.text.includes(REPLACEMENT) || isUtf8(this.#bytes);
  }

  *#isUtf8InPieces(): Generator<void, boolean, void> {
    if (this.#bytes === undefined || this.#bytes.byteLength <= PIECE_BYTES) return this.isUtf8;
    const bytes = this.#bytes;
    for (let start = 0; start < bytes.byteLength;) {
      const end = endOfCharacters(bytes, start + PIECE_BYTES);
      if (!isUtf8(bytes.subarray(start, end))) return this.#isKnownUtf8 = false;
      start = end;
      yield;
    }
    return this.#isKnownUtf8 = true;
  }

  /** As {@linkcode isAscii}, for large bodies: it may be interrupted wherever it yields. */
  *isAsciiInPieces(): Generator<void, boolean, void> {
    if (this.#bytes === undefined || !this.#isLarge) return this.isAscii;
    for (let start = 0; start < this.#bytes.byteLength; start += PIECE_BYTES) {
      if (!isAscii(this.#bytes.subarray(start, start + PIECE_BYTES))) return false;
      yield;
    }
    return true;
  }

  get #isLarge(): boolean {
    return this.length >= MAX_KEPT;
  }

  /** Without its bytes, which the text stands for: for a JSON body whose outputs read text. */
  asText(): EventBody {
    const body = new EventBody(undefined, this.text, this.#isJson);
    if (this.isAscii) body.#characterBytes = 1;
    body.#value = this.#value;
    body.#picker = this.#picker;
    body.#picked = this.#picked;
    return body;
  }
}

/** Where a piece of UTF-8 may end, at most three bytes before: not within a character. */
function endOfCharacters(bytes: Uint8Array, end: number): number {
  if (end >= bytes.byteLength) return bytes.byteLength;
  let at = end;
  while (at > end - MAX_UTF8 && (bytes[at]! & 0xc0) === 0x80) at--;
  return at;
}

/** One request to a webhook. */
export interface Event {
  /** Unique over all instances and restarts; letters, digits and `-`, at most 40 characters. */
  readonly id: string;
  readonly namespace: string;
  /** The webhook's id within its namespace. */
  readonly webhook: string;
  /** What its sender calls it, such as `push`: a text that any header can carry; `undefined` where it is not known. */
  readonly type?: string | undefined;
  /** When the request's body was complete, in milliseconds since 1970. */
  readonly receivedAt: number;
  /**
   * The request's headers as received, credentials included: outputs choose what they pass on. Those that
   * describe the bytes as sent are left out when the body was decoded.
   */
  readonly headers: Headers;
  readonly body: EventBody;
  /**
   * The query of the request's URL without credentials, such as `shop=7`. Kept where the webhook reads it when the event
   * is delivered; otherwise left out.
   */
  readonly query?: string | undefined;
  /** Whether the webhook's filter has failed on it: it is delivered only once the filter lets it pass. */
  readonly isUnfiltered?: true | undefined;
  /** The trace that its deliveries belong to; `undefined` while the runtime records none. */
  readonly trace?: TraceCarrier | undefined;
  /** Where the answer of an output goes whose sender wants to have it. Left out: it is not wanted. */
  readonly answer?: AnswerSlot;
}

/** Of five bits each: no two processes have the same prefix, and a short header is cheaper to send. */
const PREFIX_DIGITS = 16;

/**
 * Makes event ids: a random prefix for this process and a counter, in base 32 and 36. Ids of one process
 * sort in the order they were made while they have the same length. They identify; they are not secrets.
 */
export class EventIds {
  readonly #prefix: string;
  #next = 0;

  constructor() {
    const random = crypto.getRandomValues(new Uint8Array(PREFIX_DIGITS));
    this.#prefix = Array.from(random, (byte) => (byte % 32).toString(32)).join("") + "-";
  }

  next(): string {
    return this.#prefix + (this.#next++).toString(36);
  }
}
