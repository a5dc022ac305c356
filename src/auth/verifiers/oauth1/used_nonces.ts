/**
 * The nonces that requests of OAuth 1.0 had, for as long as their timestamps are taken (RFC 5849, section 3.3).
 *
 * @module
 */

/** Most nonces that are remembered. */
const MAX_NONCES = 100_000;

/** What is to be known of a nonce. */
export type NonceUse =
  /** Not used before, and remembered now. */
  | "fresh"
  /** Used before. */
  | "repeated"
  /** Of a time of which nonces had to be forgotten: it may have been used before. */
  | "forgotten";

/**
 * Remembers nonces by their times. At the bound those of the oldest time are forgotten, and everything of that time or
 * an older one is refused from then on: the window becomes shorter, and nothing passes twice.
 */
export class UsedNonces {
  readonly #most: number;
  readonly #byTime = new Map<number, Set<string>>();
  #count = 0;
  #forgottenUntil = -Infinity;
  #sweptAt = -Infinity;

  /** @param most how many nonces are remembered */
  constructor(most: number = MAX_NONCES) {
    this.#most = most;
  }

  /** Whether a nonce would be `fresh`. */
  judge(time: number, nonce: string): NonceUse {
    if (this.#byTime.get(time)?.has(nonce) === true) return "repeated";
    return time <= this.#forgottenUntil ? "forgotten" : "fresh";
  }

  /**
   * Takes a nonce, once. To be called for requests whose signature is right: it takes memory.
   *
   * @param time that the nonce belongs to, in seconds
   * @param now in seconds
   * @param keepSeconds how long the time of a nonce may be past
   */
  use(time: number, nonce: string, now: number, keepSeconds: number): NonceUse {
    this.#sweep(now, keepSeconds);
    const use = this.judge(time, nonce);
    if (use !== "fresh") return use;
    while (this.#count >= this.#most) this.#forgetOldest();
    // The nonce's own time may be what had to be forgotten.
    if (time <= this.#forgottenUntil) return "forgotten";
    let nonces = this.#byTime.get(time);
    if (nonces === undefined) this.#byTime.set(time, nonces = new Set());
    nonces.add(nonce);
    this.#count++;
    return "fresh";
  }

  /** Once a second, of as many times as there are seconds in a window. */
  #sweep(now: number, keepSeconds: number): void {
    if (now === this.#sweptAt) return;
    this.#sweptAt = now;
    for (const time of this.#byTime.keys()) if (time < now - keepSeconds) this.#forget(time);
  }

  #forgetOldest(): void {
    this.#forget(Math.min(...this.#byTime.keys()));
  }

  /** Also of a time that is past: the clock may be set back, and the window become longer. */
  #forget(time: number): void {
    this.#count -= this.#byTime.get(time)?.size ?? 0;
    this.#byTime.delete(time);
    this.#forgottenUntil = Math.max(this.#forgottenUntil, time);
  }
}
