/**
 * Requests to ClickHouse's HTTP interface.
 *
 * Every request has a connection of its own. Over a kept one, the runtime sends a request again by itself
 * when the connection breaks before the answer (both `fetch` and `node:http` of Deno 2.9 do, with POST as
 * well), which would insert rows twice without anybody knowing. Rows travel in batches, so a connection for
 * each costs little.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import http from "node:http";
import https from "node:https";
import { authorityOf } from "../../io/address.ts";
import { outputNames } from "../../io/name_lookups.ts";
import { parseRetryAfter } from "../../io/retry_after.ts";
import type { ClickhouseConnection } from "./connection.ts";
import type { TlsOptions } from "../../io/tls.ts";

/** Most connections at once; further requests wait for one. */
const MAX_CONNECTIONS = 16;

/** Longest answer that is read, in bytes. Those to inserts are empty, those about tables are short. */
const MAX_ANSWER = 4 * 1024 * 1024;

/**
 * - `unreachable`: no connection, so the server has not seen the request.
 * - `no_answer`: the connection broke, or the request was aborted; the server may have executed it.
 * - `not_clickhouse`: something answered as if all were well, but not as ClickHouse does: a page that some
 *   device on the way shows to everybody must not pass for a confirmation.
 * - `refused`: the server, or something in front of it, answered with an error.
 */
export type FailureKind = "unreachable" | "no_answer" | "not_clickhouse" | "refused";

/** What a server says about a request that it refuses. */
export interface Refusal {
  readonly status: number;
  /** ClickHouse's own error code; `undefined` when the answer is not one of ClickHouse. */
  readonly code: number | undefined;
  /** ClickHouse's own words. They may quote rows: to be shown only for codes that are about something else. */
  readonly text: string;
  /** How long whoever answered wants to be left alone, in seconds, if that was said. */
  readonly retryAfterSeconds?: number | undefined;
}

/** A request that did not succeed. Its message holds nothing of the answer. */
export class ClickhouseFailure extends Error {
  override readonly name = "ClickhouseFailure";

