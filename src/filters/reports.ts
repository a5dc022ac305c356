/**
 * What is counted of filters and conditions, and said in the log of those that fail.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";
import type { EventBody } from "../event/event.ts";
import { LARGE_BODY } from "./documents.ts";
import type { Counter, Histogram, Metrics } from "../observability/metrics.ts";
import { ReportLimiter } from "../observability/report_limiter.ts";
import { SeriesNames, type WebhookFamily } from "../observability/webhook_series.ts";
import type { ExpressionFailure } from "../expressions/expressions.ts";
import { type Judgement, type JudgementResult, RESULTS } from "./judgement.ts";

/** How often a webhook's failures are in the log, in milliseconds. */
const REPORT_MS = 60_000;

/** Bounds of the steps of one evaluation. */
const STEP_BUCKETS = [10, 100, 1_000, 10_000, 100_000];

/** Most names of members that a report shows, and the longest one, in characters. */
const MAX_NAMES = 20;
const MAX_NAME = 50;

/** What metrics call the webhook's own filter, beside the names of steps. */
export const FILTER_STEP = "filter";

/** What metrics call the list of types that a webhook takes, `events`. */
export const EVENTS_STEP = "events";

/** Whose condition it is. */
export interface ConditionName {
  readonly namespace: string;
  readonly webhook: string;
  /** The name of a step, {@linkcode FILTER_STEP} or {@linkcode EVENTS_STEP}. */
  readonly step: string;
}

/** What does not want an event: the list of types, the filter, or every step of a chain. */
export type FilteredBy = "events" | "filter" | "steps";

/** The counters of one condition. */
export type ResultCounters = Readonly<Record<JudgementResult, Counter>>;

/** Counts results of conditions. */
export class FilterReports {
  readonly #results: WebhookFamily<Counter>;
  readonly #steps: Histogram;
  readonly #logger: Logger;
  readonly #sorted = new WeakMap<object, ResultCounters>();
  readonly #failures = new ReportLimiter(REPORT_MS);
  /** Whether each filtered event has a line in the log. */
  readonly #tellsEach: boolean;

  /** @param names which webhooks have series of their own. @default all */
  constructor(metrics: Metrics, logger: Logger, names: SeriesNames = new SeriesNames()) {
    this.#logger = logger;
    this.#tellsEach = logger.isEnabledFor("debug");
    this.#results = metrics.webhookCounter(
      "cwm_filter_results_total",
      "Results of filters and conditions: true, false, missing_field, error or budget. A step is `filter`, `events` or a step of a chain.",
      names,
      ["step", "result"],
    );
    this.#steps = metrics.histogram(
      "cwm_filter_steps",
      "Steps of its budget of 100,000 that one evaluation of a filter or condition took.",
      [],
      STEP_BUCKETS,
    ).with();
  }

  /** The counters of a condition, to be looked up when it is first evaluated. */
  countersOf({ namespace, webhook, step }: ConditionName): ResultCounters {
    const counters = RESULTS.map((result) => [result, this.#results.with(namespace, webhook, step, result)]);
    return Object.fromEntries(counters);
  }

  /** A condition was evaluated. @param steps of its budget that it took */
  judged(counters: ResultCounters, judgement: Judgement, steps: number): void {
    counterOf(counters, judgement).increment();
    this.#steps.observe(steps);
  }

  /** The type of an event was looked up in the list of those that its webhook takes. @param owner the same object each time */
  sorted(owner: { readonly namespace: string; readonly id: string }, isWanted: boolean): void {
    let counters = this.#sorted.get(owner);
    if (counters === undefined) {
      const { namespace, id: webhook } = owner;
      this.#sorted.set(owner, counters = this.countersOf({ namespace, webhook, step: EVENTS_STEP }));
    }
    counters[isWanted ? "true" : "false"].increment();
  }

  /** An event was answered and goes nowhere. */
  filtered(
    owner: { readonly namespace: string; readonly id: string },
    eventId: string,
    by: FilteredBy,
  ): void {
    if (!this.#tellsEach) return;
    const { namespace, id: webhook } = owner;
    this.#logger.debug("An event of {namespace}/{webhook} was filtered by its {by}", {
      namespace,
      webhook,
      eventId,
      by,
    });
  }

  /** The webhook was removed: its series go. */
  forget({ namespace, webhook }: { readonly namespace: string; readonly webhook: string }): void {
    this.#results.forget({ namespace, webhook });
  }

  /** A condition has failed. @param body names of its members are in the log, where it is small */
  failed({ namespace, webhook, step }: ConditionName, failure: ExpressionFailure, body: EventBody): void {
    this.#failures.run(`${namespace}/${webhook}`, (suppressed) => {
      this.#logger.warning("A condition of {namespace}/{webhook} cannot be evaluated: {reason}", {
        namespace,
        webhook,
        step,
        code: "filter_failed",
        result: failure.kind,
        reason: failure.message,
        expression: failure.source,
        members: namesIn(body),
        ...(suppressed > 0 ? { suppressed } : {}),
      });
    });
  }
}

/** The counters by their own names, where the same was asked for by a text: that takes longer than all the counting. */
function counterOf(counters: ResultCounters, judgement: Judgement): Counter {
  if (judgement === true) return counters.true;
  return judgement === false ? counters.false : counters[judgement.kind];
}

/** Names of the members of a document, and nothing of their values. */
function namesIn(body: EventBody): readonly string[] {
  if (body.length > LARGE_BODY || !body.isJson()) return [];
  const { value } = body;
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [];
  return Object.keys(value).slice(0, MAX_NAMES).map((name) => name.slice(0, MAX_NAME).toWellFormed());
}
