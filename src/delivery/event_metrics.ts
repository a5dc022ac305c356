import type { Counter, Family, Metrics } from "../observability/metrics.ts";
import type { AttemptFailure } from "./dead_letters.ts";
import type { JournalStats, Lane } from "./journal.ts";

/**
 * Counts the events of the journal. Every event that was accepted ends as `delivered` or `dead_letter`, or is
 * pending: since the first start, accepted and replayed ones = delivered + dead letters + pending.
 */
export class EventMetrics {
  readonly #accepted: Family<Counter, readonly ["namespace", "webhook"]>;
  readonly #ended: Family<Counter, readonly ["namespace", "webhook", "outcome"]>;
  readonly #failed: Family<Counter, readonly ["namespace", "webhook", "code"]>;

  /** @param stats of the journal, asked at each scrape; `undefined` while there is none */
  constructor(metrics: Metrics, stats: () => JournalStats | undefined) {
    const labels = ["namespace", "webhook"] as const;
    this.#accepted = metrics.counter("cwm_events_accepted_total", "Events written to the journal.", labels);
    this.#ended = metrics.counter(
      "cwm_events_ended_total",
      "Events of the journal by their end: delivered or dead_letter.",
      [...labels, "outcome"],
    );
    this.#failed = metrics.counter(
      "cwm_delivery_attempts_failed_total",
      "Attempts to deliver an event of the journal that failed.",
      [...labels, "code"],
    );
    const gauge = (name: string, help: string, read: (stats: JournalStats) => number) =>
      metrics.gaugeFrom(name, help, () => {
        const current = stats();
        return current === undefined ? 0 : read(current);
      });
    gauge(
      "cwm_events_pending",
      "Events of the journal that are not delivered yet.",
      ({ pending }) => pending,
    );
    gauge(
      "cwm_events_oldest_pending_seconds",
      "Age of the oldest event that is not delivered yet.",
      ({ oldestReceivedAt }) =>
        oldestReceivedAt === undefined ? 0 : Math.max(0, (Date.now() - oldestReceivedAt) / 1000),
    );
    gauge("cwm_dead_letters", "Events that were given up.", ({ deadLetters }) => deadLetters);
    gauge("cwm_journal_bytes", "Size of the journal on disk.", ({ bytes }) => bytes);
    gauge("cwm_journal_waiting", "Operations that wait for the next commit.", ({ waiting }) => waiting);
  }

  /** The counters of one webhook, to be looked up once. */
  of({ namespace, webhook }: Lane): WebhookCounters {
    return {
      accepted: this.#accepted.with(namespace, webhook),
      delivered: this.#ended.with(namespace, webhook, "delivered"),
      dead: this.#ended.with(namespace, webhook, "dead_letter"),
    };
  }

  attemptFailed({ namespace, webhook }: Lane, { code }: AttemptFailure): void {
    this.#failed.with(namespace, webhook, code).increment();
  }
}

/** What is counted of every event of a webhook. */
export interface WebhookCounters {
  readonly accepted: Counter;
  readonly delivered: Counter;
  readonly dead: Counter;
}
