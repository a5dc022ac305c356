/**
 * Undoing the content codings of a body (RFC 9110, section 8.4) within a limit on its size after each of them.
 *
 * The runtime's decoders take a stream that ends early, or one that something follows, for a whole one: that
 * all of the data was used, and no more than all, is checked here.
 *
 * @module
 */

import * as zlib from "node:zlib";
import { GatewayError } from "../../errors.ts";
import { EventBody } from "../../event/event.ts";
import { LARGE_BYTES } from "./body.ts";
import { GrowingBytes } from "./growing_bytes.ts";
import type { LargeBodies } from "./large_bodies.ts";

/** What a decoder made of the beginning of its data. */
interface Decoded {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** How many bytes of the data were used. */
  readonly used: number;
}

/**
 * The inner side of a decoder, which the runtime's own synchronous functions drive too. Its streams decode all of
 * what they are given before anybody is asked, however much it becomes, and what `zstdDecompress` throws for some
 * data nobody can catch.
 */
interface Engine {
  readonly _handle: {
    onerror: (message: string) => void;
    /** Some decoders throw, others call `onerror`, and some leave data unused. */
    readonly writeSync: (
      flush: number,
      input: Uint8Array,
      inputOffset: number,
      inputLength: number,
      output: Uint8Array,
      outputOffset: number,
      outputLength: number,
    ) => void;
  };
  /** What the last call left of the output's room and of the input. */
  readonly _writeState: Uint32Array;
  /** Says that there is no more input. */
  readonly _finishFlushFlag: number;
  readonly close: () => void;
}

type Decoder = (options: { readonly params?: Readonly<Record<number, number>> }) => Engine;

const createGunzip = zlib.createGunzip as unknown as Decoder;
const createInflate = zlib.createInflate as unknown as Decoder;
const createInflateRaw = zlib.createInflateRaw as unknown as Decoder;
const createBrotliDecompress = zlib.createBrotliDecompress as unknown as Decoder;
const createZstdDecompress = zlib.createZstdDecompress as unknown as Decoder;

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

const INCOMPLETE = "The compressed data ends early";
const FOLLOWED = "Something follows the compressed data";

/** Shorter pieces of memory are left to be collected. */
const RELEASED_BYTES = 16 * 1024;

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
  /** Gets the number of bytes so far; throws where there is no room for them. */
  readonly reserve: (bytes: number) => void;
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

/** Why data is not what it says it is. */
class DataError extends Error {
  override readonly name = "DataError";
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

/** Yields how many bytes there are so far. */
type DecodingSteps<Result> = Generator<number, Result, void>;

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
  // Neither says whether it has seen the end of its data: a decoder that goes on reads what follows, too.
  const input = coding === "br" || coding === "zstd" ? followed(data) : data;
  try {
    if (coding === "zstd") return yield* decodeFrames(input, data.byteLength, bounds);
    const decoder = decoderOf(coding, data);
    const { bytes, used } = yield* decode(decoder, input, data.byteLength, bounds);
    if (used === data.byteLength) return bytes;
    release(bytes);
    throw new DataError(used > data.byteLength ? INCOMPLETE : FOLLOWED);
  } finally {
    if (input !== data) release(input);
  }
}

function decoderOf(coding: Exclude<Coding, "zstd">, data: Uint8Array): Decoder {
  if (coding === "gzip") return createGunzip;
  if (coding === "br") return createBrotliDecompress;
  return hasZlibHeader(data) ? createInflate : createInflateRaw;
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
    if (offset > length) throw new DataError(INCOMPLETE);
  } while (offset < length);
  return whole.take();
}

/**
 * Drives a decoder to the end of its data.
 *
 * @param length how much of the input is data; a byte may follow it
 * @param before bytes of the same body that are there already
 */
