/**
 * When webhook requests stop to come to a gateway that is about to end: its listener should close while nobody
 * connects, since the system resets what it has not handed over yet.
 *
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";

/** So long after the last request no load balancer sends here any more, in milliseconds. */
const QUIET_MS = 2_000;

/** A pause between two requests in which the listener can close, in milliseconds. */
const LULL_MS = 200;

/** How long such a pause is waited for at the end of the time, in milliseconds. */
const LULL_TIMEOUT_MS = 1_000;

/**
 * The pause that must do where answers are held back, and how long they are at most, in milliseconds. On a busy
 * machine a request may be on its way from a sender through a proxy for longer than 50 ms.
 */
const HELD_LULL_MS = 150;
const HOLD_TIMEOUT_MS = 500;

/** Notes webhook requests since its construction. Answers then close their connections, so each is a new one. */
export class LastRequests {
  #lastAt = performance.now();
  #held: PromiseWithResolvers<void> | undefined;

  /** A request for a webhook has come. */
  arrived(): void {
    this.#lastAt = performance.now();
  }

  /**
   * Resolves when the listener should close: no request has come for 2 s; or `graceMs` are over and none has come
   * for 200 ms; or another second is over too, and answers are held back. With 0 ms at once.
   *
   * @returns whether requests had stopped to come
   */
  async ended(graceMs: number): Promise<boolean> {
    if (graceMs === 0) return false;
    if (await this.#pause(QUIET_MS, graceMs) || await this.#pause(LULL_MS, LULL_TIMEOUT_MS)) return true;
    this.#held = Promise.withResolvers();
    await this.#pause(HELD_LULL_MS, HOLD_TIMEOUT_MS);
    return false;
  }

  /**
   * What an answer has to wait for; `undefined` when nothing. Where requests come without a pause, answers are
   * held back until the listener is closed: senders that wait for one connect no more meanwhile.
   */
  get held(): Promise<void> | undefined {
    return this.#held?.promise;
  }

  /** The listener stays open after all: answers are held back no more, and silence counts from now on. */
  beginAgain(): void {
    this.release();
    this.#held = undefined;
    this.arrived();
  }

  /** The listener is closed. */
  release(): void {
    this.#held?.resolve();
  }

  /** Waits until no request has come for a while, at most `limitMs`. Returns whether it was so. */
  async #pause(quietMs: number, limitMs: number): Promise<boolean> {
    const endsAt = performance.now() + limitMs;
    for (;;) {
      const now = performance.now();
      const quietIn = this.#lastAt + quietMs - now;
      if (quietIn <= 0) return true;
      if (now >= endsAt) return false;
      await sleep(Math.ceil(Math.min(quietIn, endsAt - now)));
    }
  }
}
