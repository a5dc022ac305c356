/**
 * Undoing the content codings of a body (RFC 9110, section 8.4) within a limit on its size after each of them.
 *
 * @module
 */

import { GatewayError } from "../../../errors.ts";
import { EventBody } from "../../../event/event.ts";
import { LARGE_BYTES } from "../body.ts";
import { GrowingBytes } from "../growing_bytes.ts";
import type { LargeBodies } from "../large_bodies.ts";
import { decodeBrotli } from "./brotli/brotli.ts";
import { DataError } from "./data_error.ts";
import {
  createGunzip,
  createInflate,
  createInflateRaw,
  createZstdDecompress,
  decode,
  type Decoder,
  type DecodingSteps,
  type SizeBounds,
} from "./decoder.ts";

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

/** What bounds the undoing of codings, each of them. */
export interface DecodingBounds extends SizeBounds {
  /** Where what becomes a large body waits for its turn. */
  readonly large: LargeBodies;
}

/**
 * Undoes the codings of a body, the last one first. The memory of a body that is not small is given back at once: it
 * is not to be read afterwards.
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
      release(data);
      data = decoded;
    } catch (cause) {
      if (data !== body.bytes) release(data);
      throw toDecodeError(coding, cause);
    }
  }
  return EventBody.fromBytes(data);
}

function toDecodeError(coding: Coding, cause: unknown): GatewayError {
  if (cause instanceof DataError) {
    return new GatewayError("invalid_encoding", undefined, { cause, reason: cause.message });
  }
  if (cause instanceof GatewayError && cause.code !== "body_too_large") return cause;
  if (cause instanceof GatewayError) {
    const reason = `The body is too large once ${coding} is undone`;
    return new GatewayError("body_too_large", undefined, { cause, reason });
  }
  const reason = `The ${coding} data is damaged or incomplete`;
  return new GatewayError("invalid_encoding", undefined, { cause, reason });
}

/**
 * A decoder holds a window of up to 16 MiB, so that a body that waits for its turn has none: what has become large is
 * begun once more.
 */
async function undo(
  coding: Coding,
  data: Uint8Array<ArrayBuffer>,
  bounds: DecodingBounds,
): Promise<Uint8Array<ArrayBuffer>> {
  const small = data.byteLength > LARGE_BYTES ? undefined : finishSmall(decodeAll(coding, data, bounds));
  return small ?? await bounds.large.finish(decodeAll(coding, data, bounds));
}

/** What it is decoded to; `undefined` where that becomes large. */
function finishSmall<Result>(steps: DecodingSteps<Result>): Result | undefined {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    if (step.value < LARGE_BYTES) continue;
    // Its decoder is disposed of.
    steps.return(undefined as never);
    return undefined;
  }
}

function* decodeAll(
  coding: Coding,
  data: Uint8Array<ArrayBuffer>,
  bounds: DecodingBounds,
): DecodingSteps<Uint8Array<ArrayBuffer>> {
  if (coding === "br") return yield* decodeBrotli(data, bounds);
  if (coding === "zstd") return yield* decodeZstd(data, bounds);
  const { bytes, used } = yield* decode(decoderOf(coding, data), data, data.byteLength, bounds);
  if (used === data.byteLength) return bytes;
  release(bytes);
  throw used > data.byteLength ? DataError.incomplete() : DataError.followed();
}

function decoderOf(coding: Exclude<Coding, "br" | "zstd">, data: Uint8Array): Decoder {
  if (coding === "gzip") return createGunzip;
  return hasZlibHeader(data) ? createInflate : createInflateRaw;
}

/** It does not say whether it has seen the end of its data: a decoder that goes on reads what follows, too. */
function* decodeZstd(
  data: Uint8Array<ArrayBuffer>,
  bounds: DecodingBounds,
): DecodingSteps<Uint8Array<ArrayBuffer>> {
  const input = followed(data);
  try {
    return yield* decodeFrames(input, data.byteLength, bounds);
  } finally {
    release(input);
  }
}

/**
 * Frames may follow each other (RFC 8878, section 3); the decoder stops after each.
 *
 * @param length how much of the input is data
 */
function* decodeFrames(
  input: Uint8Array,
  length: number,
  bounds: DecodingBounds,
): DecodingSteps<Uint8Array<ArrayBuffer>> {
  using whole = new GrowingBytes();
  let frames = 0;
  let offset = 0;
  do {
    if (frames++ === MAX_FRAMES) throw new DataError(`There are more than ${MAX_FRAMES} zstd frames`);
    const rest = input.subarray(offset);
    const { bytes, used } = yield* decode(createZstdDecompress, rest, length - offset, bounds, whole.size);
    offset += used;
    whole.append(bytes);
    release(bytes);
    if (offset > length) throw DataError.incomplete();
  } while (offset < length);
  return yield* whole.take();
}

function followed(data: Uint8Array): Uint8Array<ArrayBuffer> {
  const longer = new Uint8Array(data.byteLength + 1);
  longer.set(data);
  return longer;
}

/** Shorter pieces of memory are left to be collected. */
const RELEASED_BYTES = 16 * 1024;

/** Gives memory back that nobody reads any more, and not when it is collected. */
function release({ buffer, byteLength }: Uint8Array<ArrayBufferLike>): void {
  if (byteLength > RELEASED_BYTES && buffer instanceof ArrayBuffer) buffer.transfer(0);
}

/**
 * RFC 9110 means the zlib format by "deflate", but some senders leave its two-byte header out. RFC 1950 says how it
 * looks: compression method 8, and the two bytes as a number are a multiple of 31.
 */
function hasZlibHeader(body: Uint8Array): boolean {
  const [first = 0, second = 0] = body;
  return (first & 0x0f) === 8 && (first * 256 + second) % 31 === 0;
}
