/**
 * The transport of connectors that may only send short requests.
 *
 * @module
 */

import type { ConnectedMessage } from "../../relay/protocol/messages.ts";
import { parseGatewayMessage, parseGatewayMessages } from "../../relay/protocol/schema.ts";
import {
  addressOf,
  type ConnectOptions,
  failureOf,
  type Opened,
  refusalOf,
  requestHeaders,
  type StreamListener,
} from "./connection.ts";
import { OneWayConnection } from "./one_way.ts";

/** Messages that one poll asks for: they stand in one answer, so few. */
const MAX_MESSAGES = 16;

/** The longest poll, in seconds. */
const MAX_POLL_SECONDS = 30;

/** Connects by long poll: the first poll opens the session, each further one goes on with it. */
export async function connectLongPoll(
  options: ConnectOptions,
  listener: StreamListener,
  signal: AbortSignal,
): Promise<Opened> {
  try {
    const answer = await poll(options, 0, options.resume, signal);
    if ("refusal" in answer) return answer;
    return { connection: new PollConnection(options, listener, answer.connected, answer.json) };
  } catch (error) {
    return { refusal: failureOf(error) };
  }
}

type PollAnswer =
  | { readonly connected: ConnectedMessage; readonly json: unknown }
  | { readonly refusal: string };

async function poll(
  options: ConnectOptions,
  seconds: number,
  resume: string | undefined,
  signal: AbortSignal,
): Promise<PollAnswer> {
  const answerTimeMs = Math.min(options.connectionTimeoutMs, options.heartbeatTimeoutMs);
  const query = `/poll?timeout=${seconds}&max_messages=${MAX_MESSAGES}`;
  const response = await fetch(addressOf(options, "stream", query), {
    headers: requestHeaders({ ...options, resume }),
    client: options.client,
    signal: AbortSignal.any([signal, AbortSignal.timeout(seconds * 1000 + answerTimeMs)]),
  });
  if (!response.ok) return { refusal: await refusalOf(response) };
  const text = await response.text();
  const connected = parseGatewayMessage(text);
  return connected?.type === "connected"
    ? { connected, json: JSON.parse(text) }
    : { refusal: "The gateway's answer to a poll is not 'connected'" };
}

class PollConnection extends OneWayConnection {
  readonly #options: ConnectOptions;
  readonly #signal: AbortSignal;
  readonly #firstAnswer: unknown;
  #stopped = false;

  constructor(
    options: ConnectOptions,
    listener: StreamListener,
    connected: ConnectedMessage,
    firstAnswer: unknown,
  ) {
    const ending = new AbortController();
    super(options, listener, connected, ending);
    this.#options = options;
    this.#signal = ending.signal;
    this.#firstAnswer = firstAnswer;
  }

  override begin(): void {
    this.#run(this.#firstAnswer);
  }

  override stop(): void {
    this.#stopped = true;
    super.stop();
  }

  async #run(firstAnswer: unknown): Promise<void> {
    const { heartbeat_interval_ms: heartbeatMs, connection_id: id } = this.connected;
    // The gateway takes a poll for a sign of life.
    const seconds = Math.min(MAX_POLL_SECONDS, heartbeatMs / 1000);
    const signal = this.#signal;
    try {
      // The first answer may hold messages that were handed out before a connection was lost.
      let reason = this.#handOn(firstAnswer);
      while (reason === undefined && !signal.aborted && !this.#stopped) {
        const answer = await poll(this.#options, seconds, this.resumePoint, signal);
        if ("refusal" in answer) reason = answer.refusal;
        else if (answer.connected.connection_id !== id) reason = "The gateway has ended the session";
        else reason = this.#handOn(answer.json);
      }
      if (reason !== undefined) this.end(reason);
    } catch (error) {
      this.end(failureOf(error));
    }
  }

  /** Returns the reason when the gateway has ended the connection. */
  #handOn(json: unknown): string | undefined {
    let reason: string | undefined;
    for (const message of parseGatewayMessages(json)) reason = this.received.take(message) ?? reason;
    return reason;
  }
}
