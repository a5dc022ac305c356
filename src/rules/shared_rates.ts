/**
 * Rates that several gateways count together. Each counts for itself, and learns four times a second what the others
 * have let through meanwhile: a request waits for nobody.
 *
 * @module
 */

import type { RateCounter, RateLimit } from "../time/rate.ts";

/** How often gateways tell each other, in milliseconds. */
const EXCHANGE_MS = 250;

/** What a gateway has let through of a rate since it last said so. */
export interface CountedRequests {
  /** What all gateways know the rate by. */
  readonly key: string;
  readonly limit: RateLimit;
  readonly count: number;
}

/** Where the counts of all gateways meet. */
export interface RateStore {
  /**
   * Adds what this gateway has let through. Resolves with how long it takes until nothing of each limit is used any more,
   * by what all have, in milliseconds.
   */
  add(counted: readonly CountedRequests[]): Promise<ReadonlyMap<string, number>>;
}

/** A rate that this gateway has counted something of lately. */
interface SharedRate {
  readonly limit: RateLimit;
  readonly counter: RateCounter;
  /** What the others have not been told of. */
  unsaid: number;
}

/** The rates of one gateway that others count as well. Disposal ends the exchange. */
export class SharedRates implements Disposable {
  readonly #store: RateStore;
  readonly #rates = new Map<string, SharedRate>();
  readonly #timer: ReturnType<typeof setInterval>;
  #isExchanging = false;

  /** @param exchangeMs how often gateways tell each other, in milliseconds. @default 250 */
  constructor(store: RateStore, exchangeMs: number = EXCHANGE_MS) {
    this.#store = store;
    this.#timer = setInterval(() => void this.#exchange(), exchangeMs);
    Deno.unrefTimer(this.#timer);
  }

  /**
   * A request was counted.
   *
   * @param key what all gateways know the rate by
   */
  counted(key: string, limit: RateLimit, counter: RateCounter): void {
    const known = this.#rates.get(key);
    if (known?.limit === limit && known.counter === counter) known.unsaid++;
    else this.#rates.set(key, { limit, counter, unsaid: (known?.unsaid ?? 0) + 1 });
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  async #exchange(): Promise<void> {
    if (this.#isExchanging || this.#rates.size === 0) return;
    this.#isExchanging = true;
    const said = Array.from(this.#rates, ([key, { limit, unsaid: count }]) => ({ key, limit, count }));
    try {
      const used = await this.#store.add(said);
      const now = performance.now();
      for (const { key, count } of said) this.#learn(key, count, used.get(key) ?? 0, now);
    } catch {
      // The journal has reported why: until it is back, each gateway counts for itself.
    } finally {
      this.#isExchanging = false;
    }
  }

  #learn(key: string, said: number, usedMs: number, now: number): void {
    const rate = this.#rates.get(key);
    if (rate === undefined) return;
    rate.unsaid -= said;
    const { limit: { requests, windowMs }, counter, unsaid } = rate;
    counter.learn(now + usedMs + unsaid * windowMs / requests);
    if (unsaid === 0 && counter.isUnused(now)) this.#rates.delete(key);
  }
}
