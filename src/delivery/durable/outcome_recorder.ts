/**
 * Records outcomes of events in the journal. One that the journal cannot take now is tried again until it is
 * recorded, since an event whose outcome is lost is delivered twice.
 *
 * @module
 */

import { assertCount } from "../../errors.ts";
import type { Logger } from "@logtape/logtape";
import type { Deadlines } from "../../time/deadlines.ts";
import { ReportLimiter } from "../../observability/report_limiter.ts";
import type { AttemptFailure } from "../../dead_letters/dead_letters.ts";
import type { EventMetrics } from "../event_metrics.ts";
import type { Journal, LaneKey, PendingEvent, Settlement } from "../../journal/journal.ts";

/** The pause before an outcome is recorded again, in milliseconds. */
const AGAIN_MS = 500;

/** Where an {@linkcode OutcomeRecorder} records outcomes. */
export interface OutcomeRecorderOptions {
  readonly journal: Journal;
  readonly deadlines: Deadlines;
  readonly metrics: EventMetrics;
  readonly logger: Logger;
}

/** Whose event was delivered. */
export interface DeliveryOwner {
  /** The journal knows that the event was delivered. */
  onDelivered(): void;
}

/** Delivered events that were handed to the journal in one turn. */
interface DeliveredTogether {
  readonly settled: Promise<void>;
  readonly sequences: number[];
  readonly owners: DeliveryOwner[];
}

/** Settles events in the journal, the metrics and the log. */
export class OutcomeRecorder {
  readonly #options: OutcomeRecorderOptions;
  readonly #reports = new ReportLimiter();
  #unsettled = 0;
  #lastDelivered: DeliveredTogether | undefined;
  #stopped = false;
  #whenSettled: (() => void) | undefined;

  constructor(options: OutcomeRecorderOptions) {
    this.#options = options;
  }

  /** Resolves with `true` when the outcome is in the journal, or with `false` when the recorder was stopped. */
  async settle(settlement: Settlement): Promise<boolean> {
    this.#unsettled++;
    const { journal, deadlines } = this.#options;
    let isSettled = false;
    while (!this.#stopped && !isSettled) {
      try {
        await journal.settle(settlement);
        isSettled = true;
      } catch (error) {
        this.journalFailed(error);
        await deadlines.wait(AGAIN_MS);
      }
    }
    this.#concluded();
    return isSettled;
  }

  #concluded(): void {
    this.#unsettled = assertCount(this.#unsettled - 1, "outcomes that are being recorded");
    if (this.#unsettled === 0) this.#whenSettled?.();
  }

  /**
   * The event is done. Those of one turn share a promise, since the journal takes them together or not at all.
   *
   * @param owner notified when the journal has it: until then the event is pending, and may be delivered once more
   */
  delivered(sequence: number, owner: DeliveryOwner): void {
    const settled = this.#options.journal.settle({ sequence, state: "delivered" });
    if (settled === this.#lastDelivered?.settled) {
      this.#lastDelivered.sequences.push(sequence);
      this.#lastDelivered.owners.push(owner);
      return;
    }
    const together = { settled, sequences: [sequence], owners: [owner] };
    this.#lastDelivered = together;
    this.#unsettled++;
    settled.then(() => {
      for (const each of together.owners) each.onDelivered();
      this.#concluded();
    }, (error) => {
      this.journalFailed(error);
      for (const [index, again] of together.sequences.entries()) {
        this.#deliveredAfterAll(again, together.owners[index]!);
      }
      this.#concluded();
    });
  }

  async #deliveredAfterAll(sequence: number, owner: DeliveryOwner): Promise<void> {
    if (await this.settle({ sequence, state: "delivered" })) owner.onDelivered();
  }

  /** The event is given up. Resolves as {@linkcode settle} does. */
  dead(
    lane: LaneKey,
    pending: PendingEvent,
    failure: AttemptFailure,
    progress: string | undefined,
  ): Promise<boolean> {
    this.#report("warning", lane, pending.event.id, failure, "was given up and is a dead letter now");
    const settlement = { sequence: pending.sequence, state: "dead", failure } as const;
    return this.settle(progress === undefined ? settlement : { ...settlement, progress });
  }

  /** An attempt failed. */
  failed(lane: LaneKey, eventId: string, failure: AttemptFailure, willRetry: boolean): void {
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

  /** Gives up what could not be recorded: those events are delivered once more after the next start. */
  stop(): void {
    this.#stopped = true;
  }

  #report(
    level: "info" | "warning",
    { namespace, webhook }: LaneKey,
    eventId: string,
    failure: AttemptFailure,
    what: string,
  ): void {
    const name = `${namespace}/${webhook}`;
    this.#reports.run(`${name} ${failure.code} ${level}`, (suppressed) => {
      this.#options.logger[level](`An event of {namespace}/{webhook} ${what}: {code}`, {
        namespace,
        webhook,
        eventId,
        code: failure.code,
        reason: failure.message,
        ...(failure.connection === "" ? {} : { connection: failure.connection }),
        ...(suppressed > 0 ? { suppressed } : {}),
      });
    });
  }
}
