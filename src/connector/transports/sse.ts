/**
 * The transport of connectors over Server-Sent Events.
 *
 * @module
 */

import type { ConnectedMessage, Report } from "../../relay/protocol/messages.ts";
import { formatResumePoint } from "../../relay/protocol/negotiate.ts";
import { parseGatewayMessage } from "../../relay/protocol/schema.ts";
import { AckPoster } from "./ack_poster.ts";
import {
  addressOf,
  type Connection,
  type ConnectOptions,
  dispatch,
  failureOf,
  firstSequence,
  type Opened,
  refusalOf,
  requestHeaders,
  silenceLimitMs,
  type StreamListener,
  Watchdog,
} from "./connection.ts";
import { dataOfEvents } from "./sse_parser.ts";
import { within } from "../../time/within.ts";

/** How long a goodbye may take, in milliseconds. */
const CLOSE_TIMEOUT_MS = 2_000;

const LATE =
  "Nothing came of the stream in time: a proxy in between may hold answers back until they are whole";

/** Connects by Server-Sent Events; reports go over `/connect/ack`. */
export async function connectEventStream(
  options: ConnectOptions,
  listener: StreamListener,
  signal: AbortSignal,
): Promise<Opened> {
  const ending = new AbortController();
  const abort = () => ending.abort();
  const timer = setTimeout(abort, options.connectionTimeoutMs);
  signal.addEventListener("abort", abort, { once: true });
  let isOpened = false;
  try {
    const headers = requestHeaders(options);
    headers.set("accept", "text/event-stream");
    const response = await fetch(addressOf(options, "stream", "/sse"), {
      headers,
      client: options.client,
      signal: ending.signal,
    });
    if (!response.ok || response.body === null) return { refusal: await refusalOf(response) };
    const events = dataOfEvents(response.body)[Symbol.asyncIterator]();
    const first = await events.next();
    if (first.done === true) return { refusal: "The stream ended before its first message", isBlocked: true };
    const connected = parseGatewayMessage(first.value);
    if (connected?.type !== "connected") return { refusal: "The gateway's first message is not 'connected'" };
    isOpened = true;
    return { connection: new EventStreamConnection(options, listener, connected, events, ending) };
  } catch (error) {
    const late = ending.signal.aborted && !signal.aborted;
    return late ? { refusal: LATE, isBlocked: true } : { refusal: failureOf(error) };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
    // A stream that is not what was expected would go on for ever.
    if (!isOpened) abort();
  }
}

class EventStreamConnection implements Connection {
  readonly connected: ConnectedMessage;
  readonly closed: Promise<string>;
  readonly #listener: StreamListener;
  readonly #events: AsyncIterator<string>;
  readonly #ending: AbortController;
  readonly #closed = Promise.withResolvers<string>();
  readonly #poster: AckPoster;
  readonly #watchdog: Watchdog;
  #sequence: number;

  constructor(
    options: ConnectOptions,
    listener: StreamListener,
    connected: ConnectedMessage,
    events: AsyncIterator<string>,
    ending: AbortController,
  ) {
    this.connected = connected;
    this.closed = this.#closed.promise;
    this.#listener = listener;
    this.#sequence = firstSequence(options, connected);
    this.#ending = ending;
    this.#watchdog = new Watchdog(silenceLimitMs(options, connected), (reason) => this.#end(reason));
    this.#poster = new AckPoster(options, connected, listener, (reason) => this.#end(reason), ending.signal);
    this.#events = events;
  }

  get resumePoint(): string {
    return formatResumePoint({ connectionId: this.connected.connection_id, sequence: this.#sequence });
  }

  begin(): void {
    this.#read(this.#events);
  }

  report(report: Report): void {
    this.#poster.report(report);
  }

  stop(): void {
    this.#poster.stop();
  }

  async close(): Promise<void> {
    await within(CLOSE_TIMEOUT_MS, this.#poster.end());
    this.#end("The connector stops");
  }

  async #read(events: AsyncIterator<string>): Promise<void> {
    let reason = "The connection broke";
    try {
      for (let event = await events.next(); event.done !== true; event = await events.next()) {
        this.#watchdog.heard();
        const message = parseGatewayMessage(event.value);
        if (message?.type === "webhook") this.#sequence = message.sequence;
        reason = dispatch(message, this.#listener) ?? reason;
      }
    } catch (error) {
      reason = failureOf(error);
    }
    this.#end(reason);
  }

  #end(reason: string): void {
    this.#closed.resolve(reason);
    this.#watchdog[Symbol.dispose]();
    this.#ending.abort();
  }
}
