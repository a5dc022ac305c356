/**
 * Connections on which messages come one way only, so that reports are requests of their own.
 *
 * @module
 */

import type { ConnectedMessage, Report } from "../../relay/protocol/messages.ts";
import { within } from "../../time/within.ts";
import { AckPoster } from "./ack_poster.ts";
import { CLOSE_TIMEOUT_MS, type Connection, type ConnectOptions, type StreamListener } from "./connection.ts";
import { ReceivedMessages } from "./received_messages.ts";

/** All of a connection but how its messages come. */
export abstract class OneWayConnection implements Connection {
  readonly connected: ConnectedMessage;
  readonly closed: Promise<string>;
  protected readonly received: ReceivedMessages;
  readonly #closed = Promise.withResolvers<string>();
  readonly #ending: AbortController;
  readonly #poster: AckPoster;

  /** @param ending is aborted at the end; the requests under way end with it */
  constructor(
    options: ConnectOptions,
    listener: StreamListener,
    connected: ConnectedMessage,
    ending: AbortController,
  ) {
    this.connected = connected;
    this.closed = this.#closed.promise;
    this.received = new ReceivedMessages(options, listener, connected);
    this.#ending = ending;
    this.#poster = new AckPoster(options, connected, listener, (reason) => this.end(reason), ending.signal);
  }

  get resumePoint(): string {
    return this.received.resumePoint;
  }

  abstract begin(): void;

  report(report: Report): void {
    this.#poster.report(report);
  }

  stop(): void {
    this.#poster.stop();
  }

  async close(): Promise<void> {
    await within(CLOSE_TIMEOUT_MS, this.#poster.end());
    this.end("The connector stops");
  }

  /** The connection has ended. */
  protected end(reason: string): void {
    this.#closed.resolve(reason);
    this.#ending.abort();
  }
}
