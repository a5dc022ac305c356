/**
 * When a failed delivery is tried again, and when it is given up.
 *
 * @module
 */

import { DeliveryError, type DeliveryErrorCode } from "../errors.ts";
import { MAX_RETRY_AFTER_SECONDS } from "../io/retry_after.ts";
import { backoffBoundMs } from "../time/backoff.ts";

/** When to try a failed delivery again: exponential with full jitter, or by a schedule. */
export interface RetryPolicy {
  /** Attempts in all, the first one included. */
  readonly maxAttempts: number;
  /** Upper bound of the first delay, in milliseconds; multiplied for each further one. */
  readonly initialDelayMs: number;
  /** Upper bound of every delay, in milliseconds. */
  readonly maxDelayMs: number;
  /** What the bound grows by from one delay to the next. @default 2 */
  readonly multiplier?: number;
  /** Longest delay that an output may ask for (`Retry-After`), in milliseconds. @default maxDelayMs */
  readonly maxRetryAfterMs?: number;
  /** The delays themselves in milliseconds, one less than attempts. @default those that the other members lead to */
  readonly scheduleMs?: readonly number[];
}

/** The longest delay unless a webhook's `max_delay` says otherwise, in milliseconds. */
const USUAL_MAX_DELAY_MS = 3_600_000;

/** For senders that wait for the answer: their own retry is the safety net, so few and quick. */
export const WAITING_SENDER_POLICY: RetryPolicy = {
  maxAttempts: 3,
  initialDelayMs: 100,
  maxDelayMs: 1000,
  maxRetryAfterMs: USUAL_MAX_DELAY_MS,
};

/**
 * For events in the journal, unless the webhook's `retry` says otherwise: up to eight hours until an event is
 * given up. Attempts are not used up while an output as a whole is out of reach (`output_scheduler.ts`).
 */
export const DURABLE_POLICY: RetryPolicy = {
  maxAttempts: 20,
  initialDelayMs: 1000,
  maxDelayMs: USUAL_MAX_DELAY_MS,
};

/** One attempt, and no more. */
export const NO_RETRY: RetryPolicy = {
  maxAttempts: 1,
  initialDelayMs: 0,
  maxDelayMs: 0,
  maxRetryAfterMs: USUAL_MAX_DELAY_MS,
};

/**
 * Attempts after exactly these delays. An output that asks for longer ones (`Retry-After`) gets them, however long.
 *
 * @param scheduleMs at least one delay, in milliseconds
 */
export function scheduledPolicy(scheduleMs: readonly number[]): RetryPolicy {
  return {
    maxAttempts: scheduleMs.length + 1,
    initialDelayMs: 0,
    maxDelayMs: Math.max(...scheduleMs),
    maxRetryAfterMs: MAX_RETRY_AFTER_SECONDS * 1000,
    scheduleMs,
  };
}

/**
 * How long to wait before the next attempt, or `undefined` to give up. Full jitter spreads the retries of
 * many events that failed together evenly over the whole delay.
 *
 * @param attempt the attempt that failed, from 1
 * @param failure what it failed with; the delay that it asks for is not undercut, as far as the policy allows it
 * @param random a number in [0, 1)
 */
export function retryDelayMs(
  policy: RetryPolicy,
  attempt: number,
  failure: DeliveryError,
  random: number,
): number | undefined {
  if (attempt >= policy.maxAttempts) return undefined;
  const asked = Math.min(longestAskedMs(policy), (failure.retryAfterSeconds ?? 0) * 1000);
  return Math.max(ownDelayMs(policy, attempt, random), asked);
}

function ownDelayMs(policy: RetryPolicy, attempt: number, random: number): number {
  const { initialDelayMs: initialMs, maxDelayMs: maxMs, multiplier = 2, scheduleMs } = policy;
  return scheduleMs?.[attempt - 1] ?? random * backoffBoundMs({ initialMs, maxMs, multiplier }, attempt);
}

/** The longest delay of a policy, in milliseconds. */
export function longestDelayMs(policy: RetryPolicy): number {
  return Math.max(policy.maxDelayMs, longestAskedMs(policy));
}

/** The failure as the sender hears of it, who is not asked to wait for longer than the policy allows either. */
export function withBoundedRetryAfter(policy: RetryPolicy, failure: DeliveryError): DeliveryError {
  const longest = longestAskedMs(policy) / 1000;
  const { code, message, cause, retryAfterSeconds = 0 } = failure;
  if (retryAfterSeconds <= longest) return failure;
  return new DeliveryError(code as DeliveryErrorCode, message, { cause, retryAfterSeconds: longest });
}

function longestAskedMs({ maxDelayMs, maxRetryAfterMs = maxDelayMs }: RetryPolicy): number {
  return maxRetryAfterMs;
}
