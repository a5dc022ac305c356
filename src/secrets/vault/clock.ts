/**
 * The time that tokens live by. Tests turn a clock of their own.
 *
 * @module
 */

/** Tells the time and waits for it. */
export interface Clock {
  /** Milliseconds since 1970. Never goes back. */
  now(): number;
  /**
   * Resolves after that many milliseconds.
   *
   * @throws the signal's reason, when it aborts first
   */
  wait(milliseconds: number, signal: AbortSignal): Promise<void>;
}

/** Longest time that a timer of the runtime can be set to; more would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** The clock of the system. */
export const systemClock: Clock = {
  now: () => Math.floor(performance.timeOrigin + performance.now()),
  async wait(milliseconds, signal) {
    const end = performance.now() + milliseconds;
    for (let left = milliseconds; left > 0; left = end - performance.now()) {
      await sleep(Math.min(left, MAX_TIMER_MS), signal);
    }
    signal.throwIfAborted();
  },
};

function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const abort = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", abort);
      resolve();
    }, milliseconds);
    signal.addEventListener("abort", abort, { once: true });
  });
}
