/**
 * What is counted of the events of the journal.
 *
 * @module
 */

import type { Counter, Histogram, Metrics, Reading } from "../observability/metrics.ts";
import {
  boundReadings,
  type NamedSeries,
  SeriesNames,
  UNKNOWN,
  type WebhookFamily,
} from "../observability/webhook_series.ts";
import type { AttemptFailure } from "../dead_letters/dead_letters.ts";
import type { JournalStats, LaneKey } from "../journal/journal.ts";

/** Whose events those of webhooks that are not configured any more count as. */
const NO_WEBHOOK: LaneKey = { namespace: UNKNOWN, webhook: UNKNOWN };

/** Bounds of the time that deliveries take, in seconds: of one attempt, and of an outage. */
const DELIVERY_BUCKETS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60, 600, 3_600, 86_400];

/**
 * Counts the events of the journal. Every event that was accepted ends as `delivered`, `dead_letter` or `unrouted`,
 * or is pending: since the first start, accepted and replayed ones = delivered + dead letters + unrouted + pending.
 */
export class EventMetrics {
  readonly #accepted: WebhookFamily<Counter>;
  readonly #ended: WebhookFamily<Counter>;
  readonly #failed: WebhookFamily<Counter>;
  /** How long events took from their receipt until all their outputs had taken them. */
  readonly deliveries: WebhookFamily<Histogram>;
  readonly #isConfigured: (lane: LaneKey) => boolean;
  readonly #names: SeriesNames;

  /**
   * @param stats of the journal, asked at each scrape; `undefined` while there is none
   * @param isConfigured whether there is such a webhook now: only those have series of their own
   * @param names which of those have. @default all
   */
  constructor(
    metrics: Metrics,
    stats: () => JournalStats | undefined,
    isConfigured: (lane: LaneKey) => boolean = () => true,
    names: SeriesNames = new SeriesNames(),
  ) {
    this.#isConfigured = isConfigured;
    this.#names = names;
    this.#accepted = metrics.webhookCounter(
      "cwm_events_accepted_total",
      "Events written to the journal.",
      names,
    );
    this.#ended = metrics.webhookCounter(
      "cwm_events_ended_total",
      "Events of the journal by their end: delivered, dead_letter, or unrouted where no output was to take them.",
      names,
      ["outcome"],
    );
    this.#failed = metrics.webhookCounter(
      "cwm_delivery_attempts_failed_total",
      "Attempts to deliver an event of the journal that failed.",
      names,
      ["code"],
    );
    this.deliveries = metrics.webhookHistogram(
      "cwm_delivery_duration_seconds",
      "Time from the receipt of an event until its outputs had taken it, with all waiting and repeats.",
      names,
      DELIVERY_BUCKETS,
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
        boundReadings(names, holders.filter(isConfigured).map((holder) => [holder, holder.bytes] as const)),
    );
    gauge("cwm_journal_waiting", "Operations that wait for the next commit.", ({ waiting }) => waiting);
  }

  /**
   * Shows what waits, by webhook. To be called once.
   *
   * @param waiting what is known of webhooks with events that wait, asked at each scrape
   * @param deadLetters of webhooks that have any
   */
  showWaiting(
    metrics: Metrics,
    waiting: () => Iterable<WaitingEvents>,
    deadLetters: () => Iterable<LaneCount>,
  ): void {
    metrics.gaugeFrom(
      "cwm_webhook_events_pending",
      "Events of the journal that this instance has not delivered yet, by webhook.",
      () => this.#gauge(waiting(), ({ pending }) => pending),
    );
    metrics.gaugeFrom(
      "cwm_webhook_oldest_pending_seconds",
      "Age of a webhook's oldest event that is not delivered yet, as looked up at the scrape before.",
      () =>
        this.#gauge(
          waiting(),
          ({ pending, oldestAgeMs }) => pending === 0 ? 0 : oldestSeconds(oldestAgeMs),
          Math.max,
        ),
    );
    metrics.gaugeFrom(
      "cwm_webhook_dead_letters",
      "Dead letters that are kept, by webhook.",
      () => this.#gauge(deadLetters(), ({ count }) => count),
    );
  }

  /** Of webhooks that nothing is known of, but that have had events, it is 0. */
  #gauge<Kind extends LaneKey>(
    known: Iterable<Kind>,
    valueOf: (one: Kind) => number | undefined,
    together?: (one: number, other: number) => number,
  ): Reading[] {
    const values = new Map<string, [NamedSeries, number | undefined]>();
    for (const lane of this.#accepted.known()) values.set(`${lane.namespace}/${lane.webhook}`, [lane, 0]);
    for (const one of known) {
      const { namespace, webhook } = this.#named(one);
      const path = `${namespace}/${webhook}`;
      const value = valueOf(one);
      const before = namespace === UNKNOWN ? values.get(path)?.[1] : undefined;
      const sum = value === undefined || before === undefined ? value : (together ?? plus)(before, value);
      values.set(path, [{ namespace, webhook }, sum]);
    }
    const readings = Array.from(
      values.values(),
      ([name, value]) => value === undefined ? [] : [[name, value] as const],
    );
    return boundReadings(this.#names, readings.flat(), together);
  }

  /** The counters of one webhook, to be looked up whenever it comes or goes. */
  of(lane: LaneKey): WebhookCounters {
    const { namespace, webhook } = this.#named(lane);
    const ended = this.#ended;
    return {
      accepted: this.#accepted.with(namespace, webhook),
      delivered: this.#ended.with(namespace, webhook, "delivered"),
      dead: this.#ended.with(namespace, webhook, "dead_letter"),
      seconds: this.deliveries.with(namespace, webhook),
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
    const name = { namespace, webhook };
    for (const family of [this.#accepted, this.#ended, this.#failed, this.deliveries]) family.forget(name);
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
  /** From the receipt of an event to its delivery. */
  readonly seconds: Histogram;
  /** Made when it is first asked for: few webhooks have such events. */
  readonly unrouted: Counter;
}

/** What waits of one webhook. */
export interface WaitingEvents extends LaneKey {
  readonly pending: number;
  /** `undefined` while it is not known. */
  readonly oldestAgeMs: number | undefined;
}

/** A number of one webhook. */
export interface LaneCount extends LaneKey {
  readonly count: number;
}

function oldestSeconds(ageMs: number | undefined): number | undefined {
  return ageMs === undefined ? undefined : ageMs / 1000;
}

function plus(one: number, other: number): number {
  return one + other;
}
