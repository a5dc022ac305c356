/**
 * `MAX_CONNECTIONS`. The runtime neither counts connections nor closes one, so the system is asked how many there
 * are, and as many requests as there are connections too many are refused: each of them closes its own. Gateways that
 * share a port (`REUSE_PORT`) see the connections of all of them, and each refuses its part.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";
import { ConnectionTable } from "../io/server/connection_table.ts";
import { ReportLimiter } from "../observability/report_limiter.ts";
import type { InFlight } from "./in_flight.ts";

/** How often connections are counted, in milliseconds. */
const COUNT_MS = 500;

/** The bound of a connection limit, and how connections are counted. */
export interface ConnectionLimitOptions {
  /** The port whose connections count. */
  readonly port: number;
  /** How many may be open at once. */
  readonly most: number;
  readonly inFlight: InFlight;
  readonly logger: Logger;
}

/** Counts connections and has requests refused until it is disposed. */
export class ConnectionLimit implements AsyncDisposable {
  readonly #options: ConnectionLimitOptions;
  readonly #table: ConnectionTable;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #reports = new ReportLimiter();
  #counting: Promise<void> | undefined;
  #disposed = false;

  constructor(options: ConnectionLimitOptions) {
    this.#options = options;
    this.#table = new ConnectionTable(options.port);
    this.#timer = setInterval(() => {
      this.#counting ??= this.#count().finally(() => this.#counting = undefined);
    }, COUNT_MS);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    clearInterval(this.#timer);
    this.#options.inFlight.refuseNext(0);
    await this.#counting;
  }

  async #count(): Promise<void> {
    const { most, inFlight, logger } = this.#options;
    try {
      const { remotePorts: { length: count }, listeners } = await this.#table.read();
      if (this.#disposed) return;
      inFlight.refuseNext(Math.ceil(Math.max(0, count - most) / Math.max(1, listeners)));
      if (count > most) {
        this.#reports.run(
          "many",
          () =>
            logger.warning("{count} connections are open, more than MAX_CONNECTIONS: requests are refused", {
              count,
              most,
            }),
        );
      }
    } catch (error) {
      this.#reports.run(
        "unknown",
        () => logger.error("Connections cannot be counted, so that MAX_CONNECTIONS has no effect", { error }),
      );
    }
  }
}
