/**
 * How often wrong tokens may be tried from an address.
 *
 * @module
 */

/** Wrong tokens that an address may present at once. */
const MOST = 10;

/** After how long one more is allowed, in milliseconds. */
const ONE_MORE_AFTER_MS = 6_000;

/** Addresses that are remembered; the one that has tried first is forgotten for a new one. */
const MAX_ADDRESSES = 10_000;

/** What an address has tried. */
interface Tried {
  /** When nothing is counted any more: {@linkcode ONE_MORE_AFTER_MS} later with each wrong token. */
  until: number;
  isReported: boolean;
}

/**
 * Counts wrong tokens by address: ten at once, and then one in six seconds. Once nothing is counted any more, the
 * burst is over. Addresses are those of whole networks for IPv6, see `ClientAddressResolver.senderOf`.
 */
export class WrongTokens {
  readonly #tried = new Map<string, Tried>();
  readonly #now: () => number;

  /** @param now in milliseconds of a clock that never goes back. @default performance.now */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** How many addresses are remembered. */
  get size(): number {
    return this.#tried.size;
  }

  /** For how long nothing more may be presented from an address, in milliseconds; 0 where it may. */
  waitMs(address: string): number {
    const tried = this.#tried.size === 0 ? undefined : this.#tried.get(address);
    return tried === undefined ? 0 : Math.max(0, this.#beyond(tried));
  }

  /** A wrong token was presented. Returns whether it is the first one of a burst that nothing more is let through of. */
  add(address: string): boolean {
    const now = this.#now();
    let tried = this.#tried.get(address);
    if (tried === undefined || tried.until <= now) tried = { until: now, isReported: false };
    tried.until += ONE_MORE_AFTER_MS;
    this.#tried.delete(address); // A Map keeps the order of insertion.
    if (this.#tried.size >= MAX_ADDRESSES) this.#forgetFirst();
    this.#tried.set(address, tried);
    if (tried.isReported || this.#beyond(tried) <= 0) return false;
    tried.isReported = true;
    return true;
  }

  /** By how much more is counted than may be there when another one is presented, in milliseconds. */
  #beyond({ until }: Tried): number {
    return Math.ceil(until - this.#now() - (MOST - 1) * ONE_MORE_AFTER_MS);
  }

  #forgetFirst(): void {
    for (const address of this.#tried.keys()) {
      this.#tried.delete(address);
      return;
    }
  }
}
