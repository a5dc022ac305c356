/**
 * Reports that go to the gateway together.
 *
 * @module
 */

import type { Report } from "../../relay/protocol/messages.ts";
import { NextTurn } from "../../time/next_turn.ts";

/** How long an acknowledgement waits for others, in milliseconds. */
const MOST_WAIT_MS = 5;

/** Reports that are sent without waiting for more. */
const ENOUGH = 64;

/** Which share of the window may wait: the gateway is to have its places back before it needs them. */
const SHARE_OF_WINDOW = 1 / 4;

/**
 * Collects reports for a moment. What the gateway must hear at once does not wait: that a message goes back, and that
 * the last one that the connector holds was dealt with.
 */
export class ReportBatch implements Disposable {
  readonly #enough: number;
  readonly #send: (reports: readonly Report[]) => void;
  readonly #nextTurn = new NextTurn(() => this.flush());
  #waiting: Report[] = [];
  /** Messages that have come and of which nothing was said yet. */
  #open = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param window messages that may be unacknowledged at once
   * @param send takes what was collected
   */
  constructor(window: number, send: (reports: readonly Report[]) => void) {
    this.#enough = Math.max(1, Math.min(ENOUGH, Math.floor(window * SHARE_OF_WINDOW)));
    this.#send = send;
  }

  /** So many messages have come. */
  received(count: number): void {
    this.#open += count;
  }

  add(report: Report): void {
    this.#waiting.push(report);
    // Some reports are repeated: of a message of a former connection.
    this.#open = Math.max(0, this.#open - 1);
    if (report.type === "nack" || this.#open === 0 || this.#waiting.length >= this.#enough) {
      this.#nextTurn.ask();
    } else this.#timer ??= setTimeout(() => this.flush(), MOST_WAIT_MS);
  }

  /** Sends what waits now. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const reports = this.#waiting;
    if (reports.length === 0) return;
    this.#waiting = [];
    this.#send(reports);
  }

  /** Forgets what waits: the connection has ended. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#waiting = [];
  }
}
