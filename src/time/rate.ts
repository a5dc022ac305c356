/**
 * Counts requests against a rate in constant memory: the generic cell rate algorithm (GCRA), which keeps one number,
 * the time when nothing of the limit is used any more. Time is the monotonic clock's: a clock of the day that is set
 * forward or back changes nothing.
 *
 * @see ITU-T Recommendation I.371, annex A
 * @module
 */

/** So many requests in a time. */
export interface RateLimit {
  /** How many may come at once after a pause; over a longer time as many come in each window. */
  readonly requests: number;
  readonly windowMs: number;
}

/** How far sums of fractions may be off, as a part of what one request uses. */
const TOLERANCE = 0.01;

/** How much of a limit is used. The limit is the caller's, and may become another one at any time. */
export class RateCounter {
  /** In milliseconds of the monotonic clock. */
  #unusedAt = -Infinity;

  /**
   * How long to wait before the next request is within the limit; 0 where it is.
   *
   * @param now in milliseconds of the monotonic clock: `performance.now()`
   */
  waitMs({ requests, windowMs }: RateLimit, now: number): number {
    const each = windowMs / requests;
    // Where the window was longer before, no more is used than all of this one.
    this.#unusedAt = Math.min(this.#unusedAt, now + windowMs);
    const wait = this.#unusedAt + each - windowMs - now;
    return wait > each * TOLERANCE ? wait : 0;
  }

  /** How many requests are within the limit now. */
  room({ requests, windowMs }: RateLimit, now: number): number {
    const used = (Math.min(this.#unusedAt, now + windowMs) - now) * requests / windowMs;
    return Math.max(0, Math.floor(requests - Math.max(0, used) + TOLERANCE));
  }

  /** Counts requests, one unless said otherwise. To be called once {@linkcode waitMs} is 0. */
  count({ requests, windowMs }: RateLimit, now: number, times = 1): void {
    this.#unusedAt = Math.max(this.#unusedAt, now) + times * windowMs / requests;
  }

  /** Others have counted, too: something of the limit is used until this time at least, as `now` is meant. */
  learn(unusedAt: number): void {
    this.#unusedAt = Math.max(this.#unusedAt, unusedAt);
  }

  /** Whether it is as if nothing had been counted yet. */
  isUnused(now: number): boolean {
    return this.#unusedAt <= now;
  }
}

/** The lower one over a longer time; `undefined` where there is none. */
export function lowerRate(one: RateLimit | undefined, other: RateLimit | undefined): RateLimit | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return one.requests / one.windowMs <= other.requests / other.windowMs ? one : other;
}
