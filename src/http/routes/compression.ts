/**
 * Large answers by gzip, for routes that answer with text. Small ones are never compressed: to begin a gzip stream
 * costs more than what it would save of them.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { promisify } from "node:util";
import { constants, createGzip, type Gzip } from "node:zlib";
import { acceptsEncodings } from "@std/http/negotiation";
import { Pace } from "../../time/pace.ts";
import { largeTextOf } from "../responses.ts";
import type { Handler } from "../router.ts";

/** How long compressing may hold up everything else at a time, in milliseconds. */
const SLICE_MS = 4;

/** Bytes that are compressed at a time: more would hold up everything else. */
const SLICE_BYTES = 64 * 1024;

const encoder = new TextEncoder();

/** How an answer is coded: by gzip, or as it is. */
export type Coding = "gzip" | "identity";

/** What a request takes (RFC 9110, section 12.5.3). One that says nothing gets what everybody can read. */
export function codingFor(request: Request): Coding {
  const saysNothing = (request.headers.get("accept-encoding") ?? "") === "";
  return !saysNothing && acceptsEncodings(request, "gzip", "identity") === "gzip" ? "gzip" : "identity";
}

/** Has large answers of a handler compressed for whoever takes gzip. Small ones cost nothing more. */
export function compressing(handler: Handler): Handler {
  return async (request, requestId, rest, info) => {
    const response = await handler(request, requestId, rest, info);
    const text = largeTextOf(response);
    if (text === undefined) return response;
    const { status, headers } = response;
    headers.append("vary", "accept-encoding");
    if (codingFor(request) === "identity") return response;
    headers.set("content-encoding", "gzip");
    return new Response(await gzipInSlices(encoder.encode(text)), { status, headers });
  };
}

async function gzipInSlices(bytes: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const gzip = new GzipBuffer();
  const pace = new Pace(undefined, SLICE_MS);
  for (let start = 0; start < bytes.length; start += SLICE_BYTES) {
    await pace.keep();
    await gzip.write(bytes.subarray(start, start + SLICE_BYTES));
  }
  return await gzip.end();
}

/** Compresses what is written to it, as fast as gzip can. */
export class GzipBuffer {
  readonly #chunks: Buffer[] = [];
  readonly #gzip: Gzip = createGzip({ level: constants.Z_BEST_SPEED });
  readonly #write = promisify((piece: string | Uint8Array, done: (error?: Error | null) => void) =>
    this.#gzip.write(piece, done)
  );
  readonly #ended: Promise<void>;

  constructor() {
    this.#ended = new Promise((resolve, reject) => {
      this.#gzip.on("data", (chunk: Buffer) => this.#chunks.push(chunk));
      this.#gzip.on("end", resolve);
      this.#gzip.on("error", reject);
    });
  }

  /** Compresses a piece, which holds up everything else: give small ones. */
  write(piece: string | Uint8Array): Promise<void> {
    return this.#write(piece);
  }

  /** Everything that was written, compressed. */
  async end(): Promise<Uint8Array<ArrayBuffer>> {
    this.#gzip.end();
    await this.#ended;
    return new Uint8Array(Buffer.concat(this.#chunks));
  }
}
