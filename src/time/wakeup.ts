/** Something to wait for that may have happened already: a wake-up before the wait is not lost. */
export class Wakeup {
  #pending = false;
  #resolve: (() => void) | undefined;

  /** Ends the wait under way, or the next one. */
  wake(): void {
    this.#pending = true;
    this.#resolve?.();
  }

  /**
   * Resolves at the next wake-up, when the signal aborts, or after `milliseconds`. One wait at a time.
   *
   * @param milliseconds `undefined` for as long as it takes
   */
  async wait(signal: AbortSignal, milliseconds?: number): Promise<void> {
    if (!this.#pending && !signal.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#resolve = resolve;
      const timer = milliseconds === undefined ? undefined : setTimeout(resolve, milliseconds);
      // Taken away again, since a signal that somebody listens to is kept, with all that it refers to.
      const abort = () => resolve();
      signal.addEventListener("abort", abort);
      await promise;
      signal.removeEventListener("abort", abort);
      clearTimeout(timer);
      this.#resolve = undefined;
    }
    this.#pending = false;
  }
}
