/**
 * One of several targets of webhooks: whether it is used or left alone, and for how long.
 *
 * @module
 */

import { Backoff, type BackoffGrowth } from "../../../time/backoff.ts";

/** One attempt at a target. */
export interface TargetAttempt {
  /** Counts how often the target went down before: what an earlier attempt shows is no news then. */
  readonly era: number;
  /** Whether it shows if a target that is down is back. */
  readonly isTrial: boolean;
}

/** What is known of a target. */
export class TargetState {
  /** Its origin: nothing of its path, which may be a secret. */
  readonly origin: string;
  /** Events that it has taken. */
  events = 0;
  readonly #pauses: Backoff;
  #failures = 0;
  #era = 0;
  #trials = 0;
  /** While it is down: when it is asked again, by the clock that callers use. */
  #dueAt: number | undefined;
  #restsUntil = 0;

  /** @param pauses how long it is left alone after failures in a row */
  constructor(origin: string, pauses: BackoffGrowth) {
    this.origin = origin;
    this.#pauses = new Backoff(pauses);
  }

  get isUp(): boolean {
    return this.#dueAt === undefined;
  }

  /** Failures in a row that were news. */
  get failures(): number {
    return this.#failures;
  }

  /** When it is asked again; 0 while it is up. */
  get dueAt(): number {
    return this.#dueAt ?? 0;
  }

  /** Until when it wants to be left alone, which is not undercut; 0 if it has not asked for that. */
  get restsUntil(): number {
    return this.#restsUntil;
  }

  /** Whether it may get an event now: it is up, or due and nobody asks it yet. */
  isUsable(now: number): boolean {
    return this.#dueAt === undefined || (this.#dueAt <= now && this.#trials === 0);
  }

  /** An event goes there. */
  begin(): TargetAttempt {
    const isTrial = !this.isUp;
    if (isTrial) this.#trials++;
    return { era: this.#era, isTrial };
  }

  /**
   * It has answered, whatever that was.
   *
   * @returns whether it was down until now
   */
  answered({ era, isTrial }: TargetAttempt): boolean {
    if (isTrial) this.#trials--;
    const isBack = !this.isUp && era === this.#era;
    if (isBack) this.#dueAt = undefined;
    if (this.isUp) this.#failures = 0;
    if (!isBack) return false;
    this.#restsUntil = 0;
    this.#pauses.reset();
    return true;
  }

  /**
   * It cannot be reached, does not answer in time, or fails.
   *
   * @param leastMs for how long it wants to be left alone, in milliseconds
   * @returns for how long it is left alone from now on, in milliseconds; `undefined` if that was known before
   */
  failed({ era, isTrial }: TargetAttempt, now: number, leastMs: number): number | undefined {
    if (isTrial) this.#trials--;
    if (era !== this.#era) return undefined;
    this.#era++;
    this.#failures++;
    const pauseMs = Math.max(this.#pauses.next(), leastMs);
    this.#dueAt = now + pauseMs;
    this.#restsUntil = leastMs > 0 ? now + leastMs : 0;
    return pauseMs;
  }
}
