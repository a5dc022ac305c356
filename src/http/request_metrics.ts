/**
 * What is counted and measured of webhook requests.
 *
 * @module
 */

import { RefusalError } from "../auth/authenticator.ts";
import type { Catalog } from "../config/catalog.ts";
import type { CatalogEntry, WebhookEntry } from "../config/entry.ts";
import type { RepeatKind } from "../event/repeat_key.ts";
import { ERROR_CATALOGUE, type ErrorCode, type GatewayError } from "../errors.ts";
import { webhookPath } from "../event/names.ts";
import type { Acceptance } from "../modules/module.ts";
import { type Counter, DURATION_BUCKETS, type Histogram, type Metrics } from "../observability/metrics.ts";
import { SeriesNames, UNKNOWN, type WebhookFamily } from "../observability/webhook_series.ts";
import type { InFlight } from "./in_flight.ts";
import type { AcceptedRequests, Statistics } from "./statistics/statistics.ts";
import { explain } from "./failure_log.ts";
import { AnsweredRequests, type KeptRequest } from "./tail/answered_requests.ts";
import { Tail, type TailedRequest } from "./tail/tail.ts";

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

/** Reasons of refusals that a webhook has series for; what is refused for others counts as one more. */
const MAX_REASONS = 20;

/** The label of all other reasons. */
const OTHER_REASONS = "_others";

/** A request that gets its answer. */
export interface AnsweringRequest extends TailedRequest {
  /** How long its body was as sent, in bytes; 0 where none was read. */
  readonly receivedBytes: number;
}

/** A configured webhook whose request is answered. */
type AnsweringWebhook = NamedWebhook & { readonly acceptance?: Acceptance };

/** How a request was answered. */
type RequestAnswer = Pick<KeptRequest, "id" | "at" | "ms" | "status" | "bytes">;

/** A configured webhook, by its names. */
type NamedWebhook = Pick<CatalogEntry, "namespace" | "id" | "path">;

/** Counts webhook requests by outcome and measures how long they take. */
export class RequestMetrics {
  readonly #requests: WebhookFamily<Counter>;
  readonly #refusals: WebhookFamily<Counter>;
  readonly #deliveries: WebhookFamily<Histogram> | undefined;
  readonly #duration: Histogram;
  /** Who looks at requests while they are counted. */
  readonly tail = new Tail();
  /** How many ended how since the start, whichever webhook they were for. Filtered and repeated ones are accepted here. */
  readonly totals = { accepted: 0, refused: 0, failed: 0 };
  /** The last ones that were not refused. */
  readonly history = new AnsweredRequests();
  readonly #webhooks: () => Pick<Catalog, "find" | "entries">;
  readonly #statistics: Statistics | undefined;
  readonly #accepted = new WeakMap<WebhookEntry, AcceptedCounters>();
  /** The counters of entries by the codes that they have failed with: strangers decide how often. */
  readonly #failed = new WeakMap<NamedWebhook, Map<ErrorCode, Counter>>();
  /** The same by the reasons of refusals, each of which has one code. */
  readonly #refused = new WeakMap<NamedWebhook, Map<string, Counter>>();

  /**
   * @param webhooks those that are configured now
   * @param names which of them have series of their own. @default all
   * @param deliveries how long events took to be delivered. @default it is not measured
   * @param statistics where accepted requests are counted, too. @default nowhere
   */
  constructor(
    metrics: Metrics,
    inFlight: InFlight,
    webhooks: () => Pick<Catalog, "find" | "entries">,
    names: SeriesNames = new SeriesNames(),
    deliveries?: WebhookFamily<Histogram>,
    statistics?: Statistics,
  ) {
    this.#statistics = statistics;
    this.#webhooks = webhooks;
    this.#deliveries = deliveries;
    this.#requests = metrics.webhookCounter(
      "cwm_requests_total",
      "Webhook requests by outcome. The outcomes add up to all requests that the runtime did not refuse itself.",
      names,
      ["outcome"],
      { webhooks: () => webhooks().entries(), values: ALERTED_OUTCOMES.map((outcome) => [outcome]) },
    );
    // An alert waits for it, and the first request to a misspelt address is one.
    this.#requests.with(UNKNOWN, UNKNOWN, "webhook_not_found");
    this.#refusals = metrics.webhookCounter(
      "cwm_refusals_total",
      "Requests that a webhook's authentication refused, by the reason that the log has.",
      names,
      ["code", "reason"],
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

