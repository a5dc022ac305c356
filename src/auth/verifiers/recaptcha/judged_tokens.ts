/**
 * Tokens that the service has judged. It takes each of them once: a sender that repeats a request, because its answer
 * was lost, would be refused there.
 *
 * @module
 */

import { hash } from "node:crypto";
import type { Refusal } from "../../verifier.ts";

/** How long tokens live at the service, and how long they are remembered, in milliseconds. */
const LIFETIME_MS = 120_000;

/** Most tokens of each kind that are remembered; past it the oldest are forgotten. */
const MAX_TOKENS = 10_000;

/** A token that the service took. It is good for the first request that comes with it, and for that one repeated. */
export class TakenToken {
  #request: string | undefined;

  /** @param request what is equal for the same request alone */
  isFor(request: string): boolean {
    this.#request ??= request;
    return this.#request === request;
  }
}

/** A token that was taken, or why it was not. */
export type Judgement = TakenToken | Refusal;

/** Judgements of a kind, for their time and within their bound. */
class Remembered<Value> {
  readonly #lifetimeMs: number;
  readonly #entries = new Map<string, { readonly value: Value; readonly until: number }>();

  constructor(lifetimeMs: number) {
    this.#lifetimeMs = lifetimeMs;
  }

  get(key: string): Value | undefined {
    const entry = this.#entries.get(key);
    return entry !== undefined && performance.now() < entry.until ? entry.value : undefined;
  }

  set(key: string, value: Value): void {
    const now = performance.now();
    for (const [oldest, { until }] of this.#entries) {
      if (now < until && this.#entries.size < MAX_TOKENS) break;
      this.#entries.delete(oldest);
    }
    this.#entries.set(key, { value, until: now + this.#lifetimeMs });
  }
}

/**
 * The tokens of one webhook. Those that were refused are kept apart, so that strangers cannot have the others forgotten.
 * One that is forgotten is asked about again, and the service refuses what it has taken before.
 */
export class JudgedTokens {
  readonly #taken: Remembered<TakenToken>;
  readonly #refused: Remembered<Refusal>;
  readonly #asking = new Map<string, Promise<Judgement>>();

  /** @param lifetimeMs how long a token is remembered */
  constructor(lifetimeMs: number = LIFETIME_MS) {
    this.#taken = new Remembered(lifetimeMs);
    this.#refused = new Remembered(lifetimeMs);
  }

  /**
   * The judgement of a token. While one request asks, others with the same token wait for its answer.
   *
   * @param refuse asks the service: why the token is refused, or nothing. What it throws is remembered by nobody
   */
  judge(token: string, refuse: () => Promise<Refusal | undefined>): Judgement | Promise<Judgement> {
    const key = hash("sha256", token, "base64");
    const known = this.#taken.get(key) ?? this.#refused.get(key) ?? this.#asking.get(key);
    if (known !== undefined) return known;
    const asking = this.#ask(key, refuse);
    this.#asking.set(key, asking);
    return asking;
  }

  async #ask(key: string, refuse: () => Promise<Refusal | undefined>): Promise<Judgement> {
    try {
      const refusal = await refuse();
      if (refusal !== undefined) {
        this.#refused.set(key, refusal);
        return refusal;
      }
      const taken = new TakenToken();
      this.#taken.set(key, taken);
      return taken;
    } finally {
      this.#asking.delete(key);
    }
  }
}
