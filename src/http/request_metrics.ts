/**
 * What is counted and measured of webhook requests.
 *
 * @module
 */

import type { Catalog } from "../config/catalog.ts";
import type { CatalogEntry, WebhookEntry } from "../config/entry.ts";
import type { RepeatKind } from "../event/repeat_key.ts";
import { ERROR_CATALOGUE, type ErrorCode } from "../errors.ts";
import {
  type Counter,
  DURATION_BUCKETS,
  type Family,
  type Histogram,
  type Metrics,
} from "../observability/metrics.ts";
import type { InFlight } from "./in_flight.ts";

/**
 * Every value of the `outcome` label: those of requests without an error, and the codes of all errors. Every request
 * has exactly one: they add up to all requests that the runtime hands over. What it refuses itself is not among them.
 */
const ALL_OUTCOMES: readonly string[] = [
  "accepted",
  "duplicate",
  "filtered",
  "replayed",
  "probe",
  "challenge",
  ...Object.keys(ERROR_CATALOGUE),
];

/** Outcomes that every webhook shows from its load on, since alerts wait for them to grow. */
const ALERTED_OUTCOMES = ["accepted", "unauthorized", "webhook_misconfigured"] as const;

/** Outcomes of requests whose senders have shown who they are, whatever happened then. */
const ADMITTED_OUTCOMES = [
  "accepted",
  "duplicate",
  "filtered",
  "replayed",
  "journal_unavailable",
  "output_failed",
  "output_rejected",
  "output_timeout",
  "output_unavailable",
] as const;

/** Labels of requests to webhooks that do not exist: one series, however many names are tried. */
const UNKNOWN = "_unknown";

/** A configured webhook, by its names. */
type NamedWebhook = Pick<CatalogEntry, "namespace" | "id" | "path">;

/** Counts webhook requests by outcome and measures how long they take. */
export class RequestMetrics {
  readonly #requests: Family<Counter, readonly ["namespace", "webhook", "outcome"]>;
  readonly #duration: Histogram;
  readonly #webhooks: () => Pick<Catalog, "find" | "entries">;
  readonly #accepted = new WeakMap<WebhookEntry, Counter>();
  /** The counters of entries by the codes that they have failed with: strangers decide how often. */
  readonly #failed = new WeakMap<NamedWebhook, Map<ErrorCode, Counter>>();

  /** @param webhooks those that are configured now */
  constructor(metrics: Metrics, inFlight: InFlight, webhooks: () => Pick<Catalog, "find" | "entries">) {
    this.#webhooks = webhooks;
    this.#requests = metrics.counter(
      "cwm_requests_total",
      "Webhook requests by outcome. The outcomes add up to all requests that the runtime did not refuse itself.",
      ["namespace", "webhook", "outcome"],
      () => alertedSeries(webhooks().entries()),
    );
    this.#duration = metrics.histogram(
      "cwm_request_duration_seconds",
      "Time from the head of a webhook request to its answer.",
      [],
      DURATION_BUCKETS,
    ).with();
    metrics.gaugeFrom(
      "cwm_inflight_requests",
      "Webhook requests, and those of connectors and pulling consumers that settle events, under way.",
      () => inFlight.requests,
    );
    metrics.gaugeFrom(
      "cwm_inflight_bytes",
      "Declared body bytes of requests under way.",
      () => inFlight.bytes,
    );
  }

  accepted(entry: WebhookEntry): void {
    let counter = this.#accepted.get(entry);
    if (counter === undefined) {
      counter = this.#of(entry, "accepted");
      this.#accepted.set(entry, counter);
    }
    counter.increment();
  }

  /** The event had been accepted before. @param kind what it was found by */
  repeated(entry: WebhookEntry, kind: RepeatKind): void {
    this.#of(entry, kind).increment();
  }

  /** The event's type is none that the webhook wants. */
  filtered(entry: WebhookEntry): void {
    this.#of(entry, "filtered").increment();
  }

  /** HEAD, GET or OPTIONS on a webhook that answers them: there is no event. */
  probed(entry: CatalogEntry): void {
    this.#of(entry, "probe").increment();
  }

  /** A provider's question was answered: there is no event. */
  challenged(entry: CatalogEntry): void {
    this.#of(entry, "challenge").increment();
  }

  /** @param webhook the configured webhook, if there is one */
  failed(webhook: NamedWebhook | undefined, code: ErrorCode): void {
    if (webhook === undefined || this.#webhooks().find(webhook.path) !== webhook) {
      this.#of(webhook, code).increment();
      return;
    }
    let counters = this.#failed.get(webhook);
    if (counters === undefined) this.#failed.set(webhook, counters = new Map());
    let counter = counters.get(code);
    if (counter === undefined) counters.set(code, counter = this.#of(webhook, code));
    counter.increment();
  }

  /** The webhook was removed: its series go. Requests to it that end later are those of none. */
  forget({ namespace, webhook }: { readonly namespace: string; readonly webhook: string }): void {
    this.#requests.removeEach([namespace, webhook]);
  }

  #of(webhook: NamedWebhook | undefined, outcome: string): Counter {
    const isConfigured = webhook !== undefined && this.#webhooks().find(webhook.path) !== undefined;
    return isConfigured
      ? this.#requests.with(webhook.namespace, webhook.id, outcome)
      : this.#requests.with(UNKNOWN, UNKNOWN, outcome);
  }

  /** How many requests to a webhook had which outcome since the start; outcomes that it had none of are left out. */
  outcomesOf({ namespace, id }: { readonly namespace: string; readonly id: string }): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const outcome of ALL_OUTCOMES) {
      const counter = this.#requests.find(namespace, id, outcome);
      if (counter !== undefined) counts[outcome] = counter.value;
    }
    return counts;
  }

  /** How many requests to a webhook have passed its verifiers since the start. @param path `namespace/id` */
  admitted(path: string): number {
    const webhook = this.#webhooks().find(path);
    if (webhook === undefined) return 0;
    const { namespace, id } = webhook;
    return ADMITTED_OUTCOMES.reduce(
      (sum, outcome) => sum + (this.#requests.find(namespace, id, outcome)?.value ?? 0),
      0,
    );
  }

  /**
   * Counts a request into the histogram.
   *
   * @param milliseconds how long it took, in whole milliseconds: a finer clock costs as much as the look-up
   * of the webhook, and the sum is right all the same
   */
  took(milliseconds: number): void {
    // The wall clock may have been set back meanwhile.
    this.#duration.observe(Math.max(0, milliseconds) / 1000);
  }
}

function* alertedSeries(webhooks: Iterable<NamedWebhook>): Iterable<[string, string, string]> {
  for (const { namespace, id } of webhooks) {
    for (const outcome of ALERTED_OUTCOMES) yield [namespace, id, outcome];
  }
}
