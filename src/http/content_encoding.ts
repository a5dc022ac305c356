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
import type { Transform } from "node:stream";
import type { Pace } from "../config/slices.ts";
import { GatewayError } from "../errors.ts";
import { EventBody } from "../event.ts";
import { LARGE_BYTES } from "./body.ts";
import { GrowingBytes } from "./growing_bytes.ts";
import type { LargeBodies } from "./large_bodies.ts";

/** What a decoder made of the beginning of its data. */
interface Decoded {
  readonly buffer: Uint8Array<ArrayBuffer>;
  /** Counts the bytes that were used. */
  readonly engine: { readonly bytesWritten: number };
}

interface DecoderOptions {
  readonly info?: true;
  readonly maxOutputLength?: number;
  readonly chunkSize?: number;
  readonly params?: Readonly<Record<number, number>>;
}

type Engine = Transform & { readonly bytesWritten: number };

/** The two ways to undo a coding. Both hold up everything else as long as they are let. */
interface Decoder {
  readonly whole: (data: Uint8Array, options: DecoderOptions) => Promise<Decoded>;
  readonly inPieces: (options: DecoderOptions) => Engine;
}

function decoder(whole: unknown, inPieces: unknown): Decoder {
  return {
    whole: promisify(whole as () => void) as unknown as Decoder["whole"],
    inPieces: inPieces as Decoder["inPieces"],
  };
}

const gunzip = decoder(zlib.gunzip, zlib.createGunzip);
const inflate = decoder(zlib.inflate, zlib.createInflate);
const inflateRaw = decoder(zlib.inflateRaw, zlib.createInflateRaw);
const brotliDecompress = decoder(zlib.brotliDecompress, zlib.createBrotliDecompress);
const zstdDecompress = decoder(zlib.zstdDecompress, zlib.createZstdDecompress);

type Coding = "gzip" | "deflate" | "br" | "zstd";

/** The codings of a body in the order in which they were applied: one at least. */
export type Codings = readonly Coding[];

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

/** How much is decoded in one step of a large body. */
const PIECE_BYTES = 64 * 1024;

/** With this code a decoder says that its data becomes larger than it may. */
const TOO_LARGE = "ERR_BUFFER_TOO_LARGE";

const INCOMPLETE = "The compressed data ends early";
const FOLLOWED = "Something follows the compressed data";

/** Follows the data of decoders that do not say whether they have seen its end: one that goes on reads it too. */
const SENTINEL = new Uint8Array(1);

/**
 * The codings of a body in the order in which they were applied; `undefined` when there are none.
 *
 * @throws {GatewayError} `unsupported_encoding`
 */
