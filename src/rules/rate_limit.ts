/**
 * `rate_limit` of a webhook, and the rates that all webhooks of a namespace share.
 *
 * @module
 */

import { z } from "zod";
import { GatewayError } from "../errors.ts";
import { booleanField, integerField, numberField } from "../schema/fields.ts";
import { RateCounter, type RateLimit } from "../time/rate.ts";
import type { SharedRates } from "./shared_rates.ts";

const DEFAULT_REQUESTS = 100;
const DEFAULT_WINDOW_SECONDS = 60;
const MAX_REQUESTS = 1_000_000;
const MAX_WINDOW_SECONDS = 31 * 24 * 60 * 60;

/** `rate_limit` of a webhook. */
export const rateLimitSchema = z.strictObject({
  max_requests: integerField(1, MAX_REQUESTS).optional().meta({
    description:
      `How many requests are taken in each window, and how many at once at most. Default: ${DEFAULT_REQUESTS}.`,
  }),
  window_seconds: numberField(0.1, MAX_WINDOW_SECONDS).optional().meta({
    description: `Length of the window in seconds. Default: ${DEFAULT_WINDOW_SECONDS}.`,
  }),
  enabled: booleanField().optional().meta({ description: "`false`: there is no limit. Default: `true`." }),
}).refine((given) => Object.keys(given).length > 0, {
  error: "Must not be empty: remove the key to take any number of requests",
});

/** The limit that a webhook asks for; `undefined` where it is switched off. */
export function compileRateLimit(
  { max_requests: requests = DEFAULT_REQUESTS, window_seconds: seconds = DEFAULT_WINDOW_SECONDS, enabled }:
    z.output<typeof rateLimitSchema>,
): RateLimit | undefined {
  return enabled === false ? undefined : { requests, windowMs: seconds * 1000 };
}

/** After how many counters those are looked for that nobody needs. */
const FIRST_SWEEP = 1_000;

/**
 * The rates of namespaces. A counter is kept while something of its limit is used: there are no more of them than
 * namespaces that had requests within a window, and at most as many again that have not been let go yet.
 */
export class NamespaceRates {
  readonly #limitOf: (namespace: string) => RateLimit | undefined;
  readonly #counters = new Map<string, RateCounter>();
  #sweepAt = FIRST_SWEEP;

  /** @param limitOf the limit of a namespace; `undefined` where it has none */
  constructor(limitOf: (namespace: string) => RateLimit | undefined) {
    this.#limitOf = limitOf;
  }

  /** How many counters are kept. */
  get size(): number {
    return this.#counters.size;
  }

  /** What the requests of a namespace are held to; `undefined` where it has no limit. */
  of(namespace: string, now: number): CountedRate | undefined {
    const limit = this.#limitOf(namespace);
    if (limit === undefined) return undefined;
    let counter = this.#counters.get(namespace);
    if (counter === undefined) {
      if (this.#counters.size >= this.#sweepAt) this.#sweep(now);
      this.#counters.set(namespace, counter = new RateCounter());
    }
    return { name: "namespace", limit, counter, key: `${namespace}/` };
  }

  #sweep(now: number): void {
    for (const [namespace, counter] of this.#counters) {
      if (counter.isUnused(now)) this.#counters.delete(namespace);
    }
    this.#sweepAt = Math.max(FIRST_SWEEP, 2 * this.#counters.size);
  }
}

/** A limit, how much of it is used, and what it is of. */
export interface CountedRate {
  readonly name: "webhook" | "namespace" | "challenge";
  readonly limit: RateLimit;
  readonly counter: RateCounter;
  /** What gateways that count it together know it by. Left out: this one alone counts it. */
  readonly key?: string;
}

/**
 * Counts a request against all of the rates, or against none where one of them is used up.
 *
 * @param counts `false`: only looks whether it could be counted now
 * @param shared where the others learn of it. @default nowhere
 * @throws {GatewayError} `rate_limited`, with `Retry-After`, and the headers of
 * draft-ietf-httpapi-ratelimit-headers-11 (May 2026), sections 3 and 4
 */
export function countRequest(
  rates: readonly CountedRate[],
  now: number,
  counts: boolean,
  shared?: SharedRates,
): void {
  for (const { name, limit, counter } of rates) {
    const waitMs = counter.waitMs(limit, now);
    if (waitMs > 0) throw rateLimited(name, limit, waitMs);
  }
  if (!counts) return;
  for (const { limit, counter, key } of rates) {
    counter.count(limit, now);
    if (shared !== undefined && key !== undefined) shared.counted(key, limit, counter);
  }
}

/** A webhook whose requests are counted. */
export interface CountedWebhook {
  readonly path: string;
  readonly namespace: string;
  /** How much of its own limit is used. */
  readonly rate: RateCounter;
}

/** The rates that webhooks of one namespace share, and where other gateways learn what was counted. */
export interface CommonRates {
  readonly namespaceRates: NamespaceRates | undefined;
  readonly sharedRates: SharedRates | undefined;
}

/**
 * Counts a request to a webhook against its own rate and that of its namespace.
 *
 * @param counts `false`: only refuses what is over a limit
 * @throws {GatewayError} `rate_limited`
 */
export function countRequestTo(
  webhook: CountedWebhook,
  limit: RateLimit | undefined,
  { namespaceRates, sharedRates }: CommonRates,
  counts: boolean,
): void {
  if (limit === undefined && namespaceRates === undefined) return;
  const now = performance.now();
  const rates: CountedRate[] = [];
  if (limit !== undefined) rates.push({ name: "webhook", limit, counter: webhook.rate, key: webhook.path });
  const ofNamespace = namespaceRates?.of(webhook.namespace, now);
  if (ofNamespace !== undefined) rates.push(ofNamespace);
  countRequest(rates, now, counts, sharedRates);
}

/**
 * The questions that anybody can ask of a webhook, since they come before there is a signature. They count on their own:
 * what strangers ask uses up nothing of what senders of events may have.
 */
const CHALLENGE_RATE: RateLimit = { requests: 600, windowMs: 60_000 };

/** Counts a question without a signature. @throws {GatewayError} `rate_limited` */
export function countChallenge(counter: RateCounter, now: number): void {
  countRequest([{ name: "challenge", limit: CHALLENGE_RATE, counter }], now, true);
}

function rateLimited(
  name: CountedRate["name"],
  { requests, windowMs }: RateLimit,
  waitMs: number,
): GatewayError {
  // Structured fields have whole seconds; a sender that waits a little too long is within the limit.
  const retryAfterSeconds = Math.max(1, Math.ceil(waitMs / 1000));
  const window = Math.ceil(windowMs / 1000);
  return new GatewayError("rate_limited", undefined, {
    reason: `The limit of the ${name} is used up: ${requests} requests in ${windowMs / 1000} s`,
    retryAfterSeconds,
    headers: {
      "ratelimit-policy": `"${name}";q=${requests};w=${window}`,
      "ratelimit": `"${name}";r=0;t=${retryAfterSeconds}`,
    },
  });
}
