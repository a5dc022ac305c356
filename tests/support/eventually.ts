import { setTimeout as sleep } from "node:timers/promises";
import { patient } from "./patience.ts";

export interface EventuallyOptions {
  /** How long the condition may take to hold, in milliseconds. It only bounds failures. @default 10000 */
  readonly timeoutMs?: number;
  /** The pause between two looks, in milliseconds. @default 10 */
  readonly intervalMs?: number;
}

/**
 * Waits until a condition holds, that is until it neither throws nor returns `false`, and returns what it
 * returned. Prefer something that can be awaited; this is for what can only be looked at.
 *
 *     await eventually(() => assertEquals(target.requests.length, 3));
 *
 * @throws whatever the condition threw last, when it does not hold in time
 */
export async function eventually<T>(
  condition: () => T | Promise<T>,
  { timeoutMs = 10_000, intervalMs = 10 }: EventuallyOptions = {},
): Promise<T> {
  const deadline = performance.now() + patient(timeoutMs);
  while (true) {
    let failure: unknown;
    try {
      const value = await condition();
      if (value !== false) return value;
      failure = new Error(`The condition did not hold within ${timeoutMs} ms`);
    } catch (error) {
      failure = error;
    }
    if (performance.now() >= deadline) throw failure;
    await sleep(intervalMs);
  }
}
