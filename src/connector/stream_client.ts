/**
 * Keeps a connection to the gateway: connects, hands messages on, and when the connection ends for whatever
 * reason connects again and goes on where it ended.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";
import type { Report } from "../relay/protocol/messages.ts";
import { Backoff, type BackoffOptions } from "../time/backoff.ts";
import type { Connect, Connection, ConnectOptions, StreamListener } from "./transports/connection.ts";
import type { ConnectorMetrics } from "./metrics.ts";
import { pause } from "../time/abortable.ts";

/** A connection that lasted this long has proved that all is well, in milliseconds. */
const HEALTHY_MS = 10_000;

/** What helps where a proxy cannot be changed. */
const OTHER_KINDS = "Where that cannot be changed, set `protocol` to `auto`";

/** How a {@linkcode StreamClient} connects, and how long it pauses between two connections. */
export interface StreamClientOptions {
  readonly connect: Connect;
  readonly options: Omit<ConnectOptions, "resume">;
  readonly reconnect: BackoffOptions;
  readonly metrics: ConnectorMetrics;
  readonly logger: Logger;
}

/** Gets what arrives, and learns that a new connection begins. */
export interface ClientListener extends StreamListener {
  reconnected(resumed: boolean): void;
}

/** The connector's connection to its gateway, which is made again whenever it ends. */
export class StreamClient {
  readonly #options: StreamClientOptions;
  readonly #backoff: Backoff;
  #connection: Connection | undefined;
  #resume: string | undefined;
  #stopped = false;

  constructor(options: StreamClientOptions) {
    this.#options = options;
    this.#backoff = new Backoff(options.reconnect);
  }

  get isConnected(): boolean {
    return this.#connection !== undefined;
  }

  /** Connects again and again until the signal aborts or {@linkcode close} is called. Never rejects. */
  async run(listener: ClientListener, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && !this.#stopped) {
      await this.#connectOnce(listener, signal);
      if (signal.aborted || this.#stopped) return;
      await pause(this.#backoff.next(), signal); // The loop sees the abortion.
    }
  }

  /** Without a connection the report is lost; the processor repeats it on the next one. */
  report(report: Report): void {
    this.#connection?.report(report);
  }

  /** Asks the gateway for nothing more. */
  stop(): void {
    this.#connection?.stop();
  }

  /** Says goodbye, and does not connect again. */
  async close(): Promise<void> {
    this.#stopped = true;
    await this.#connection?.close();
  }

  async #connectOnce(listener: ClientListener, signal: AbortSignal): Promise<void> {
    const { connect, options, metrics, logger } = this.#options;
    const { channel, cloudUrl } = options;
    const opened = await connect({ ...options, resume: this.#resume }, listener, signal);
    if ("refusal" in opened) {
      if (signal.aborted) return;
      metrics.refused();
      logger.warning("Cannot connect to channel {channel} of {gateway}: {reason}", {
        channel,
        gateway: cloudUrl,
        reason: opened.isBlocked === true ? `${opened.refusal}. ${OTHER_KINDS}` : opened.refusal,
      });
      return;
    }
    if (signal.aborted || this.#stopped) return await opened.connection.close();
    const startedAt = performance.now();
    const connection = this.#connection = opened.connection;
    const { connected } = connection;
    metrics.connected();
    logger.info("Connected to channel {channel} of {gateway} as {connection}", {
      channel,
      gateway: cloudUrl,
      connection: connected.connection_id,
      protocol: connected.protocol,
      server: connected.server,
      resumed: connected.resumed,
    });
    if (opened.substitute !== undefined) {
      logger.warning("The connection is by {kind}, since better ones do not come through: {reason}", {
        ...opened.substitute,
      });
    }
    listener.reconnected(connected.resumed);
    connection.begin();
    const reason = await connection.closed;
    this.#connection = undefined;
    this.#resume = connection.resumePoint;
    if (performance.now() - startedAt >= HEALTHY_MS) this.#backoff.reset();
    logger.info("Disconnected from channel {channel}: {reason}", { channel, reason });
  }
}
