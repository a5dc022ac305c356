/**
 * Undoes Brotli (RFC 7932) piece by piece, so that what it makes is bounded while it is made.
 *
 * @module
 */

import { GatewayError } from "../../../../errors.ts";
import { GrowingBytes } from "../../growing_bytes.ts";
import { DataError } from "../data_error.ts";
import type { DecodingSteps, SizeBounds } from "../decoder.ts";
import { BrotliStream } from "./library.ts";

/** How much data a step is given, in bytes. */
const PIECE_BYTES = 64 * 1024;

/**
 * Decodes data that is one whole stream.
 *
 * @throws {DataError} when it is damaged, ends early, or something follows it
 * @throws {GatewayError} `body_too_large`, and what `reserve` throws
 */
export function* decodeBrotli(
  data: Uint8Array,
  { maxBytes, reserve }: SizeBounds,
): DecodingSteps<Uint8Array<ArrayBuffer>> {
  using stream = new BrotliStream();
  using decoded = new GrowingBytes();
  for (let at = 0;;) {
    const sizeBefore = decoded.size;
    const { progress, used } = stream.step(data.subarray(at, at + PIECE_BYTES), decoded);
    at += used;
    if (decoded.size > maxBytes) throw new GatewayError("body_too_large");
    reserve(decoded.size);
    if (progress === "ended") {
      if (at < data.byteLength) throw DataError.followed();
      return yield* decoded.take();
    }
    if (progress === "needs input" && at === data.byteLength) throw DataError.incomplete();
    if (used === 0 && decoded.size === sizeBefore) throw new DataError("The br data is damaged");
    yield decoded.size;
  }
}