export function contentCodings(request: Request): Codings | undefined {
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

/** What bounds the undoing of codings. */
export interface DecodingBounds {
  /** The largest size in bytes after each coding; a decompression bomb stops there. */
  readonly maxBytes: number;
  /** Where what becomes a large body waits for its turn. */
  readonly large: LargeBodies;
  /** Is told how many bytes there are so far; throws where there is no room for them. */
  readonly reserve: (bytes: number) => void;
}

/**
 * Undoes the codings of a body, the last one first. The memory of a large body is given back at once: it is not to
 * be read afterwards.
 *
 * @param codings what {@linkcode contentCodings} found
 * @throws {GatewayError} `body_too_large` past the limit, `invalid_encoding` when the data is not what it
 * says it is, ends early, or when something follows it, and what `reserve` throws
 */
export async function decodeBody(
  body: EventBody,
  codings: Codings,
  bounds: DecodingBounds,
): Promise<EventBody> {
  let data = body.bytes;
  for (const coding of codings.toReversed()) {
    try {
      const decoded = await undo(coding, data, bounds);
      if (data.byteLength > LARGE_BYTES) data.buffer.transfer(0);
      data = decoded;
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
  if (code === TOO_LARGE) {
    return new GatewayError("body_too_large", undefined, {
      cause,
      reason: `The body is too large once ${coding} is undone`,
    });
  }
  const reason = cause instanceof LengthError ? cause.message : `The ${coding} data is damaged or incomplete`;
  return new GatewayError("invalid_encoding", undefined, { cause, reason });
}

function undo(
  coding: Coding,
  data: Uint8Array<ArrayBuffer>,
  bounds: DecodingBounds,
): Promise<Uint8Array<ArrayBuffer>> {
  switch (coding) {
    case "gzip":
      return decode(gunzip, data, bounds);
    case "deflate":
      return decode(hasZlibHeader(data) ? inflate : inflateRaw, data, bounds);
    case "br":
      return decode(brotliDecompress, followed(data), bounds, data.byteLength);
    case "zstd":
      return decodeFrames(data, bounds);
  }
}

async function decode(
  decoder: Decoder,
  data: Uint8Array<ArrayBuffer>,
  bounds: DecodingBounds,
  length = data.byteLength,
): Promise<Uint8Array<ArrayBuffer>> {
  const { buffer, engine } = await decodeNext(decoder, data, bounds, 0);
  const used = engine.bytesWritten;
  if (used !== length) throw new LengthError(used > length ? INCOMPLETE : FOLLOWED);
  return asBytes(buffer);
}

/** Frames may follow each other (RFC 8878, section 3); the decoder stops after each. */
async function decodeFrames(data: Uint8Array, bounds: DecodingBounds): Promise<Uint8Array<ArrayBuffer>> {
  const rest = followed(data);
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  let offset = 0;
  do {
    if (parts.length === MAX_FRAMES) throw new LengthError(`There are more than ${MAX_FRAMES} zstd frames`);
    const { buffer, engine } = await decodeNext(
      zstdDecompress,
      rest.subarray(offset),
      bounds,
      size,
      ZSTD_PARAMETERS,
    );
    offset += engine.bytesWritten;
    size += buffer.byteLength;
    if (offset > data.byteLength) throw new LengthError(INCOMPLETE);
    parts.push(buffer);
  } while (offset < data.byteLength);
  return parts.length === 1 ? asBytes(parts[0]!) : concat(parts);
}

/**
 * What is small is decoded in one call. That blocks, so a body that turns out large is decoded once more, in
 * pieces and when it is its turn.
 *
 * @param before bytes of the same body that are there already
 */
async function decodeNext(
  decoder: Decoder,
  data: Uint8Array<ArrayBuffer>,
  bounds: DecodingBounds,
  before: number,
  params = {},
): Promise<Decoded> {
  const room = bounds.maxBytes - before;
  if (data.byteLength <= LARGE_BYTES) {
    try {
      const maxOutputLength = Math.max(1, Math.min(room, LARGE_BYTES));
      const decoded = await decoder.whole(data, { info: true, maxOutputLength, params });
      if (decoded.buffer.byteLength > room) throw new GatewayError("body_too_large");
      bounds.reserve(before + decoded.buffer.byteLength);
      return decoded;
    } catch (error) {
      if ((error as { code?: unknown }).code !== TOO_LARGE || room <= LARGE_BYTES) throw error;
    }
  }
  return await bounds.large.take((pace) =>
    decodeInPieces(decoder.inPieces({ chunkSize: PIECE_BYTES, params }), data, bounds, before, pace)
  );
}

async function decodeInPieces(
  engine: Engine,
  data: Uint8Array,
  { maxBytes, reserve }: DecodingBounds,
  before: number,
  pace: Pace,
): Promise<Decoded> {
  const decoded = new GrowingBytes();
  engine.end(data);
  // Leaving the loop in any way ends the engine.
  for await (const piece of engine as AsyncIterable<Uint8Array>) {
    decoded.append(piece);
    const size = before + decoded.size;
    if (size > maxBytes) throw new GatewayError("body_too_large");
    reserve(size);
    await pace.keep();
  }
  return { buffer: decoded.take(), engine };
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
