/**
 * One accepted request on its way through the gateway. Everything a later stage may ask for is computed
 * on first use, so that an output that reads little costs little.
 *
 * @module
 */

/**
 * How the body is read from the socket, from cheapest to dearest. It is decided when the configuration is
 * compiled, from what the webhook's verifiers and its output read.
 *
 * - `json`: only the parsed value is kept.
 * - `text`: decoded as UTF-8; malformed sequences become U+FFFD, as in all of the web platform.
 * - `bytes`: exactly as sent.
 */
export type BodyForm = "json" | "text" | "bytes";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

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

  static fromText(text: string): EventBody {
    return new EventBody(undefined, text, undefined);
  }

  /** @param value a parsed JSON value */
  static fromJson(value: unknown): EventBody {
    return new EventBody(undefined, undefined, value);
  }

  /** The body as sent, after any Content-Encoding was undone. Exact only when the form is `bytes`. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes ??= encoder.encode(this.text);
  }

  /** Whether nothing at all was sent. */
  get isEmpty(): boolean {
    return this.#bytes?.byteLength === 0 || this.#text === "";
  }

  get text(): string {
    return this.#text ??= this.#bytes === undefined
      ? JSON.stringify(this.#json)
      : decoder.decode(this.#bytes);
  }

  /**
   * The parsed body.
   *
   * @throws {SyntaxError} when the body is not JSON
   */
  get json(): unknown {
    return this.#json ??= JSON.parse(this.text);
  }
}

/** One request to a webhook. */
export interface Event {
  /** Unique over all instances and restarts; letters, digits and `-`, at most 40 characters. */
  readonly id: string;
  readonly namespace: string;
  /** The webhook's id within its namespace. */
  readonly webhook: string;
  /** When the request's body was complete, in milliseconds since 1970. */
  readonly receivedAt: number;
  /** The request's headers as received, credentials included: outputs choose what they pass on. */
  readonly headers: Headers;
  readonly body: EventBody;
}

/**
 * Makes event ids: a random prefix for this process and a counter, both in base 36. Ids of one process
 * sort in the order they were made while they have the same length. They identify; they are not secrets.
 */
export class EventIds {
  readonly #prefix: string;
  #next = 0;

  constructor() {
    const random = crypto.getRandomValues(new BigUint64Array(2));
    this.#prefix = Array.from(random, (part) => part.toString(36).padStart(13, "0")).join("") + "-";
  }

  next(): string {
    return this.#prefix + (this.#next++).toString(36);
  }
}
