/** How long ago the oldest pending event was received. The clock may be set meanwhile: the age grows evenly. */
export class OldestAge {
  #receivedAt: number | undefined;
  /** When an event of the age 0 was received, by `performance.now()`. */
  #since = 0;

  /** @param receivedAt in milliseconds since 1970; `undefined` when nothing is pending */
  note(receivedAt: number | undefined): void {
    if (receivedAt === this.#receivedAt) return;
    this.#receivedAt = receivedAt;
    // An event that seems to come from the future was received before the clock was set back.
    const ageMs = receivedAt === undefined ? 0 : Math.max(0, Date.now() - receivedAt);
    this.#since = performance.now() - ageMs;
  }

  /** In milliseconds, never negative; `undefined` when nothing is pending. */
  get ageMs(): number | undefined {
    return this.#receivedAt === undefined ? undefined : performance.now() - this.#since;
  }
}
