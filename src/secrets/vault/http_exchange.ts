/**
 * One HTTP request to one address of Vault.
 *
 * Every request has a connection of its own. Over a kept one, the runtime sends a request again by itself when
 * the connection breaks before the answer, and each use of a token, secret id or wrapping token may be the only
 * one that it has. Redirects are answers like any other: the runtime's `fetch` would carry the token on to
 * another host. Proxies of the environment are not used.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import http from "node:http";
import https from "node:https";
import { configurationNames } from "../../io/name_lookups.ts";
import { PemFileError, readPemFiles } from "../../io/tls.ts";
import type { VaultSettings } from "../../settings/vault.ts";
import { VaultFailure } from "./failure.ts";

/** Longest answer that is read, in bytes. Vault stores no value over 1 MiB. */
const MAX_ANSWER = 4 * 1024 * 1024;

/** What is sent. */
export interface HttpRequest {
  readonly method: "GET" | "POST";
  readonly headers: Readonly<Record<string, string>>;
  /** JSON; left out for none. */
  readonly body?: string;
}

/** What came back. */
export interface HttpAnswer {
  /** The address that answered, without path. */
  readonly origin: string;
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly location: string | undefined;
  readonly text: string;
}

/** There is no answer. The message names the server and nothing of the request. */
export class NoAnswer extends VaultFailure {
  /** @param sent whether the server may have seen the request */
  constructor(readonly sent: boolean, reason: string, options?: ErrorOptions) {
    super("unavailable", reason, options);
  }
}

/** Sends requests, over TLS as the settings say. */
export class HttpExchange {
  readonly #tls: VaultSettings["tls"];
  /** The authorities of `caFile`, until a connection fails: the file may have been replaced. */
  #ca: string | undefined;

  constructor(tls: VaultSettings["tls"]) {
    this.#tls = tls;
  }

  /**
   * Sends a request and reads the whole answer.
   *
   * @throws {NoAnswer} also when the signal aborts
   */
  async send(url: URL, request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    const options = url.protocol === "https:" ? await this.#tlsOptions(signal) : {};
    try {
      return await exchange(url, request, options, signal);
    } catch (error) {
      this.#ca = undefined;
      throw error;
    }
  }

  async #tlsOptions(signal: AbortSignal): Promise<https.RequestOptions> {
    const { verify, caFile } = this.#tls;
    if (caFile === undefined) return { rejectUnauthorized: verify };
    this.#ca ??= await readAuthorities(caFile, signal);
    return { rejectUnauthorized: verify, ...(this.#ca === undefined ? {} : { ca: this.#ca }) };
  }
}

async function readAuthorities(file: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    return (await readPemFiles({ ca: file }, { ca: "VAULT_VERIFY" }, { signal })).ca;
  } catch (error) {
    if (!(error instanceof PemFileError)) throw error;
    throw new NoAnswer(false, error.message, { cause: error.cause });
  }
}

function exchange(
  url: URL,
  { method, headers, body }: HttpRequest,
  options: https.RequestOptions,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
  let isConnected = false;
  const fail = (error: Error) => {
    const what = isConnected ? "did not answer" : "cannot be reached";
    reject(
      new NoAnswer(isConnected, `Vault at ${url.host} ${what}: ${describeCause(error)}`, { cause: error }),
    );
  };
  if (signal.aborted) {
    fail(signal.reason);
    return promise;
  }
  const isHttps = url.protocol === "https:";
  const request = (isHttps ? https : http).request(url, {
    ...options,
    method,
    agent: false,
    lookup: configurationNames.lookup,
    headers: {
      ...headers,
      ...(body === undefined
        ? {}
        : { "content-type": "application/json", "content-length": Buffer.byteLength(body) }),
    },
  });
  const abort = () => request.destroy(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  request.on("socket", (socket) => {
    socket.once(isHttps ? "secureConnect" : "connect", () => isConnected = true);
  });
  request.on("error", fail);
  request.on("response", (response) => {
    isConnected = true;
    readAnswer(response, url.origin, resolve, fail);
  });
  request.on("close", () => {
    signal.removeEventListener("abort", abort);
    fail(new Error("the connection was closed"));
  });
  request.end(body);
  return promise;
}

function readAnswer(
  response: http.IncomingMessage,
  origin: string,
  resolve: (answer: HttpAnswer) => void,
  fail: (error: Error) => void,
): void {
  const chunks: Uint8Array[] = [];
  let size = 0;
  response.on("data", (chunk: Uint8Array) => {
    chunks.push(chunk);
    size += chunk.byteLength;
    if (size <= MAX_ANSWER) return;
    fail(new Error(`the answer is longer than ${MAX_ANSWER} bytes`));
    response.destroy();
  });
  response.on("error", fail);
  response.on("end", () => {
    const { statusCode = 0, headers } = response;
    resolve({
      origin,
      status: statusCode,
      retryAfter: headers["retry-after"],
      location: headers.location,
      text: Buffer.concat(chunks).toString(),
    });
  });
}

/** Codes of certificates whose authority is not trusted (OpenSSL's X509_V_ERR). */
const UNKNOWN_AUTHORITY = /^(?:UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_)/;

/** The system's or TLS's code where there is one: it is what operators search for. */
function describeCause(error: Error): string {
  if (error.name === "TimeoutError") return "it took too long";
  const { code } = error as { readonly code?: unknown };
  if (typeof code !== "string") return error.message;
  return UNKNOWN_AUTHORITY.test(code) ? `${code} (VAULT_VERIFY names the authorities to trust)` : code;
}