  constructor(
    readonly kind: FailureKind,
    message: string,
    readonly refusal?: Refusal,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

interface HttpAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

/** A client of one server. Disposal breaks all connections. */
export class ClickhouseClient implements Disposable {
  readonly #connection: ClickhouseConnection;
  readonly #agent: http.Agent;
  readonly #authorization: string;

  constructor(connection: ClickhouseConnection, tls: TlsOptions) {
    this.#connection = connection;
    const options = { keepAlive: false, maxSockets: MAX_CONNECTIONS };
    this.#agent = connection.endpoint.protocol === "https:"
      ? new https.Agent({ ...options, ...tls })
      : new http.Agent(options);
    const { user, password } = connection;
    this.#authorization = `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
  }

  /** How messages name the server. */
  get name(): string {
    const { hostname, port } = this.#connection.endpoint;
    return `ClickHouse at ${authorityOf(hostname, port)}`;
  }

  /**
   * Runs a query and returns what it yields.
   *
   * @param settings of ClickHouse, for this query alone
   * @throws {ClickhouseFailure}
   */
  async query(
    query: string,
    signal: AbortSignal,
    settings?: Readonly<Record<string, string>>,
  ): Promise<string> {
    const search = settings === undefined ? "" : `?${new URLSearchParams(settings)}`;
    return (await this.#send(search, Buffer.from(query), signal)).body;
  }

  /**
   * Inserts rows in the format that the query names. It has happened when this returns.
   *
   * @param settings of ClickHouse, for this query alone
   * @throws {ClickhouseFailure}
   */
  async insert(
    query: string,
    settings: Readonly<Record<string, string>>,
    rows: Uint8Array,
    signal: AbortSignal,
  ): Promise<void> {
    const answer = await this.#send(`?${new URLSearchParams({ query, ...settings })}`, rows, signal);
    // An empty page of something in between is no confirmation.
    if (answer.body !== "" || !isOfClickhouse(answer)) throw this.unexpectedAnswer();
  }

  /** The failure to report for an answer that ClickHouse would not give. */
  unexpectedAnswer(options?: ErrorOptions): ClickhouseFailure {
    const message = `${this.name} does not answer as ClickHouse does: check host and port`;
    return new ClickhouseFailure("not_clickhouse", message, undefined, options);
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }

  /** @param search what follows the path, from `?` on */
  async #send(search: string, body: Uint8Array, signal: AbortSignal): Promise<HttpAnswer> {
    const answer = await this.#exchange(search, body, signal);
    const code = errorCode(answer);
    if (answer.status === 200 && code === undefined) return answer;
    const retryAfterSeconds = parseRetryAfter(answer.headers["retry-after"], Date.now());
    const refusal = {
      status: answer.status,
      code,
      text: answer.body,
      retryAfterSeconds,
    };
    throw new ClickhouseFailure("refused", `${this.name} answered ${answer.status}`, refusal);
  }

  #exchange(search: string, body: Uint8Array, signal: AbortSignal): Promise<HttpAnswer> {
    const { protocol, hostname, port, path } = this.#connection.endpoint;
    const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
    let isConnected = false;
    const fail = (error: Error) =>
      reject(
        new ClickhouseFailure(
          isConnected ? "no_answer" : "unreachable",
          `${this.name} ${isConnected ? "did not answer" : "cannot be reached"}: ${codeOf(error)}`,
          undefined,
          { cause: error },
        ),
      );
    if (signal.aborted) {
      fail(signal.reason);
      return promise;
    }
    const request = (protocol === "https:" ? https : http).request({
      hostname,
      port,
      path: path + search,
      method: "POST",
      agent: this.#agent,
      lookup: outputNames.lookup,
      headers: {
        authorization: this.#authorization,
        "content-length": body.byteLength,
        "user-agent": "core-webhook-module",
      },
    });
    const abort = () => request.destroy(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    request.on("socket", (socket) => {
      socket.once(protocol === "https:" ? "secureConnect" : "connect", () => isConnected = true);
    });
    request.on("error", fail);
    request.on("response", (response) => readAnswer(response, resolve, fail));
    request.on("close", () => {
      signal.removeEventListener("abort", abort);
      fail(new Error("The connection was closed"));
    });
    request.end(body);
    return promise;
  }
}

/** Calls one of the two functions, or none when the answer breaks off: the request reports that itself. */
function readAnswer(
  response: http.IncomingMessage,
  resolve: (answer: HttpAnswer) => void,
  fail: (error: Error) => void,
): void {
  const chunks: Uint8Array[] = [];
  let size = 0;
  response.on("data", (chunk: Uint8Array) => {
    chunks.push(chunk);
    size += chunk.byteLength;
    if (size <= MAX_ANSWER) return;
    fail(new Error("The answer is too long"));
    response.destroy();
  });
  response.on("error", fail);
  response.on("end", () => {
    const { statusCode = 0, headers } = response;
    resolve({ status: statusCode, headers, body: Buffer.concat(chunks).toString() });
  });
}

/** Every version since 18.16 has at least one such header in each answer: with its name, the query's id or a summary. */
function isOfClickhouse({ headers }: HttpAnswer): boolean {
  return Object.keys(headers).some((name) => name.startsWith("x-clickhouse-"));
}

/** Servers since 2020 have a header for it, those before begin the text with it. */
function errorCode({ headers, body }: HttpAnswer): number | undefined {
  const header = headers["x-clickhouse-exception-code"];
  const digits = header === undefined ? /^Code: (\d+)[,.]/.exec(body)?.[1] : String(header);
  return digits === undefined ? undefined : Number(digits);
}

function codeOf(error: Error): string {
  const { code } = error as { readonly code?: unknown };
  return String(code ?? error.name);
}
