/**
 * What is counted of the events of the journal.
 *
 * @module
 */

import type { Counter, Family, Metrics, Reading } from "../observability/metrics.ts";
import type { AttemptFailure } from "../dead_letters/dead_letters.ts";
import type { JournalStats, LaneKey } from "../journal/journal.ts";

/** Whose events those of webhooks that are not configured any more count as. */
const NO_WEBHOOK: LaneKey = { namespace: "_unknown", webhook: "_unknown" };

/**
 * Counts the events of the journal. Every event that was accepted ends as `delivered`, `dead_letter` or `unrouted`,
 * or is pending: since the first start, accepted and replayed ones = delivered + dead letters + unrouted + pending.
 */
export class EventMetrics {
  readonly #accepted: Family<Counter, readonly ["namespace", "webhook"]>;
  readonly #ended: Family<Counter, readonly ["namespace", "webhook", "outcome"]>;
  readonly #failed: Family<Counter, readonly ["namespace", "webhook", "code"]>;
  readonly #isConfigured: (lane: LaneKey) => boolean;

  /**
   * @param stats of the journal, asked at each scrape; `undefined` while there is none
   * @param isConfigured whether there is such a webhook now: only those have series of their own
   */
  constructor(
    metrics: Metrics,
    stats: () => JournalStats | undefined,
    isConfigured: (lane: LaneKey) => boolean = () => true,
  ) {
    this.#isConfigured = isConfigured;
    const labels = ["namespace", "webhook"] as const;
    this.#accepted = metrics.counter("cwm_events_accepted_total", "Events written to the journal.", labels);
    this.#ended = metrics.counter(
      "cwm_events_ended_total",
      "Events of the journal by their end: delivered, dead_letter, or unrouted where no output was to take them.",
      [...labels, "outcome"],
    );
    this.#failed = metrics.counter(
      "cwm_delivery_attempts_failed_total",
      "Attempts to deliver an event of the journal that failed.",
      [...labels, "code"],
    );
    const gauge = (name: string, help: string, read: (stats: JournalStats) => number | Reading[]) =>
      metrics.gaugeFrom(name, help, () => {
        const current = stats();
        return current === undefined ? 0 : read(current);
      });
    gauge(
      "cwm_events_pending",
      "Events of the journal that this instance has not delivered yet.",
      // No number rather than a wrong one.
      ({ pending }) => pending ?? [],
    );
    gauge(
      "cwm_events_oldest_pending_seconds",
      "Age of the oldest event that is not delivered yet.",
      ({ pending, oldestAgeMs = 0 }) => pending === undefined ? [] : oldestAgeMs / 1000,
    );
    gauge("cwm_dead_letters", "Events that were given up.", ({ deadLetters }) => deadLetters);
    metrics.counterFrom(
      "cwm_dead_letters_total",
      "Events that became dead letters since the start.",
      () => stats()?.buried ?? 0,
    );
    gauge("cwm_journal_bytes", "Size of the journal on disk.", ({ bytes }) => bytes);
    gauge(
      "cwm_journal_webhook_bytes",
      "What a webhook holds of the journal, where that is over a hundredth of JOURNAL_MAX_BYTES.",
      ({ holders }) =>
        holders.filter(isConfigured).map(({ namespace, webhook, bytes }) => [{ namespace, webhook }, bytes]),
    );
    gauge("cwm_journal_waiting", "Operations that wait for the next commit.", ({ waiting }) => waiting);
  }

  /** The counters of one webhook, to be looked up whenever it comes or goes. */
  of(lane: LaneKey): WebhookCounters {
    const { namespace, webhook } = this.#named(lane);
    const ended = this.#ended;
    return {
      accepted: this.#accepted.with(namespace, webhook),
      delivered: this.#ended.with(namespace, webhook, "delivered"),
      dead: this.#ended.with(namespace, webhook, "dead_letter"),
      get unrouted() {
        return ended.with(namespace, webhook, "unrouted");
      },
    };
  }

  attemptFailed(lane: LaneKey, { code }: AttemptFailure): void {
    const { namespace, webhook } = this.#named(lane);
    this.#failed.with(namespace, webhook, code).increment();
  }

  /** The webhook was removed: its series go. Later outcomes of its events count for no webhook. */
  forget({ namespace, webhook }: LaneKey): void {
    this.#accepted.remove(namespace, webhook);
    this.#ended.removeEach([namespace, webhook]);
    this.#failed.removeEach([namespace, webhook]);
  }

  #named(lane: LaneKey): LaneKey {
    return this.#isConfigured(lane) ? lane : NO_WEBHOOK;
  }
}

/** What is counted of every event of a webhook. */
export interface WebhookCounters {
  readonly accepted: Counter;
  readonly delivered: Counter;
  readonly dead: Counter;
  /** Made when it is first asked for: few webhooks have such events. */
  readonly unrouted: Counter;
}
