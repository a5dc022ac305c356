/**
 * Reading request bodies within a size limit. Where the length is declared, the HTTP parser
 * holds the peer to it and the body is read in one call; streaming costs three times as much and is for
 * bodies of unknown length and for large ones only.
 *
 * @module
 */

import { GatewayError } from "../../errors.ts";
import { discardPieces } from "./discarded_body.ts";
import { Pieces } from "./pieces.ts";

/** From this length on, collecting the pieces of a body and joining them would take twice its memory. */
export const LARGE_BYTES = 256 * 1024;

/** `1*DIGIT` of RFC 9110, section 8.6. */
const DIGITS = /^[0-9]+$/;

/** Optional white space (RFC 9110, section 5.6.3) at both ends. */
const OWS = /^[ \t]+|[ \t]+$/g;

/** The gateway's limits on bodies. */
export interface BodyLimits {
  /** In bytes, both as sent and decoded; a webhook may have its own. */
  readonly maxBytes: number;
  /** For the whole body to arrive, in milliseconds. */
  readonly timeoutMs: number;
}

/**
 * The declared length in bytes; `undefined` when the body is sent in chunks.
 *
 * @throws {GatewayError} `body_too_large` when more is declared than allowed, `invalid_content_length` when what
 * is declared is no length
 */
export function declaredLength(request: Request, maxBytes: number): number | undefined {
  const header = request.headers.get("content-length");
  if (header === null) return request.body === null ? 0 : undefined;
  const length = DIGITS.test(header) ? Number(header) : repeatedLength(header);
  if (!Number.isSafeInteger(length)) throw new GatewayError("invalid_content_length");
  if (length > maxBytes) throw tooLarge(maxBytes);
  return length;
}

/** RFC 9112, section 6.3: a proxy may have repeated the length, and the same value several times is that value. */
function repeatedLength(header: string): number {
  const values = header.split(",").map((value) => value.replace(OWS, ""));
  const lengths = new Set(values.map((value) => DIGITS.test(value) ? Number(value) : NaN));
  const [length = NaN] = lengths;
  return lengths.size === 1 ? length : NaN;
}

/**
 * The body as a stream, where it is one to be read piece by piece; `undefined` where one call reads it whole.
 *
 * @param length what {@linkcode declaredLength} found
 * @param maxBytes where a body of unknown length is cut off
 */
export function streamedBody(
  request: Request,
  length: number | undefined,
  maxBytes: number,
): StreamedBody | undefined {
  if (length !== undefined && length <= LARGE_BYTES) return undefined;
  const reader = request.body?.getReader();
  return new StreamedBody(reader && new Pieces(reader), length, maxBytes);
}

/**
 * Reads the whole body. It is no asynchronous function of its own, which would cost every request a
 * promise: what it rejects with goes through {@linkcode toReadError}, what it resolves with through
 * {@linkcode requireDeclared}.
 *
 * @param stream what {@linkcode streamedBody} made of the request
 */
export function readBody(
  request: Request,
  stream: StreamedBody | undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  return stream === undefined ? request.bytes() : stream.read();
}

/**
 * What counts is what arrived. The HTTP parser holds a peer to the length that it declared; where it did not, the
 * body is not the one that was sent.
 *
 * @throws {GatewayError} `body_incomplete` or `invalid_content_length` when the body has not the declared length
 */
export function requireDeclared(body: Uint8Array, length: number | undefined): void {
  if (length === undefined || body.byteLength === length) return;
  throw body.byteLength < length ? new GatewayError("body_incomplete") : tooLong();
}

function tooLarge(maxBytes: number): GatewayError {
  return new GatewayError("body_too_large", undefined, {
    reason: `The body is larger than the limit of ${maxBytes} bytes`,
  });
}

function tooLong(): GatewayError {
  return new GatewayError("invalid_content_length", "The body is longer than its Content-Length");
}

/** Why reading failed: `body_too_large`, `invalid_content_length` or `body_incomplete`. */
export function toReadError(cause: unknown): GatewayError {
  return cause instanceof GatewayError ? cause : new GatewayError("body_incomplete", undefined, { cause });
}

/** A body that is read piece by piece. However small the pieces are, no more is held than the body takes. */
export class StreamedBody {
  readonly #pieces: Pieces | undefined;
  readonly #length: number | undefined;
  readonly #maxBytes: number;
  /** Memory of a declared length is taken by what arrives, not by what is declared. */
  #bytes: Uint8Array<ArrayBuffer>;
  #size = 0;
  #cancelled = false;
  #giveUp: ((error: GatewayError) => void) | undefined;

  constructor(pieces: Pieces | undefined, length: number | undefined, maxBytes: number) {
    this.#pieces = pieces;
    this.#length = length;
    this.#maxBytes = maxBytes;
    this.#bytes = new Uint8Array(length ?? 0);
  }

  /**
   * Reads to the end of the body, once.
   *
   * @throws {GatewayError} `body_too_large` past the limit, `invalid_content_length` when more arrives than was
   * declared, `body_timeout` after {@linkcode cancel}
   */
  read(): Promise<Uint8Array<ArrayBuffer>> {
    return new Promise((resolve, reject) => {
      this.#giveUp = reject;
      this.#readAll().then(resolve, reject);
    });
  }

  /**
   * Gives the body up: what has arrived of it is let go. The connection is closed when more of it comes after all, and
   * not before, since until then the runtime answers by it.
   */
  cancel(): void {
    this.#cancelled = true;
    this.#bytes = resized(this.#bytes, 0);
    this.#size = 0;
    this.#giveUp?.(new GatewayError("body_timeout"));
  }

  async #readAll(): Promise<Uint8Array<ArrayBuffer>> {
    try {
      return await this.#readPieces();
    } catch (error) {
      this.#bytes = resized(this.#bytes, 0);
      throw error;
    }
  }

  async #readPieces(): Promise<Uint8Array<ArrayBuffer>> {
    while (this.#pieces !== undefined) {
      const piece = await this.#pieces.next();
      if (piece === undefined) break;
      if (this.#cancelled) {
        await this.#pieces.cancelAfterAnswer();
        break;
      }
      try {
        this.#append(piece);
      } catch (error) {
        discardPieces(this.#pieces);
        throw error;
      }
    }
    return this.#size === this.#bytes.byteLength ? this.#bytes : resized(this.#bytes, this.#size);
  }

  #append(piece: Uint8Array<ArrayBuffer>): void {
    const size = this.#size + piece.byteLength;
    if (this.#length !== undefined && size > this.#length) throw tooLong();
    if (size > this.#maxBytes) throw tooLarge(this.#maxBytes);
    if (size > this.#bytes.byteLength) {
      const doubled = Math.min(2 * this.#bytes.byteLength, this.#maxBytes);
      this.#bytes = resized(this.#bytes, Math.max(size, doubled));
    }
    this.#bytes.set(piece, this.#size);
    this.#size = size;
    // A piece of one byte holds a buffer of 64 KiB, and it would be collected later, with many others.
    piece.buffer.transfer(0);
  }
}

/** The beginning of bytes whose memory is given up, or those and zeros behind them. */
function resized({ buffer }: Uint8Array<ArrayBuffer>, size: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(buffer.transfer(size));
}
