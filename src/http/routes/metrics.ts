/**
 * The route `/metrics`.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { promisify } from "node:util";
import { constants, createGzip, type Gzip } from "node:zlib";
import { acceptsEncodings } from "@std/http/negotiation";
import { breathe } from "../../time/pace.ts";
import { type Metrics, METRICS_CONTENT_TYPE } from "../../observability/metrics.ts";
import type { Handler, Route } from "../router.ts";

/** How long rendering may hold up everything else at a time, in milliseconds. */
const SLICE_MS = 4;

/** Characters that are compressed at a time: more would hold up everything else. */
const SLICE_CHARACTERS = 64 * 1024;

type Encoding = "gzip" | "identity";

/**
 * `/metrics`, by gzip where the request takes it. With tens of thousands of webhooks the text has megabytes: it is
 * made in slices, and scrapes that come meanwhile share it.
 */
export function metricsRoute(metrics: Metrics): Route {
  const underWay = new Map<Encoding, Promise<Uint8Array<ArrayBuffer>>>();
  const render = (encoding: Encoding) => {
    let rendering = underWay.get(encoding);
    if (rendering === undefined) {
      rendering = renderInSlices(metrics, encoding).finally(() => underWay.delete(encoding));
      underWay.set(encoding, rendering);
    }
    return rendering;
  };
  const answer: Handler = async (request, id) => {
    const encoding = encodingFor(request);
    const headers = new Headers({ "content-type": METRICS_CONTENT_TYPE, vary: "accept-encoding" });
    headers.set("x-request-id", id);
    if (encoding === "gzip") headers.set("content-encoding", "gzip");
    return new Response(await render(encoding), { headers });
  };
  return { path: "/metrics", methods: { GET: answer } };
}

/** RFC 9110, section 12.5.3. A request that says nothing gets what everybody can read. */
function encodingFor(request: Request): Encoding {
  const saysNothing = (request.headers.get("accept-encoding") ?? "") === "";
  return !saysNothing && acceptsEncodings(request, "gzip", "identity") === "gzip" ? "gzip" : "identity";
}

async function renderInSlices(metrics: Metrics, encoding: Encoding): Promise<Uint8Array<ArrayBuffer>> {
  const sink = encoding === "gzip" ? new GzipSink() : new PlainSink();
  let text = "";
  let begunAt = performance.now();
  for (const piece of metrics.pieces()) {
    text += piece;
    if (text.length < SLICE_CHARACTERS && performance.now() - begunAt < SLICE_MS) continue;
    await sink.write(text);
    text = "";
    await breathe();
    begunAt = performance.now();
  }
  await sink.write(text);
  return await sink.end();
}

/** Takes text and gives bytes. */
interface Sink {
  write(text: string): Promise<void>;
  end(): Promise<Uint8Array<ArrayBuffer>>;
}

class PlainSink implements Sink {
  readonly #chunks: Buffer[] = [];

  write(text: string): Promise<void> {
    this.#chunks.push(Buffer.from(text));
    return Promise.resolve();
  }

  end(): Promise<Uint8Array<ArrayBuffer>> {
    return Promise.resolve(new Uint8Array(Buffer.concat(this.#chunks)));
  }
}

class GzipSink implements Sink {
  readonly #chunks: Buffer[] = [];
  readonly #gzip: Gzip = createGzip({ level: constants.Z_BEST_SPEED });
  readonly #write = promisify((text: string, done: (error?: Error | null) => void) =>
    this.#gzip.write(text, done)
  );
  readonly #ended: Promise<void>;

  constructor() {
    this.#ended = new Promise((resolve, reject) => {
      this.#gzip.on("data", (chunk: Buffer) => this.#chunks.push(chunk));
      this.#gzip.on("end", resolve);
      this.#gzip.on("error", reject);
    });
  }

  write(text: string): Promise<void> {
    return this.#write(text);
  }

  async end(): Promise<Uint8Array<ArrayBuffer>> {
    this.#gzip.end();
    await this.#ended;
    return new Uint8Array(Buffer.concat(this.#chunks));
  }
}
