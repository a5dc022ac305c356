/** When to try a failed delivery again: exponential with full jitter. */
export interface RetryPolicy {
  /** Attempts in all, the first one included. */
  readonly maxAttempts: number;
  /** Upper bound of the first delay, in milliseconds; multiplied for each further one. */
  readonly initialDelayMs: number;
  /** Upper bound of every delay, in milliseconds. */
  readonly maxDelayMs: number;
  /** What the bound grows by from one delay to the next. @default 2 */
  readonly multiplier?: number;
}

/** For senders that wait for the answer: their own retry is the safety net, so few and quick. */
export const WAITING_SENDER_POLICY: RetryPolicy = { maxAttempts: 3, initialDelayMs: 100, maxDelayMs: 1000 };

/**
 * For events in the journal, unless the webhook's `retry` says otherwise: up to eight hours until an event is
 * given up. Attempts are not used up while an output as a whole is out of reach (`output_scheduler.ts`).
 */
export const DURABLE_POLICY: RetryPolicy = { maxAttempts: 20, initialDelayMs: 1000, maxDelayMs: 3_600_000 };

/** One attempt, and no more. */
export const NO_RETRY: RetryPolicy = { maxAttempts: 1, initialDelayMs: 0, maxDelayMs: 0 };

/**
 * How long to wait before the next attempt, or `undefined` to give up. Full jitter spreads the retries of
 * many events that failed together evenly over the whole delay.
 *
 * @param attempt the attempt that failed, from 1
 * @param retryAfterMs what the output itself asked for, if it did: never undercut
 * @param random a number in [0, 1)
 */
export function retryDelayMs(
  policy: RetryPolicy,
  attempt: number,
  retryAfterMs: number | undefined,
  random: number,
): number | undefined {
  if (attempt >= policy.maxAttempts) return undefined;
  const growth = (policy.multiplier ?? 2) ** (attempt - 1);
  const bound = Math.min(policy.maxDelayMs, policy.initialDelayMs * growth);
  return Math.max(random * bound, retryAfterMs ?? 0);
}
