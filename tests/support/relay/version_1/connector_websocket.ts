/**
 * The transport of connectors over a WebSocket when version 1 of the protocol was the only one; frozen.
 *
 * @module
 */

import type { ConnectedMessage, ConnectorMessage, GatewayMessage, Report } from "./messages.ts";
import { HEADERS } from "../../../../src/relay/protocol/negotiate.ts";
import { parseGatewayMessage } from "./schema.ts";
import {
  addressOf,
  CLOSE_TIMEOUT_MS,
  type Connection,
  type ConnectOptions,
  failureOf,
  type Opened,
  refusalOf,
  requestHeaders,
  silenceLimitMs,
  type StreamListener,
  Watchdog,
} from "../../../../src/connector/transports/connection.ts";
import { closingReason, ReceivedMessages } from "./received_messages.ts";

/** How often a socket that is to be closed is looked at, whether all was sent, in milliseconds: no event says so. */
const FLUSH_CHECK_MS = 5;

/** Connects by WebSocket. Proxies and certificates are those of the client. */
export async function connectWebSocket(
  options: ConnectOptions,
  listener: StreamListener,
  signal: AbortSignal,
): Promise<Opened> {
  const url = addressOf(options, "stream").replace(/^http/, "ws");
  const socket = new WebSocket(url, { headers: firstHeaders(options), client: options.client });
  const connection = new WebSocketConnection(socket, options, listener);
  const abort = () => connection.end("The connector stops");
  const timer = setTimeout(
    () => connection.end("The gateway did not answer in time"),
    options.connectionTimeoutMs,
  );
  signal.addEventListener("abort", abort);
  const connected = await connection.ready;
  clearTimeout(timer);
  signal.removeEventListener("abort", abort);
  if (connected !== undefined) return { connection };
  // The handshake says nothing but that it failed: the same question as a plain request gets an answer.
  const refusal = await askWhy(options, signal);
  if (refusal !== undefined || signal.aborted) return { refusal: refusal ?? await connection.closed };
  return { refusal: `${await connection.closed}. ${BLOCKED}`, isBlocked: true };
}

/** The headers of a connector that has never heard of another version. */
function firstHeaders(options: ConnectOptions): Headers {
  const headers = requestHeaders(options);
  headers.set(HEADERS.protocol, "1");
  headers.delete(HEADERS.windowBytes);
  return headers;
}

/** What it means that the gateway answers and its WebSocket does not. */
const BLOCKED =
  "The gateway itself would accept the connection, so a proxy in between does not pass on the " +
  "headers 'Upgrade' and 'Connection' (nginx: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; " +
  'proxy_set_header Connection "upgrade")';

/** Why the gateway does not let the connector in; `undefined` when it would. */
async function askWhy(options: ConnectOptions, signal: AbortSignal): Promise<string | undefined> {
  try {
    const response = await fetch(addressOf(options, "status"), {
      headers: firstHeaders(options),
      client: options.client,
      signal: AbortSignal.any([signal, AbortSignal.timeout(options.connectionTimeoutMs)]),
    });
    if (!response.ok) return await refusalOf(response);
    const { refuses } = await response.json() as {
      readonly refuses?: { readonly code: string; readonly message: string };
    };
    return refuses === undefined ? undefined : `${refuses.message} (${refuses.code})`;
  } catch (error) {
    return failureOf(error);
  }
}

class WebSocketConnection implements Connection {
  /** Resolves with the gateway's first message, or with `undefined` when there is no connection. */
  readonly ready: Promise<ConnectedMessage | undefined>;
  readonly closed: Promise<string>;
  readonly #socket: WebSocket;
  readonly #options: ConnectOptions;
  readonly #listener: StreamListener;
  readonly #ready = Promise.withResolvers<ConnectedMessage | undefined>();
  readonly #closed = Promise.withResolvers<string>();
  readonly #events = new AbortController();
  /** What arrived before the beginning; `undefined` since. */
  #backlog: string[] | undefined = [];
  /** `undefined` until the gateway's first message. */
  #received: ReceivedMessages | undefined;
  #watchdog: Watchdog | undefined;
  #closing: string | undefined;
  #failure: string | undefined;

  constructor(socket: WebSocket, options: ConnectOptions, listener: StreamListener) {
    this.ready = this.#ready.promise;
    this.closed = this.#closed.promise;
    this.#socket = socket;
    this.#options = options;
    this.#listener = listener;
    const { signal } = this.#events;
    socket.addEventListener("message", ({ data }) => this.#receive(String(data)), { signal });
    socket.addEventListener("error", (event) => {
      event.preventDefault();
      this.#failure = (event as ErrorEvent).message || undefined;
    }, { signal });
    socket.addEventListener("close", ({ code, reason }) => {
      const said = reason === "" ? `The connection broke (${code})` : `${reason} (${code})`;
      this.end(this.#closing ?? this.#failure ?? said);
    }, { signal });
  }

  get connected(): ConnectedMessage {
    return this.#opened.connected;
  }

  get resumePoint(): string {
    return this.#opened.resumePoint;
  }

  get #opened(): ReceivedMessages {
    if (this.#received === undefined) throw new TypeError("Cannot use a connection before it is open");
    return this.#received;
  }

  begin(): void {
    const backlog = this.#backlog ?? [];
    this.#backlog = undefined;
    for (const text of backlog) this.#receive(text);
  }

  report(report: Report): void {
    this.#send(report);
  }

  stop(): void {
    this.#send({ type: "stop" });
  }

  async close(): Promise<void> {
    const giveUpAt = performance.now() + CLOSE_TIMEOUT_MS;
    while (this.#socket.bufferedAmount > 0 && performance.now() < giveUpAt) {
      await new Promise((resolve) => setTimeout(resolve, FLUSH_CHECK_MS));
    }
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.close(1000, "The connector stops");
    const timer = setTimeout(() => this.end("The connector stops"), CLOSE_TIMEOUT_MS);
    await this.closed;
    clearTimeout(timer);
  }

  /** Ends the connection without waiting for the other side, which may be out of reach. */
  end(reason: string): void {
    this.#watchdog?.[Symbol.dispose]();
    this.#events.abort();
    // Without it an error that comes now would be thrown into the void.
    this.#socket.addEventListener("error", (event) => event.preventDefault());
    if (this.#socket.readyState !== WebSocket.CLOSED) this.#socket.close();
    this.#ready.resolve(undefined);
    this.#closed.resolve(reason);
  }

  #send(message: ConnectorMessage): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #receive(text: string): void {
    this.#watchdog?.heard();
    if (this.#received !== undefined && this.#backlog !== undefined) {
      this.#backlog.push(text);
      return;
    }
    let message: GatewayMessage | undefined;
    try {
      message = parseGatewayMessage(text);
    } catch (error) {
      return this.end(failureOf(error));
    }
    if (message?.type === "connected") return this.#open(message);
    if (message?.type === "heartbeat") this.#send({ type: "heartbeat", timestamp: new Date().toISOString() });
    const reason = this.#received === undefined ? closingReason(message) : this.#received.take(message);
    this.#closing = reason ?? this.#closing;
  }

  #open(connected: ConnectedMessage): void {
    this.#received = new ReceivedMessages(this.#options, this.#listener, connected);
    this.#watchdog = new Watchdog(silenceLimitMs(this.#options, connected), (reason) => this.end(reason));
    this.#ready.resolve(connected);
  }
}
