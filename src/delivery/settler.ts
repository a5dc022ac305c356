/**
 * Tells the journal what became of events, and does not give up: an outcome that the journal cannot take now
 * is told again, since an event whose outcome is lost is delivered twice.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";
import type { Deadlines } from "../deadlines.ts";
import { RateLimited } from "../observability/rate_limited.ts";
import type { AttemptFailure } from "./dead_letters.ts";
import type { EventMetrics } from "./event_metrics.ts";
import type { Journal, Lane, PendingEvent, Settlement } from "./journal.ts";

/** The pause before an outcome is told again, in milliseconds. */
const AGAIN_MS = 500;

/** What the settler works with. */
export interface SettlerOptions {
  readonly journal: Journal;
  readonly deadlines: Deadlines;
  readonly metrics: EventMetrics;
  readonly logger: Logger;
}

/** Settles events in the journal, the metrics and the log. */
export class Settler {
  readonly #options: SettlerOptions;
  readonly #reports = new RateLimited();
  #unsettled = 0;
  #lastDelivered: { readonly settled: Promise<void>; readonly sequences: number[] } | undefined;
  #stopped = false;
  #whenSettled: (() => void) | undefined;

  constructor(options: SettlerOptions) {
    this.#options = options;
  }

  /** Resolves when the outcome is in the journal, or when the settler was stopped. */
  async settle(settlement: Settlement): Promise<void> {
    this.#unsettled++;
    const { journal, deadlines } = this.#options;
    while (!this.#stopped) {
      try {
        await journal.settle(settlement);
        break;
      } catch (error) {
        this.journalFailed(error);
        await deadlines.wait(AGAIN_MS);
      }
    }
    this.#concluded();
  }

  #concluded(): void {
    this.#unsettled--;
    if (this.#unsettled === 0) this.#whenSettled?.();
  }

  /** The event is done. Those of one turn share a promise, since the journal takes them together or not at all. */
  delivered(sequence: number): void {
    const settled = this.#options.journal.settle({ sequence, state: "delivered" });
    if (settled === this.#lastDelivered?.settled) {
      this.#lastDelivered.sequences.push(sequence);
      return;
    }
    const together = { settled, sequences: [sequence] };
    this.#lastDelivered = together;
    this.#unsettled++;
    settled.then(() => this.#concluded(), (error) => {
      this.journalFailed(error);
      for (const again of together.sequences) this.settle({ sequence: again, state: "delivered" });
      this.#concluded();
    });
  }

  dead(lane: Lane, pending: PendingEvent, failure: AttemptFailure, progress: string | undefined): void {
    this.#report("warning", lane, pending.event.id, failure, "was given up and is a dead letter now");
    const settlement = { sequence: pending.sequence, state: "dead", failure } as const;
    this.settle(progress === undefined ? settlement : { ...settlement, progress });
  }

  /** An attempt failed. */
  failed(lane: Lane, eventId: string, failure: AttemptFailure, willRetry: boolean): void {
    this.#options.metrics.attemptFailed(lane, failure);
    if (willRetry) this.#report("info", lane, eventId, failure, "could not be delivered and is tried again");
  }

  journalFailed(error: unknown): void {
    this.#reports.run("journal", (suppressed) => {
      const { logger } = this.#options;
      logger.error("The journal does not answer as it should: it is asked again", { error, suppressed });
    });
  }

  /** Resolves when every outcome is in the journal. */
  async idle(): Promise<void> {
    if (this.#unsettled > 0) await new Promise<void>((resolve) => this.#whenSettled = resolve);
  }

  /** Gives up what could not be told: those events are delivered once more after the next start. */
  stop(): void {
    this.#stopped = true;
  }

  #report(
    level: "info" | "warning",
    { namespace, webhook }: Lane,
    eventId: string,
    failure: AttemptFailure,
    what: string,
  ): void {
    const name = `${namespace}/${webhook}`;
    this.#reports.run(`${name} ${failure.code} ${level}`, (suppressed) => {
      this.#options.logger[level](`An event of {webhook} ${what}: {code}`, {
        webhook: name,
        eventId,
        code: failure.code,
        reason: failure.message,
        ...(failure.connection === "" ? {} : { connection: failure.connection }),
        ...(suppressed > 0 ? { suppressed } : {}),
      });
    });
  }
}