function* decode(
  decoder: Decoder,
  input: Uint8Array,
  length: number,
  bounds: DecodingBounds,
  before = 0,
): DecodingSteps<Decoded> {
  {
    using first = new Decoding(decoder, input, PIECE_BYTES);
    yield* run(first, bounds, before);
    if (!first.mayHaveEndedBefore(length)) return first.take();
  }
  using second = new Decoding(decoder, input, OTHER_PIECE_BYTES);
  yield* run(second, bounds, before);
  return second.take();
}

function* run(
  decoding: Decoding,
  { maxBytes, reserve }: DecodingBounds,
  before: number,
): DecodingSteps<void> {
  while (!decoding.isDone) {
    decoding.step();
    const size = before + decoding.size;
    if (size > maxBytes) throw new GatewayError("body_too_large");
    reserve(size);
    yield size;
  }
}

/**
 * How much a step makes at most. Where data ends together with a step, what follows it looks like more of it. No
 * body ends together with a step of both lengths, since it would be longer than four gigabytes.
 */
const PIECE_BYTES = 64 * 1024;
const OTHER_PIECE_BYTES = PIECE_BYTES - 1;

/** Where every step of every decoder puts what it makes, until it is copied. */
const piece = new Uint8Array(PIECE_BYTES);

/** One decoder on its way through its data. */
class Decoding implements Disposable {
  readonly #engine: Engine;
  readonly #input: Uint8Array;
  readonly #pieceBytes: number;
  readonly #decoded = new GrowingBytes();
  #used = 0;
  #failure: unknown;
  #isDone = false;

  constructor(decoder: Decoder, input: Uint8Array, pieceBytes: number) {
    this.#engine = decoder({ params: decoder === createZstdDecompress ? ZSTD_PARAMETERS : {} });
    this.#engine._handle.onerror = (message) => this.#failure = new Error(message);
    this.#input = input;
    this.#pieceBytes = pieceBytes;
  }

  get isDone(): boolean {
    return this.#isDone;
  }

  get size(): number {
    return this.#decoded.size;
  }

  /** Makes the next piece, the last of which is not full; what is wrong with the data ends it too. */
  step(): void {
    const left = this.#input.byteLength - this.#used;
    const { _handle, _writeState, _finishFlushFlag } = this.#engine;
    try {
      _handle.writeSync(_finishFlushFlag, this.#input, this.#used, left, piece, 0, this.#pieceBytes);
    } catch (error) {
      this.#failure = error;
    }
    if (this.#failure !== undefined) {
      this.#isDone = true;
      return;
    }
    const [room = 0, unused = 0] = _writeState;
    this.#used = this.#input.byteLength - unused;
    this.#decoded.append(piece.subarray(0, this.#pieceBytes - room));
    this.#isDone = room > 0;
  }

  /** Whether the data may have been whole before the last step, which found something wrong. */
  mayHaveEndedBefore(length: number): boolean {
    const isWrong = this.#failure !== undefined || this.#used > length;
    return isWrong && this.size > 0 && this.size % this.#pieceBytes === 0;
  }

  /** @throws what the decoder found wrong */
  take(): Decoded {
    if (this.#failure !== undefined) throw this.#failure;
    return { bytes: this.#decoded.take(), used: this.#used };
  }

  [Symbol.dispose](): void {
    this.#engine.close();
    this.#decoded[Symbol.dispose]();
  }
}

function followed(data: Uint8Array): Uint8Array<ArrayBuffer> {
  const longer = new Uint8Array(data.byteLength + 1);
  longer.set(data);
  return longer;
}

/** Gives memory back that nobody reads any more, and not when it is collected. */
function release({ buffer, byteLength }: Uint8Array<ArrayBufferLike>): void {
  if (byteLength > RELEASED_BYTES && buffer instanceof ArrayBuffer) buffer.transfer(0);
}

/**
 * RFC 9110 means the zlib format by "deflate", but some senders leave its two-byte header out. It is told
 * by RFC 1950: compression method 8, and the two bytes as a number are a multiple of 31.
 */
function hasZlibHeader(body: Uint8Array): boolean {
  const [first = 0, second = 0] = body;
  return (first & 0x0f) === 8 && (first * 256 + second) % 31 === 0;
}
