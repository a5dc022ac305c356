import type { Clock } from "../../../src/secrets/vault/clock.ts";

interface Waiter {
  readonly at: number;
  readonly wake: () => void;
}

/** A clock that stands still until it is turned; client and server of a test share one. */
export class ManualClock implements Clock {
  readonly #waiters = new Set<Waiter>();
  readonly #onWaiter = new Set<() => void>();
  #now = 1_800_000_000_000;

  now(): number {
    return this.#now;
  }

  wait(milliseconds: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#waiters.delete(waiter);
        reject(signal.reason);
      };
      const waiter = {
        at: this.#now + milliseconds,
        wake: () => {
          signal.removeEventListener("abort", leave);
          resolve();
        },
      };
      signal.addEventListener("abort", leave, { once: true });
      this.#waiters.add(waiter);
      for (const look of this.#onWaiter) look();
    });
  }

  /** Resolves once somebody waits for a time that is not further away than this. */
  async untilAwaited(milliseconds: number): Promise<void> {
    const isAwaited = () => [...this.#waiters].some(({ at }) => at <= this.#now + milliseconds);
    if (isAwaited()) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = () => {
      if (isAwaited()) resolve();
    };
    this.#onWaiter.add(look);
    await promise;
    this.#onWaiter.delete(look);
  }

  /** Turns the clock and wakes whoever has waited long enough. */
  advance(milliseconds: number): void {
    this.#now += milliseconds;
    for (const waiter of this.#waiters) {
      if (waiter.at > this.#now) continue;
      this.#waiters.delete(waiter);
      waiter.wake();
    }
  }
}
