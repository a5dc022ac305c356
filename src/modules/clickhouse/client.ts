/**
 * Requests to ClickHouse's HTTP interface.
 *
 * Every request has a connection of its own, so that the runtime sends none again by itself: rows would be inserted
 * twice without anybody knowing. They travel in batches, so a connection for each costs little.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { IncomingHttpHeaders } from "node:http";
import { DeliveryError, errorCode } from "../../errors.ts";
import { authorityOf } from "../../io/address.ts";
import { type ConnectionLog, ConnectionSupervisor, unreachable } from "../../io/connection.ts";
import { exchange, NoAnswerError } from "../../io/http_exchange.ts";
import { parseRetryAfter } from "../../io/retry_after.ts";
import { loadTls, type TlsOptions } from "../../io/tls.ts";
import type { ClickhouseConnection } from "./connection.ts";

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

/** A client of one server. Disposal breaks all connections. */
export class ClickhouseClient implements AsyncDisposable {
  readonly #connection: ClickhouseConnection;
  readonly #server: ConnectionSupervisor<TlsOptions>;
  readonly #closing = new AbortController();
  readonly #authorization: string;

  /** @param log where is said that the server is down, or back. @default nowhere */
  constructor(connection: ClickhouseConnection, log?: ConnectionLog) {
    this.#connection = connection;
    this.#server = new ConnectionSupervisor({
      server: this.name,
      log,
      open: ({ signal }) => this.#open(signal),
      close: () => {},
      endsItsWork: true,
      outlivesTimeouts: true,
    });
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
    return (await this.#send(search, query, signal)).text;
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
    if (answer.text !== "" || !isOfClickhouse(answer)) throw this.unexpectedAnswer();
  }

  /** The failure to report for an answer that ClickHouse would not give. */
  unexpectedAnswer(options?: ErrorOptions): ClickhouseFailure {
    const message = `${this.name} does not answer as ClickHouse does: check host and port`;
    return new ClickhouseFailure("not_clickhouse", message, undefined, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#server[Symbol.asyncDispose]();
  }

  /** Reads the files for TLS. When the server could not be reached last, any answer shows that it can again. */
  async #open(signal: AbortSignal): Promise<TlsOptions> {
    const tls = await loadTls(this.#connection.tls, signal);
    if (this.#server.failure === undefined) return tls;
    await this.#exchange("", "SELECT 1", tls, signal).catch((error) => {
      throw unreachable(this.name, error instanceof NoAnswerError ? error.cause : error);
    });
    return tls;
  }

  /** @param search what follows the path, from `?` on */
  async #send(search: string, body: string | Uint8Array, signal: AbortSignal): Promise<HttpAnswer> {
    const answer = await this.#receive(search, body, signal);
    const code = errorCodeOf(answer);
    if (answer.status === 200 && code === undefined) return answer;
    const retryAfterSeconds = parseRetryAfter(answer.headers["retry-after"], Date.now());
    const refusal = { status: answer.status, code, text: answer.text, retryAfterSeconds };
    throw new ClickhouseFailure("refused", `${this.name} answered ${answer.status}`, refusal);
  }

  async #receive(search: string, body: string | Uint8Array, signal: AbortSignal): Promise<HttpAnswer> {
    const isOver = AbortSignal.any([signal, this.#closing.signal]);
    const tls = await this.#server.acquire(isOver).catch((error) => {
      const { message } = error instanceof DeliveryError ? error : unreachable(this.name, error);
      throw new ClickhouseFailure("unreachable", message, undefined, { cause: error });
    });
    try {
      return await this.#exchange(search, body, tls, isOver);
    } catch (error) {
      if (!(error instanceof NoAnswerError)) throw error;
      const { isSent, cause } = error;
      const down = unreachable(this.name, cause);
      if (!isSent && !isOver.aborted) this.#server.drop(tls, down);
      const message = isSent ? `${this.name} did not answer: ${errorCode(cause)}` : down.message;
      throw new ClickhouseFailure(isSent ? "no_answer" : "unreachable", message, undefined, { cause });
    }
  }

  /** @throws {NoAnswerError} */
  async #exchange(
    search: string,
    text: string | Uint8Array,
    tls: TlsOptions,
    signal: AbortSignal,
  ): Promise<HttpAnswer> {
    const { path, ...server } = this.#connection.endpoint;
    const body = Buffer.from(text as Uint8Array);
    const headers = {
      authorization: this.#authorization,
      "content-length": body.byteLength,
      "user-agent": "core-webhook-module",
    };
    const request = {
      ...server,
      ...tls,
      path: path + search,
      method: "POST",
      agent: false,
      headers,
    } as const;
    const { status, headers: received, body: answer } = await exchange(request, body, MAX_ANSWER, signal);
    return { status, headers: received, text: Buffer.from(answer).toString() };
  }
}

interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** Every version since 18.16 has at least one such header in each answer: with its name, the query's id or a summary. */
function isOfClickhouse({ headers }: HttpAnswer): boolean {
  return Object.keys(headers).some((name) => name.startsWith("x-clickhouse-"));
}

/** Servers since 2020 have a header for it, those before begin the text with it. */
function errorCodeOf({ headers, text }: HttpAnswer): number | undefined {
  const header = headers["x-clickhouse-exception-code"];
  const digits = header === undefined ? /^Code: (\d+)[,.]/.exec(text)?.[1] : String(header);
  return digits === undefined ? undefined : Number(digits);
}
