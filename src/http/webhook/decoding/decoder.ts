/**
 * Drives the runtime's decoders piece by piece, so that what they make is bounded while it is made.
 *
 * They take a stream that ends early, or one that something follows, for a whole one: how much of the data was used
 * is said here, for whoever knows how much there was.
 *
 * @module
 */

import * as zlib from "node:zlib";
import { GatewayError } from "../../../errors.ts";
import { GrowingBytes } from "../growing_bytes.ts";

/**
 * How much a step makes at most. Where data ends together with a step, what follows it looks like more of it. No
 * body ends together with a step of both lengths, since it would be longer than four gigabytes.
 */
const PIECE_BYTES = 64 * 1024;
const OTHER_PIECE_BYTES = PIECE_BYTES - 1;

/** What a decoder has made of the beginning of its data. */
export interface Decoded {
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

/** Makes a decoder of one kind. */
export type Decoder = (options: { readonly params?: Readonly<Record<number, number>> }) => Engine;

/** gzip (RFC 1952). */
export const createGunzip = zlib.createGunzip as unknown as Decoder;
/** Deflate with the header of zlib (RFC 1950). */
export const createInflate = zlib.createInflate as unknown as Decoder;
/** Deflate without a header (RFC 1951). */
export const createInflateRaw = zlib.createInflateRaw as unknown as Decoder;
/** Zstandard (RFC 8878), one frame. */
export const createZstdDecompress = zlib.createZstdDecompress as unknown as Decoder;

/** RFC 9659, section 3: as a content coding zstd has a window of at most 8 MiB, which a decoder has to have room for. */
const ZSTD_PARAMETERS = { [zlib.constants.ZSTD_d_windowLogMax]: 23 };

/** What bounds a decoder. */
export interface SizeBounds {
  /** The largest size in bytes; a decompression bomb stops there. */
  readonly maxBytes: number;
  /** Gets the number of bytes so far; throws where there is no room for them. */
  readonly reserve: (bytes: number) => void;
}

/** Yields how many bytes there are so far. */
export type DecodingSteps<Result> = Generator<number, Result, void>;

/**
 * Drives a decoder to the end of its data.
 *
 * @param length how much of the input is data; a byte may follow it
 * @param before bytes of the same body that are there already
 */
export function* decode(
  decoder: Decoder,
  input: Uint8Array,
  length: number,
  bounds: SizeBounds,
  before = 0,
): DecodingSteps<Decoded> {
  {
    using first = new Decoding(decoder, input, PIECE_BYTES);
    yield* run(first, bounds, before);
    if (!first.mayHaveEndedBefore(length)) return yield* first.take();
  }
  using second = new Decoding(decoder, input, OTHER_PIECE_BYTES);
  yield* run(second, bounds, before);
  return yield* second.take();
}

function* run(
  decoding: Decoding,
  { maxBytes, reserve }: SizeBounds,
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
  *take(): DecodingSteps<Decoded> {
    if (this.#failure !== undefined) throw this.#failure;
    return { bytes: yield* this.#decoded.take(), used: this.#used };
  }

  [Symbol.dispose](): void {
    this.#engine.close();
    this.#decoded[Symbol.dispose]();
  }
}
