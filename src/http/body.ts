/**
 * Reading request bodies within a size limit. Where the length is declared, the HTTP parser
 * holds the peer to it and the body is read in one call; streaming costs three times as much and is for
 * bodies of unknown length and for large ones only.
 *
 * @module
 */

import { GatewayError } from "../errors.ts";

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
 * Reads the whole body. It is no asynchronous function of its own, which would cost every request a
 * promise: what it rejects with goes through {@linkcode toReadError}, what it resolves with through
 * {@linkcode requireDeclared}.
 *
 * @param length what {@linkcode declaredLength} found
 * @param maxBytes where a body of unknown length is cut off
 */
export function readBody(
  request: Request,
  length: number | undefined,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  if (length === undefined) return readStream(request, maxBytes);
  return length > LARGE_BYTES ? readLarge(request, length) : request.bytes();
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

/**
 * Reads a body of unknown length.
 *
 * @throws {GatewayError} `body_too_large`
 */
async function readStream(request: Request, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength;
    // Leaving the loop cancels the stream, which keeps the connection usable for the next request.
    if (size > maxBytes) throw tooLarge(maxBytes);
    chunks.push(chunk);
  }
  return join(chunks, size);
}

/**
 * Reads a body into memory of just its size. The memory is taken by what arrives, not by what is declared.
 *
 * @throws {GatewayError} `invalid_content_length` when more arrives than was declared
 */
async function readLarge(request: Request, length: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  let size = 0;
  for await (const chunk of request.body ?? []) {
    if (size + chunk.byteLength > length) throw tooLong();
    bytes.set(chunk, size);
    size += chunk.byteLength;
    // Frees the piece now: collecting it would come later, with many others in memory beside the body.
    chunk.buffer.transfer(0);
  }
  return size === length ? bytes : bytes.subarray(0, size);
}

function join(chunks: readonly Uint8Array<ArrayBuffer>[], size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.byteLength;
    // As in `readLarge`: the pieces take as much memory as the body.
    chunk.buffer.transfer(0);
  }
  return bytes;
}

/**
 * Gives up a body that will not be read. Without it the connection is reset at its next request, and the
 * sender sees a network error instead of the answer.
 */
export async function discardBody(request: Request): Promise<void> {
  if (request.bodyUsed) return;
  await request.body?.cancel().catch(() => {
    // The sender went away first: there is nothing left to give up.
  });
}
