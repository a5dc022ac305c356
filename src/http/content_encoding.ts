/**
 * Undoing the content codings of a body (RFC 9110, section 8.4) within a limit on its size after each of them.
 *
 * The runtime's decoders take a stream that ends early, or one that something follows, for a whole one: that
 * all of the data was used, and no more than all, is checked here.
 *
 * @module
 */

import { promisify } from "node:util";
import * as zlib from "node:zlib";
import { GatewayError } from "../errors.ts";
import { EventBody } from "../event.ts";

/** What one step of a decoder made of the beginning of its data. */
interface Decoded {
  readonly buffer: Uint8Array<ArrayBuffer>;
  /** Counts the bytes that were used. */
  readonly engine: { readonly bytesWritten: number };
}

interface DecoderOptions {
  readonly info: true;
  readonly maxOutputLength: number;
  readonly params?: Readonly<Record<number, number>>;
}

type Decoder = (data: Uint8Array, options: DecoderOptions) => Promise<Decoded>;

const gunzip = promisify(zlib.gunzip) as unknown as Decoder;
const inflate = promisify(zlib.inflate) as unknown as Decoder;
const inflateRaw = promisify(zlib.inflateRaw) as unknown as Decoder;
const brotliDecompress = promisify(zlib.brotliDecompress) as unknown as Decoder;
const zstdDecompress = promisify(zlib.zstdDecompress) as unknown as Decoder;

type Coding = "gzip" | "deflate" | "br" | "zstd";

/** The codings that are undone, by each of their names. */
const CODINGS: ReadonlyMap<string, Coding> = new Map<string, Coding>([
  ["gzip", "gzip"],
  ["x-gzip", "gzip"],
  ["deflate", "deflate"],
  ["br", "br"],
  ["zstd", "zstd"],
]);

/** Names for no coding at all. The last three are no codings, but some senders cannot be made to leave them out. */
const NO_CODING: ReadonlySet<string> = new Set(["", "identity", "none", "utf-8", "utf8"]);

/** With this header a refusal says which codings are undone (RFC 9110, section 15.5.16). */
const ACCEPTED = { "accept-encoding": "gzip, deflate, br, zstd" };

/** Most codings of one body: each of them is another pass over as much as the limit allows. */
const MAX_CODINGS = 3;

/** Most frames of one zstd body. An empty one has nine bytes, and each of them takes a call of the decoder. */
const MAX_FRAMES = 1_000;

/** RFC 9659, section 3: as a content coding zstd has a window of at most 8 MiB, which a decoder has to have room for. */
const ZSTD_PARAMETERS = { [zlib.constants.ZSTD_d_windowLogMax]: 23 };

const INCOMPLETE = "The compressed data ends early";
const FOLLOWED = "Something follows the compressed data";

/** Follows the data of decoders that do not say whether they have seen its end: one that goes on reads it too. */
const SENTINEL = new Uint8Array(1);

/**
 * The codings of a body in the order in which they were applied; `undefined` when there are none.
 *
 * @throws {GatewayError} `unsupported_encoding`
 */
export function contentCodings(request: Request): readonly Coding[] | undefined {
  const header = request.headers.get("content-encoding");
  if (header === null) return undefined;
  const codings: Coding[] = [];
  for (const element of header.split(",")) {
    const name = element.trim().toLowerCase();
    if (NO_CODING.has(name)) continue;
    const coding = CODINGS.get(name);
    if (coding === undefined) throw unsupported();
    codings.push(coding);
  }
  if (codings.length > MAX_CODINGS) throw unsupported(`There are more than ${MAX_CODINGS} content codings`);
  return codings.length === 0 ? undefined : codings;
}

function unsupported(message?: string): GatewayError {
  return new GatewayError("unsupported_encoding", message, { headers: ACCEPTED });
}