  /** @param startedAt when the request began, in milliseconds since 1970 */
  accepted(entry: WebhookEntry, startedAt: number): void {
    let counters = this.#accepted.get(entry);
    if (counters === undefined) this.#accepted.set(entry, counters = this.#acceptedCounters(entry));
    counters.accepted.increment();
    if (counters.requests !== undefined) this.#statistics!.note(counters.requests);
    counters.delivery?.observe(Math.max(0, Date.now() - startedAt) / 1000);
  }

  #acceptedCounters(entry: WebhookEntry): AcceptedCounters {
    const { namespace, id, path, acceptance } = entry;
    const isConfigured = this.#webhooks().find(path) !== undefined;
    const names = isConfigured ? [namespace, id] as const : [UNKNOWN, UNKNOWN] as const;
    const delivery = acceptance === "durable" ? undefined : this.#deliveries?.with(...names);
    return { accepted: this.#of(entry, "accepted"), delivery, requests: this.#statistics?.of(path) };
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
  failed(webhook: NamedWebhook | undefined, { code, cause }: Pick<GatewayError, "code" | "cause">): void {
    if (webhook !== undefined && cause instanceof RefusalError) this.#refuse(webhook, code, cause.message);
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

  /** @param reason a sentence of the verifier, which holds nothing that the client sent */
  #refuse(webhook: NamedWebhook, code: ErrorCode, reason: string): void {
    if (this.#webhooks().find(webhook.path) !== webhook) return;
    let counters = this.#refused.get(webhook);
    if (counters === undefined) this.#refused.set(webhook, counters = new Map());
    let counter = counters.get(reason);
    if (counter === undefined) {
      const shown = counters.size < MAX_REASONS ? reason : OTHER_REASONS;
      counter = this.#refusals.with(webhook.namespace, webhook.id, code, shown);
      if (shown === reason) counters.set(reason, counter);
    }
    counter.increment();
  }

  /** The webhook was removed: its series go. Requests to it that end later are those of none. */
  forget({ namespace, webhook }: { readonly namespace: string; readonly webhook: string }): void {
    this.#requests.forget({ namespace, webhook });
    this.#refusals.forget({ namespace, webhook });
    this.history.forget(webhookPath(namespace, webhook));
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
      if (counter !== undefined && counter.value > 0) counts[outcome] = counter.value;
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
   * A request has got its answer: it counts into the histogram, is kept for those who ask later, and told to those who
   * look.
   *
   * @param webhook the configured webhook, if there is one
   * @param startedAt when it had come, in milliseconds since 1970
   * @param outcome what has become of it, or why it was refused or has failed
   */
  answered(
    request: AnsweringRequest,
    webhook: AnsweringWebhook | undefined,
    id: string,
    startedAt: number,
    status: number,
    outcome: string | GatewayError,
  ): void {
    // In whole milliseconds: a finer clock costs as much as the look-up of the webhook, and the sum is right all the
    // same. The clock may have been set back meanwhile.
    const ms = Math.max(0, Date.now() - startedAt);
    if (typeof outcome === "string") this.totals.accepted++;
    else if (outcome.disposition === "refused") this.totals.refused++;
    else this.totals.failed++;
    this.#duration.observe(ms / 1000);
    const answer = { id, at: startedAt, ms, status, bytes: request.receivedBytes };
    if (webhook !== undefined) this.#keep(webhook, answer, outcome);
    if (this.tail.isFollowed) this.tail.note(request, answer, outcome);
  }

  /** Of what is refused there is a history of its own: strangers decide how much that is. */
  #keep(webhook: AnsweringWebhook, answer: RequestAnswer, outcome: string | GatewayError): void {
    if (typeof outcome === "string") {
      const isAtOnce = outcome === "accepted" && webhook.acceptance === "delivered";
      this.history.note(webhook.path, outcome, answer, undefined, isAtOnce);
    } else if (outcome.disposition !== "refused") {
      this.history.note(webhook.path, outcome, answer, explain(outcome).reason);
    }
  }
}

/** What is counted of an event that was accepted. */
interface AcceptedCounters {
  readonly accepted: Counter;
  /** `undefined` where the event is delivered later. */
  readonly delivery: Histogram | undefined;
  /** `undefined` where nobody reads statistics. */
  readonly requests: AcceptedRequests | undefined;
}
