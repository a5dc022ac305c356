/**
 * One accepted request on its way through the gateway. Everything a later stage may ask for is computed
 * on first use, so that an output that reads little costs little.
 *
 * @module
 */

import { isUtf8 } from "node:buffer";

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
const LONGEST_UTF8 = 3;

/** The body of an event, in whichever form it was read; the other forms are derived when asked for. */
export class EventBody {
  #bytes: Uint8Array<ArrayBuffer> | undefined;
  #text: string | undefined;
  #json: unknown;

  private constructor(bytes: Uint8Array<ArrayBuffer> | undefined, text: string | undefined, json: unknown) {
    this.#bytes = bytes;
    this.#text = text;
    this.#json = json;
  }

  static fromBytes(bytes: Uint8Array<ArrayBuffer>): EventBody {
    return new EventBody(bytes, undefined, undefined);
  }

  /** A byte order mark at the start belongs to the bytes; the text is what stands behind it. */
  static fromText(text: string): EventBody {
    return text.startsWith(BYTE_ORDER_MARK)
      ? EventBody.fromBytes(encoder.encode(text))
      : new EventBody(undefined, text, undefined);
  }

  /** @param value a parsed JSON value */
  static fromJson(value: unknown): EventBody {
    return new EventBody(undefined, undefined, value);
  }

  /** As sent where the form is `bytes`, after codings were undone and another charset was turned into UTF-8. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes ??= encoder.encode(this.text);
  }

  /** The form that is exact and costs nothing to store: the bytes if they were read, the text else. */
  get stored(): Uint8Array<ArrayBuffer> | string {
    return this.#bytes ?? this.text;
  }

  /** How long the body is: in bytes where it was read as bytes, in characters else. */
  get size(): { readonly unit: "bytes" | "characters"; readonly count: number } {
    return this.#bytes === undefined
      ? { unit: "characters", count: this.text.length }
      : { unit: "bytes", count: this.#bytes.byteLength };
  }

  /** The same number alone. */
  get length(): number {
    return this.#bytes === undefined ? this.text.length : this.#bytes.byteLength;
  }

  /** The beginning of the text. Of a large body of bytes no more is decoded than that takes. */
  textStart(characters: number): string {
    if (this.#text !== undefined || this.#bytes === undefined) return this.text.slice(0, characters);
    return decoder.decode(this.#bytes.subarray(0, characters * LONGEST_UTF8)).slice(0, characters);
  }

  /** Whether the body has been parsed already, and so is known to be JSON. */
  get isParsed(): boolean {
    return this.#json !== undefined;
  }

  /** Whether the body is a JSON document. */
  isJson(): boolean {
    try {
      this.json;
      return true;
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      return false;
    }
  }

  /** Whether nothing at all was sent. */
  get isEmpty(): boolean {
    return this.#bytes?.byteLength === 0 || this.#text === "";
  }

  /** Malformed UTF-8 becomes U+FFFD, as in all of the web platform; a byte order mark at the start is left out. */
  get text(): string {
    return this.#text ??= this.#bytes === undefined
      ? JSON.stringify(this.#json)
      : decoder.decode(this.#bytes);
  }

  /** Whether every character is one of US-ASCII. Only known of a body that was read as bytes and is JSON. */
  get isAscii(): boolean {
    return this.#bytes?.byteLength === this.text.length;
  }

  /**
   * The parsed body.
   *
   * @throws {SyntaxError} when the body is not JSON, or not UTF-8 (RFC 8259, section 8.1)
   */
  get json(): unknown {
    return this.#json ??= this.#parse();
  }

  /**
   * Whether the bytes, if there are any, are UTF-8. Decoding strictly costs several times as much, so they are
   * looked at only where the text may be damaged.
   */
  get isUtf8(): boolean {
    return !this.text.includes(REPLACEMENT) || this.#bytes === undefined || isUtf8(this.#bytes);
  }

  /** Without its bytes, which the text stands for: for a JSON body whose outputs read text. */
  asText(): EventBody {
    return new EventBody(undefined, this.text, this.#json);
  }

  #parse(): unknown {
    if (!this.isUtf8) throw new SyntaxError("The body is not UTF-8");
    return JSON.parse(this.text);
  }
}

/**
 * What the trace of a request is known by: the headers `traceparent`, `tracestate` and `baggage` of the work that
 * continues it (W3C Trace Context, W3C Baggage), as far as there are any.
 */
export type TraceCarrier = Readonly<Record<string, string>>;

/** One request to a webhook. */
export interface Event {
  /** Unique over all instances and restarts; letters, digits and `-`, at most 40 characters. */
  readonly id: string;
  readonly namespace: string;
  /** The webhook's id within its namespace. */
  readonly webhook: string;
  /** When the request's body was complete, in milliseconds since 1970. */
  readonly receivedAt: number;
  /**
   * The request's headers as received, credentials included: outputs choose what they pass on. Those that
   * describe the bytes as sent are left out when the body was decoded.
   */
  readonly headers: Headers;
  readonly body: EventBody;
  /** The trace that its deliveries belong to; `undefined` while the runtime records none. */
  readonly trace?: TraceCarrier | undefined;
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