/**
 * Undoes the codings of a body, the last one first.
 *
 * @param codings what {@linkcode contentCodings} found
 * @param limit largest size in bytes after each coding; a decompression bomb stops there
 * @throws {GatewayError} `body_too_large` past the limit, `invalid_encoding` when the data is not what it
 * says it is, ends early, or when something follows it
 */
export async function decodeBody(
  body: EventBody,
  codings: readonly Coding[],
  limit: number,
): Promise<EventBody> {
  let data = body.bytes;
  for (const coding of codings.toReversed()) {
    try {
      data = await undo(coding, data, limit);
    } catch (cause) {
      throw toDecodeError(coding, cause);
    }
  }
  return EventBody.fromBytes(data);
}

/** That something follows the data, or that its end is missing. */
class LengthError extends Error {
  override readonly name = "LengthError";
}

function toDecodeError(coding: Coding, cause: unknown): GatewayError {
  if (cause instanceof GatewayError) return cause;
  const { code } = cause as { code?: unknown };
  if (code === "ERR_BUFFER_TOO_LARGE") {
    return new GatewayError("body_too_large", undefined, {
      cause,
      reason: `The body is too large once ${coding} is undone`,
    });
  }
  const reason = cause instanceof LengthError ? cause.message : `The ${coding} data is damaged or incomplete`;
  return new GatewayError("invalid_encoding", undefined, { cause, reason });
}

function undo(coding: Coding, data: Uint8Array, limit: number): Promise<Uint8Array<ArrayBuffer>> {
  switch (coding) {
    case "gzip":
      return decodeWhole(gunzip, data, limit);
    case "deflate":
      return decodeWhole(hasZlibHeader(data) ? inflate : inflateRaw, data, limit);
    case "br":
      return decodeWhole(brotliDecompress, followed(data), limit, data.byteLength);
    case "zstd":
      return decodeFrames(data, limit);
  }
}

async function decodeWhole(
  decoder: Decoder,
  data: Uint8Array,
  limit: number,
  length = data.byteLength,
): Promise<Uint8Array<ArrayBuffer>> {
  const { buffer, engine } = await decoder(data, { info: true, maxOutputLength: limit });
  const used = engine.bytesWritten;
  if (used !== length) throw new LengthError(used > length ? INCOMPLETE : FOLLOWED);
  return asBytes(buffer);
}

/** Frames may follow each other (RFC 8878, section 3); the decoder stops after each. */
async function decodeFrames(data: Uint8Array, limit: number): Promise<Uint8Array<ArrayBuffer>> {
  const rest = followed(data);
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  let offset = 0;
  do {
    if (parts.length === MAX_FRAMES) throw new LengthError(`There are more than ${MAX_FRAMES} zstd frames`);
    const { buffer, engine } = await zstdDecompress(rest.subarray(offset), {
      info: true,
      maxOutputLength: Math.max(1, limit - size),
      params: ZSTD_PARAMETERS,
    });
    offset += engine.bytesWritten;
    size += buffer.byteLength;
    if (offset > data.byteLength) throw new LengthError(INCOMPLETE);
    if (size > limit) throw new GatewayError("body_too_large");
    parts.push(buffer);
  } while (offset < data.byteLength);
  return parts.length === 1 ? asBytes(parts[0]!) : concat(parts);
}

function followed(data: Uint8Array): Uint8Array<ArrayBuffer> {
  return concat([data, SENTINEL]);
}

function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.byteLength, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.byteLength;
  }
  return whole;
}

/** A plain array of bytes: the decoders return their runtime's own kind. */
function asBytes({ buffer, byteOffset, byteLength }: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/**
 * RFC 9110 means the zlib format by "deflate", but some senders leave its two-byte header out. It is told
 * by RFC 1950: compression method 8, and the two bytes as a number are a multiple of 31.
 */
function hasZlibHeader(body: Uint8Array): boolean {
  const [first = 0, second = 0] = body;
  return (first & 0x0f) === 8 && (first * 256 + second) % 31 === 0;
}
