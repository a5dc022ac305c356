/**
 * When a target has failed for so long that its webhook is switched off.
 *
 * @module
 */

import type { DeliveryError } from "../../errors.ts";

/** When a webhook is switched off, and how often it is tried then. */
export interface SwitchOffPolicy {
  /** No delivery has succeeded for so long, in milliseconds. @default Infinity */
  readonly afterMs: number;
  /** So many attempts have failed in a row. @default Infinity */
  readonly failures: number;
  /** Whether an output that says that it is gone is enough. */
  readonly whenGone: boolean;
  /** The longest time between two tries while it is off, in milliseconds. */
  readonly tryEveryMs: number;
}

/** So many failures in a row are those of the target, and not of single events, once they go on for so long. */
const STREAK = 3;
const STREAK_MS = 1_000;

/** The failures of a webhook or an output since its last success. Times are `performance.now()`. */
export class Failures {
  #count = 0;
  /** Those of them that have used up an attempt. */
  #attempts = 0;
  #since = 0;

  /** Whether there are any. */
  get any(): boolean {
    return this.#count > 0;
  }

  /** @param usesAttempt `false` where the target has asked for a pause. @default true */
  add(now: number, usesAttempt = true): void {
    if (this.#count++ === 0) this.#since = now;
    if (usesAttempt) this.#attempts++;
  }

  /** A delivery has succeeded. */
  reset(): void {
    this.#count = this.#attempts = 0;
  }

  /** Whether the target fails, and not only single events. */
  isStreak(now: number): boolean {
    return this.#count >= STREAK && now - this.#since >= STREAK_MS;
  }

  /** Whether the policy has the webhook switched off now. Few failures alone say nothing of a time. */
  reach({ afterMs, failures }: SwitchOffPolicy, now: number): boolean {
    return this.#attempts >= failures || (this.isStreak(now) && now - this.#since >= afterMs);
  }

  /** How many in how long, for operators. */
  describe(now: number): string {
    const seconds = Math.round((now - this.#since) / 1000);
    return `${this.#count} attempts in a row failed within ${seconds} s`;
  }
}

/** Whether the failure says that the target takes nothing, and not only this event, or the gateway. */
export function isOfTarget({ code, disposition, isGone }: DeliveryError): boolean {
  return isGone || (disposition === "retry" && code !== "overloaded" && code !== "internal_error");
}
