/**
 * The pauses between connections to etcd's members.
 *
 * @module
 */

import { Backoff, type BackoffOptions } from "../../time/backoff.ts";

/** How long to wait before the next try. Each failed round doubles the wait. */
export interface RetryScheduleOptions extends Pick<BackoffOptions, "initialMs" | "maxMs" | "random"> {
  /** Endpoints that are tried one after the other before any waiting. */
  readonly endpoints: number;
  /** The longest wait after a healthy connection was lost, in milliseconds. */
  readonly quickMs: number;
}

/** How the last try ended. */
export interface TryResult {
  /** The connection had lasted long enough to prove that the server is well. */
  readonly healthy: boolean;
  /** The server answers, but what was known of it no longer holds: the next try starts with a fresh list. */
  readonly resync: boolean;
}

/**
 * Decides the pauses between connections: exponential back-off, half of each pause random, so that many
 * instances which lost one server do not come back in step.
 */
export class RetrySchedule {
  readonly #options: RetryScheduleOptions;
  readonly #random: () => number;
  /** Over whole rounds. */
  readonly #backoff: Backoff;
  #triedInRound = 0;
  #resynced = false;

  constructor(options: RetryScheduleOptions) {
    this.#options = options;
    this.#random = options.random ?? Math.random;
    this.#backoff = new Backoff(options);
  }

  /** The pause before the next try, in milliseconds. */
  next({ healthy, resync }: TryResult): number {
    const { endpoints, quickMs } = this.#options;
    if (healthy) {
      this.#triedInRound = 0;
      this.#backoff.reset();
      this.#resynced = false;
      return quickMs * this.#random();
    }
    // Once only: a server that keeps sending us back to the list is a failing one.
    if (resync && !this.#resynced) {
      this.#resynced = true;
      return 0;
    }
    if (++this.#triedInRound < endpoints) return 0;
    this.#triedInRound = 0;
    return this.#backoff.next();
  }
}
