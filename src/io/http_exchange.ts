/**
 * One HTTP request whose answer is read whole, up to a bound.
 *
 * Over a connection of its own, which is what `agent: false` and agents without `keepAlive` make, a request is sent
 * once and never again. Over a kept one, the runtime sends it again by itself when the connection breaks before the
 * answer (both `fetch` and `node:http` of Deno 2.9 do, with POST as well). Redirects are answers like any other:
 * `fetch` would carry credentials on to another host. Proxies of the environment are not used.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import http from "node:http";
import https from "node:https";
import { outputNames } from "./name_lookups.ts";

/** Where a request goes, what is sent, and how. TLS options count for `https:` only. */
export interface ExchangeOptions extends https.RequestOptions {
  readonly protocol: "http:" | "https:";
  /** @default that of {@linkcode outputNames} */
  readonly lookup?: NonNullable<https.RequestOptions["lookup"]>;
}

/** A whole answer. */
export interface WholeAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Uint8Array;
}

/** There is no answer, or none that was read to its end. The cause says why; for an abortion it is the signal's reason. */
export class NoAnswerError extends Error {
  override readonly name = "NoAnswerError";

  /** @param isSent whether the server may have seen the request */
  constructor(readonly isSent: boolean, override readonly cause: Error) {
    super(cause.message, { cause });
  }
}

/**
 * Sends a request and reads the whole answer.
 *
 * @param maxBytes longest body that is read
 * @throws {NoAnswerError} also when the signal aborts, and for a longer answer
 */
export function exchange(
  options: ExchangeOptions,
  body: string | Uint8Array | undefined,
  maxBytes: number,
  signal: AbortSignal,
): Promise<WholeAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<WholeAnswer>();
  let isConnected = false;
  const fail = (cause: Error) => reject(new NoAnswerError(isConnected, cause));
  if (signal.aborted) {
    fail(signal.reason);
    return promise;
  }
  const isHttps = options.protocol === "https:";
  const request = (isHttps ? https : http).request({ lookup: outputNames.lookup, ...options });
  const abort = () => {
    // The runtime takes the end of a kept connection for the other side's doing, and would send it once more.
    request.reusedSocket = false;
    request.destroy(signal.reason);
  };
  signal.addEventListener("abort", abort, { once: true });
  request.on("socket", (socket) => {
    // A kept connection is there already, and would keep what waits for it.
    if (request.reusedSocket) isConnected = true;
    else socket.once(isHttps ? "secureConnect" : "connect", () => isConnected = true);
  });
  request.on("error", fail);
  request.on("response", (response) => {
    isConnected = true;
    readWhole(response, maxBytes, resolve, fail);
  });
  request.on("close", () => {
    signal.removeEventListener("abort", abort);
    fail(new Error("the connection was closed"));
  });
  request.end(body);
  return promise;
}

/** Calls one of the two functions, or none when the answer breaks off: the request reports that itself. */
function readWhole(
  response: http.IncomingMessage,
  maxBytes: number,
  resolve: (answer: WholeAnswer) => void,
  fail: (error: Error) => void,
): void {
  const chunks: Uint8Array[] = [];
  let size = 0;
  response.on("data", (chunk: Uint8Array) => {
    chunks.push(chunk);
    size += chunk.byteLength;
    if (size <= maxBytes) return;
    fail(new Error(`the answer is longer than ${maxBytes} bytes`));
    response.destroy();
  });
  response.on("error", fail);
  response.on("end", () => {
    const { statusCode = 0, headers } = response;
    resolve({ status: statusCode, headers, body: Buffer.concat(chunks) });
  });
}
