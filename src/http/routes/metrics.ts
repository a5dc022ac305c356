/**
 * The route `/metrics`.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { Caller } from "../../access/caller.ts";
import { breathe } from "../../time/pace.ts";
import { type Metrics, METRICS_CONTENT_TYPE } from "../../observability/metrics.ts";
import { type Coding, codingFor, GzipBuffer } from "./compression.ts";
import { LARGE_LENGTH } from "../responses.ts";
import type { Handler, Route } from "../router.ts";

/** How long rendering may hold up everything else at a time, in milliseconds. */
const SLICE_MS = 4;

/** Characters that are encoded at a time: more would hold up everything else. */
const SLICE_CHARACTERS = 64 * 1024;

const encoder = new TextEncoder();

/** A rendered text. */
interface Rendered {
  readonly coding: Coding;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/**
 * Whose namespaces alone are shown; `undefined` for everything.
 *
 * @throws {GatewayError} where nothing is shown
 */
export type MetricsReader = (request: Request, info: Deno.ServeHandlerInfo) => Caller | undefined;

/**
 * `/metrics`, by gzip where the text is large and the request takes it. With tens of thousands of webhooks it has
 * megabytes: it is made in slices, and scrapes that come meanwhile share it.
 */
export function metricsRoute(metrics: Metrics, readerOf: MetricsReader = () => undefined): Route {
  const underWay = new Map<string, Promise<Rendered>>();
  const render = (coding: Coding, reader: Caller | undefined) => {
    const key = reader === undefined ? coding : `${coding} ${reader.namespaces.join()}`;
    let rendering = underWay.get(key);
    if (rendering === undefined) {
      const pieces = metrics.pieces(reader && ((namespace) => reader.sees(namespace)));
      rendering = renderInSlices(pieces, coding).finally(() => underWay.delete(key));
      underWay.set(key, rendering);
    }
    return rendering;
  };
  const answer: Handler = async (request, id, _rest, info) => {
    const reader = readerOf(request, info);
    const headers = new Headers({ "content-type": METRICS_CONTENT_TYPE, vary: "accept-encoding" });
    headers.set("x-request-id", id);
    const { bytes, coding } = await render(codingFor(request), reader);
    if (coding === "gzip") headers.set("content-encoding", "gzip");
    return new Response(bytes, { headers });
  };
  return { path: "/metrics", methods: { GET: answer } };
}

async function renderInSlices(pieces: Iterable<string>, accepted: Coding): Promise<Rendered> {
  const text = new EncodedText(accepted);
  let slice = "";
  let begunAt = performance.now();
  for (const piece of pieces) {
    slice += piece;
    if (slice.length < SLICE_CHARACTERS && performance.now() - begunAt < SLICE_MS) continue;
    await text.write(slice);
    slice = "";
    await breathe();
    begunAt = performance.now();
  }
  await text.write(slice);
  return await text.end();
}

/** Text that becomes bytes, and is compressed from the moment that it is large. */
class EncodedText {
  readonly #accepted: Coding;
  /** What was written and stands in neither of the others. */
  #small = "";
  readonly #plain: Uint8Array<ArrayBuffer>[] = [];
  #gzip: GzipBuffer | undefined;

  constructor(accepted: Coding) {
    this.#accepted = accepted;
  }

  async write(text: string): Promise<void> {
    if (this.#accepted === "identity") {
      this.#plain.push(encoder.encode(text));
      return;
    }
    this.#small += text;
    if (this.#gzip === undefined && this.#small.length < LARGE_LENGTH) return;
    this.#gzip ??= new GzipBuffer();
    await this.#gzip.write(this.#small);
    this.#small = "";
  }

  async end(): Promise<Rendered> {
    if (this.#gzip !== undefined) return { coding: "gzip", bytes: await this.#gzip.end() };
    return { coding: "identity", bytes: joined([...this.#plain, encoder.encode(this.#small)]) };
  }
}

function joined(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.concat(chunks));
}
