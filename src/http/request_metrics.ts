import type { WebhookEntry } from "../config/entry.ts";
import type { ErrorCode } from "../errors.ts";
import {
  type Counter,
  DURATION_BUCKETS,
  type Family,
  type Histogram,
  type Metrics,
} from "../observability/metrics.ts";
import type { Inflight } from "./inflight.ts";

/**
 * The `outcome` label of each error. Every request has exactly one outcome: they add up to all requests that the
 * runtime hands over. What it refuses itself is not among them.
 */
const OUTCOMES: Record<ErrorCode, string> = {
  not_found: "not_found",
  method_not_allowed: "invalid",
  invalid_host: "invalid",
  invalid_namespace: "invalid",
  invalid_webhook_id: "invalid",
  invalid_query: "invalid",
  webhook_not_found: "not_found",
  webhook_disabled: "disabled",
  webhook_misconfigured: "misconfigured",
  secret_unavailable: "misconfigured",
  connection_unresolved: "misconfigured",
  not_ready: "not_ready",
  unauthorized: "auth_failed",
  forbidden: "auth_failed",
  empty_body: "invalid",
  invalid_json: "invalid",
  invalid_form: "invalid",
  unsupported_media_type: "invalid",
  invalid_encoding: "invalid",
  invalid_content_length: "invalid",
  body_incomplete: "invalid",
  body_timeout: "timeout",
  body_too_large: "too_large",
  unsupported_encoding: "invalid",
  unsupported_charset: "invalid",
  overloaded: "overloaded",
  journal_unavailable: "journal_unavailable",
  draining: "draining",
  // Answers to connectors, not to webhook requests.
  channel_not_found: "not_found",
  unsupported_protocol: "invalid",
  upgrade_required: "invalid",
  too_many_connections: "overloaded",
  connection_not_found: "not_found",
  invalid_message: "invalid",
  output_failed: "output_failed",
  output_rejected: "output_failed",
  output_unavailable: "output_failed",
  output_timeout: "output_failed",
  internal_error: "internal_error",
};

/** Every value of the `outcome` label. */
const ALL_OUTCOMES: ReadonlySet<string> = new Set([
  "accepted",
  "duplicate",
  "probe",
  ...Object.values(OUTCOMES),
]);

/** Labels of requests to webhooks that do not exist: one series, however many names are tried. */
const UNKNOWN = "_unknown";

/** Counts webhook requests by outcome and measures how long they take. */
export class RequestMetrics {
  readonly #requests: Family<Counter, readonly ["namespace", "webhook", "outcome"]>;
  readonly #duration: Histogram;
  readonly #accepted = new WeakMap<WebhookEntry, Counter>();

  constructor(metrics: Metrics, inflight: Inflight) {
    this.#requests = metrics.counter(
      "cwm_requests_total",
      "Webhook requests by outcome. The outcomes add up to all requests that the runtime did not refuse itself.",
      ["namespace", "webhook", "outcome"],
    );
    this.#duration = metrics.histogram(
      "cwm_request_duration_seconds",
      "Time from the head of a webhook request to its answer.",
      [],
      DURATION_BUCKETS,
    ).with();
    metrics.gaugeFrom("cwm_inflight_requests", "Webhook requests under way.", () => inflight.requests);
    metrics.gaugeFrom(
      "cwm_inflight_bytes",
      "Declared body bytes of requests under way.",
      () => inflight.bytes,
    );
  }

  accepted(entry: WebhookEntry): void {
    let counter = this.#accepted.get(entry);
    if (counter === undefined) {
      counter = this.#requests.with(entry.namespace, entry.id, "accepted");
      this.#accepted.set(entry, counter);
    }
    counter.increment();
  }

  /** The event had been accepted before. */
  repeated({ namespace, id }: WebhookEntry): void {
    this.#requests.with(namespace, id, "duplicate").increment();
  }

  /** HEAD, GET or OPTIONS on a webhook that answers them: there is no event. */
  probed({ namespace, id }: WebhookEntry): void {
    this.#requests.with(namespace, id, "probe").increment();
  }

  /** @param webhook the configured webhook, if there is one */
  failed(webhook: { readonly namespace: string; readonly id: string } | undefined, code: ErrorCode): void {
    this.#requests.with(webhook?.namespace ?? UNKNOWN, webhook?.id ?? UNKNOWN, OUTCOMES[code]).increment();
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

  /**
   * Counts a request into the histogram.
   *
   * @param milliseconds how long it took, in whole milliseconds: a finer clock costs as much as the look-up
   * of the webhook, and the sum is right all the same
   */
  took(milliseconds: number): void {
    // The clock of the day may have been set back meanwhile.
    this.#duration.observe(Math.max(0, milliseconds) / 1000);
  }
}
