/**
 * The transport of connectors over Server-Sent Events.
 *
 * @module
 */

import type { ConnectedMessage } from "../../relay/protocol/messages.ts";
import { parseGatewayMessage } from "../../relay/protocol/schema.ts";
import {
  addressOf,
  type ConnectOptions,
  failureOf,
  type Opened,
  refusalOf,
  requestHeaders,
  silenceLimitMs,
  type StreamListener,
  Watchdog,
} from "./connection.ts";
import { OneWayConnection } from "./one_way.ts";
import { dataOfEvents } from "./sse_parser.ts";

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

class EventStreamConnection extends OneWayConnection {
  readonly #events: AsyncIterator<string>;
  readonly #watchdog: Watchdog;

  constructor(
    options: ConnectOptions,
    listener: StreamListener,
    connected: ConnectedMessage,
    events: AsyncIterator<string>,
    ending: AbortController,
  ) {
    super(options, listener, connected, ending);
    this.#watchdog = new Watchdog(silenceLimitMs(options, connected), (reason) => this.end(reason));
    this.#events = events;
  }

  override begin(): void {
    this.#read(this.#events);
  }

  protected override end(reason: string): void {
    this.#watchdog[Symbol.dispose]();
    super.end(reason);
  }

  async #read(events: AsyncIterator<string>): Promise<void> {
    let reason = "The connection broke";
    try {
      for (let event = await events.next(); event.done !== true; event = await events.next()) {
        this.#watchdog.heard();
        reason = this.received.take(parseGatewayMessage(event.value)) ?? reason;
      }
    } catch (error) {
      reason = failureOf(error);
    }
    this.end(reason);
  }
}
