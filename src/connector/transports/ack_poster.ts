/**
 * Reports over HTTP, for streams that go one way only. Reports that wait for an answer are sent together;
 * what the gateway has not confirmed is sent again.
 *
 * @module
 */

import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import type { AckRequest, Report } from "../../relay/protocol/messages.ts";
import {
  type ConnectOptions,
  failureOf,
  refusalOf,
  requestHeaders,
  type StreamListener,
} from "./connection.ts";

/** Reports in one request. */
const MAX_REPORTS = 1_000;

/** The pause before a request that failed is repeated, in milliseconds. */
const RETRY_MS = 250;

/** The result of one request: confirmed, worth repeating, or the end of the connection with the reason. */
type Outcome = "done" | "again" | { readonly lost: string };

/** Sends the reports of one connection over HTTP, several in one request, until the gateway has confirmed each. */
export class AckPoster {
  readonly #options: ConnectOptions;
  readonly #connectionId: string;
  readonly #listener: StreamListener;
  readonly #onLost: (reason: string) => void;
  readonly #signal: AbortSignal;
  readonly #heartbeats: ReturnType<typeof setInterval>;
  #queue: Report[] = [];
  #stop = false;
  #end = false;
  #beat = false;
  #posting: Promise<void> | undefined;

  /** @param signal aborts when the connection has ended */
  constructor(
    options: ConnectOptions,
    connection: { readonly connection_id: string; readonly heartbeat_interval_ms: number },
    listener: StreamListener,
    onLost: (reason: string) => void,
    signal: AbortSignal,
  ) {
    this.#options = options;
    this.#connectionId = connection.connection_id;
    this.#listener = listener;
    this.#onLost = onLost;
    this.#signal = signal;
    this.#heartbeats = setInterval(() => {
      this.#beat = true;
      this.#post();
    }, connection.heartbeat_interval_ms);
    signal.addEventListener("abort", () => clearInterval(this.#heartbeats), { once: true });
  }

  report(report: Report): void {
    this.#queue.push(report);
    this.#post();
  }

  stop(): void {
    this.#stop = true;
    this.#post();
  }

  /** Sends what is left, and that the connection ends. */
  async end(): Promise<void> {
    this.#end = true;
    this.#post();
    await this.#posting;
  }

  #post(): void {
    this.#posting ??= this.#run().finally(() => {
      this.#posting = undefined;
      if (this.#queue.length > 0 && !this.#signal.aborted) this.#post();
    });
  }

  async #run(): Promise<void> {
    // What else is reported in this turn of the event loop goes along.
    await nextTurn();
    while (!this.#signal.aborted && (this.#queue.length > 0 || this.#beat || this.#stop || this.#end)) {
      const messages = this.#queue.slice(0, MAX_REPORTS);
      const stop = this.#stop;
      const end = this.#end && messages.length === this.#queue.length;
      this.#beat = false;
      const outcome = await this.#send({
        channel: this.#options.channel,
        connection_id: this.#connectionId,
        messages,
        ...(stop ? { stop } : {}),
        ...(end ? { end } : {}),
      });
      if (outcome === "done") {
        this.#queue = this.#queue.slice(messages.length);
        // What was asked for while the request was under way is still to be sent.
        if (stop) this.#stop = false;
        if (end) this.#end = false;
      } else if (outcome === "again") await sleep(RETRY_MS);
      else {
        this.#onLost(outcome.lost);
        return;
      }
    }
  }

  async #send(request: AckRequest): Promise<Outcome> {
    try {
      const response = await fetch(`${this.#options.cloudUrl}/connect/ack`, {
        method: "POST",
        headers: requestHeaders(this.#options),
        body: JSON.stringify(request),
        client: this.#options.client,
        signal: AbortSignal.any([this.#signal, AbortSignal.timeout(this.#options.ackTimeoutMs)]),
      });
      if (response.ok) {
        const { paused } = await response.json() as { readonly paused?: number };
        if (paused !== undefined) {
          this.#listener.paused(request.messages.map((one) => one.message_id), paused);
        }
        return "done";
      }
      const reason = await refusalOf(response);
      return response.status >= 500 ? "again" : { lost: reason };
    } catch (error) {
      return this.#signal.aborted ? { lost: failureOf(error) } : "again";
    }
  }
}
