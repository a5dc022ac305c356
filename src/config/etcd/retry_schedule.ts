/** How long to wait before the next try. */
export interface RetryScheduleOptions {
  /** Endpoints that are tried one after the other before any waiting. */
  readonly endpoints: number;
  /** The wait after the first round in vain, in milliseconds. Each further round doubles it. */
  readonly initialMs: number;
  /** The longest wait, in milliseconds. */
  readonly maxMs: number;
  /** The longest wait after a healthy connection was lost, in milliseconds. */
  readonly quickMs: number;
  /** A number from 0 up to 1. @default Math.random */
  readonly random?: () => number;
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
  #triedInRound = 0;
  #rounds = 0;
  #resynced = false;

  constructor(options: RetryScheduleOptions) {
    this.#options = options;
    this.#random = options.random ?? Math.random;
  }

  /** The pause before the next try, in milliseconds. */
  next({ healthy, resync }: TryResult): number {
    const { endpoints, initialMs, maxMs, quickMs } = this.#options;
    if (healthy) {
      this.#triedInRound = this.#rounds = 0;
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
    const ceiling = Math.min(maxMs, initialMs * 2 ** Math.min(this.#rounds++, 30));
    return ceiling * (0.5 + 0.5 * this.#random());
  }
}
