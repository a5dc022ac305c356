/**
 * The transport of connectors that may only send short requests.
 *
 * @module
 */

import type { ConnectedMessage, Report } from "../../relay/protocol/messages.ts";
import { formatResumePoint } from "../../relay/protocol/negotiate.ts";
import { parseGatewayMessage, parseGatewayMessages } from "../../relay/protocol/schema.ts";
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
  type StreamListener,
} from "./connection.ts";
import { within } from "../../time/within.ts";

/** How long a goodbye may take, in milliseconds. */
const CLOSE_TIMEOUT_MS = 2_000;

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

class PollConnection implements Connection {
  readonly connected: ConnectedMessage;
  readonly closed: Promise<string>;
  readonly #options: ConnectOptions;
  readonly #listener: StreamListener;
  readonly #closed = Promise.withResolvers<string>();
  readonly #ending = new AbortController();
  readonly #poster: AckPoster;
  readonly #firstAnswer: unknown;
  #sequence: number;
  #stopped = false;

  constructor(
    options: ConnectOptions,
    listener: StreamListener,
    connected: ConnectedMessage,
    firstAnswer: unknown,
  ) {
    this.connected = connected;
    this.closed = this.#closed.promise;
    this.#options = options;
    this.#listener = listener;
    this.#sequence = firstSequence(options, connected);
    const { signal } = this.#ending;
    this.#poster = new AckPoster(options, connected, listener, (reason) => this.#end(reason), signal);
    this.#firstAnswer = firstAnswer;
  }

  get resumePoint(): string {
    return formatResumePoint({ connectionId: this.connected.connection_id, sequence: this.#sequence });
  }

  begin(): void {
    this.#run(this.#firstAnswer);
  }

  report(report: Report): void {
    this.#poster.report(report);
  }

  stop(): void {
    this.#stopped = true;
    this.#poster.stop();
  }

  async close(): Promise<void> {
    await within(CLOSE_TIMEOUT_MS, this.#poster.end());
    this.#end("The connector stops");
  }

  async #run(firstAnswer: unknown): Promise<void> {
    const { heartbeat_interval_ms: heartbeatMs, connection_id: id } = this.connected;
    // The gateway takes a poll for a sign of life.
    const seconds = Math.min(MAX_POLL_SECONDS, heartbeatMs / 1000);
    const { signal } = this.#ending;
    try {
      // The first answer may hold messages that were handed out before a connection was lost.
      let reason = await this.#handOn(firstAnswer);
      while (reason === undefined && !signal.aborted && !this.#stopped) {
        const answer = await poll(this.#options, seconds, this.resumePoint, signal);
        if ("refusal" in answer) reason = answer.refusal;
        else if (answer.connected.connection_id !== id) reason = "The gateway has ended the session";
        else reason = await this.#handOn(answer.json);
      }
      if (reason !== undefined) this.#end(reason);
    } catch (error) {
      this.#end(failureOf(error));
    }
  }

  /** Returns the reason when the gateway has ended the connection. */
  #handOn(json: unknown): string | undefined {
    let reason: string | undefined;
    for (const message of parseGatewayMessages(json)) {
      if (message.type === "webhook") this.#sequence = message.sequence;
      reason = dispatch(message, this.#listener) ?? reason;
    }
    return reason;
  }

  #end(reason: string): void {
    this.#closed.resolve(reason);
    this.#ending.abort();
  }
}
