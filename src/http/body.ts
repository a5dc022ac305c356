/**
 * Reading request bodies within a size limit. Where the length is declared, the HTTP parser
 * holds the peer to it and the body is read in one call, in the form that is needed; streaming costs three
 * times as much and is for bodies of unknown length only.
 *
 * @module
 */

import { GatewayError } from "../errors.ts";
import { type BodyForm, EventBody } from "../event.ts";
import { describeJsonError } from "../json_error.ts";

/** From this length on, collecting the pieces of a body and joining them would take twice its memory. */
export const LARGE_BYTES = 256 * 1024;

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
 * @throws {GatewayError} `body_too_large` when more is declared than allowed
 */
export function declaredLength(request: Request, maxBytes: number): number | undefined {
  const header = request.headers.get("content-length");
  if (header === null) return request.body === null ? 0 : undefined;
  const length = Number(header);
  if (length > maxBytes) throw new GatewayError("body_too_large");
  return length;
}

/** A body as it was read, in the form that {@linkcode bodyFrom} is told. */
export type RawBody = unknown;

/**
 * Reads the whole body. It is no asynchronous function of its own, which would cost every request a
 * promise: what it rejects with goes through {@linkcode toReadError}.
 *
 * @param length what {@linkcode declaredLength} found
 * @param maxBytes where a body of unknown length is cut off
 */
export function readBody(
  request: Request,
  form: BodyForm,
  length: number | undefined,
  maxBytes: number,
): Promise<RawBody> {
  if (length === undefined) return readStream(request, maxBytes);
  if (length > LARGE_BYTES) return readLarge(request, length);
  if (form === "json") return request.json();
  return form === "text" ? request.text() : request.bytes();
}

/** The form in which {@linkcode readBody} reads a body that is wanted in another one. */
export function readableForm(form: BodyForm, length: number | undefined): BodyForm {
  return length === undefined || length > LARGE_BYTES || length === 0 ? "bytes" : form;
}

/** The body that was read in a form. */
export function bodyFrom(form: BodyForm, raw: RawBody): EventBody {
  if (form === "json") return EventBody.fromJson(raw);
  return form === "text"
    ? EventBody.fromText(raw as string)
    : EventBody.fromBytes(raw as Uint8Array<ArrayBuffer>);
}

/** Why reading failed: `body_too_large`, `invalid_json` or `body_incomplete`. */
export function toReadError(cause: unknown): GatewayError {
  if (cause instanceof GatewayError) return cause;
  return new GatewayError(cause instanceof SyntaxError ? "invalid_json" : "body_incomplete", undefined, {
    cause,
  });
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
    if (size > maxBytes) throw new GatewayError("body_too_large");
    chunks.push(chunk);
  }
  return join(chunks, size);
}

/** Reads a body into memory of just its size. The memory is taken by what arrives, not by what is declared. */
async function readLarge(request: Request, length: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  let size = 0;
  for await (const chunk of request.body ?? []) {
    bytes.set(chunk, size);
    size += chunk.byteLength;
    // Frees the piece now: collecting it would come later, with many others in memory beside the body.
    chunk.buffer.transfer(0);
  }
  return bytes;
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

/** @throws {GatewayError} `empty_body` or `invalid_json` when the body is not a JSON document */
export function requireJson(body: EventBody): void {
  if (body.isEmpty) throw new GatewayError("empty_body");
  try {
    body.json;
  } catch (cause) {
    throw new GatewayError("invalid_json", undefined, { cause, reason: describeJsonError(body.text) });
  }
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
