import { assert, assertEquals } from "@std/assert";
import * as fc from "fast-check";
import {
  DURABLE_POLICY,
  NO_RETRY,
  retryDelayMs,
  scheduledPolicy,
  WAITING_SENDER_POLICY,
  withBoundedRetryAfter,
} from "../../../src/delivery/retry_policy.ts";
import { DeliveryError } from "../../../src/errors.ts";

const FAILED = new DeliveryError("output_failed");

function asking(retryAfterSeconds: number): DeliveryError {
  return new DeliveryError("output_failed", undefined, { retryAfterSeconds });
}

const policy = { maxAttempts: 5, initialDelayMs: 100, maxDelayMs: 350 };

Deno.test("retryDelayMs doubles the upper bound of the delay up to the maximum", () => {
  const bounds = [1, 2, 3, 4].map((attempt) => retryDelayMs(policy, attempt, FAILED, 0.999999));
  assertEquals(bounds.map((bound) => Math.round(bound ?? NaN)), [100, 200, 350, 350]);
});

Deno.test("retryDelayMs gives up after the last attempt", () => {
  assertEquals(retryDelayMs(policy, 5, FAILED, 0), undefined);
  assertEquals(retryDelayMs(policy, 6, asking(1), 0), undefined);
});

Deno.test("retryDelayMs does not undercut what the output asked for, up to the longest delay", () => {
  assertEquals(retryDelayMs(policy, 1, asking(0.3), 0.5), 300);
  assertEquals(retryDelayMs(policy, 1, asking(0.001), 0.5), 50);
  assertEquals(retryDelayMs(policy, 1, asking(60), 0.5), 350);
  assertEquals(retryDelayMs({ ...policy, maxRetryAfterMs: 10_000 }, 1, asking(60), 0.5), 10_000);
});

Deno.test("the policies of webhooks that say nothing honour what outputs ask for up to an hour", () => {
  const hour = 3_600_000;
  for (const usual of [DURABLE_POLICY, WAITING_SENDER_POLICY]) {
    assertEquals(retryDelayMs(usual, 1, asking(59 * 60), 0), hour - 60_000);
    assertEquals(retryDelayMs(usual, 1, asking(86_400), 0), hour);
  }
  for (const usual of [DURABLE_POLICY, WAITING_SENDER_POLICY, NO_RETRY]) {
    assertEquals(withBoundedRetryAfter(usual, asking(86_400)).retryAfterSeconds, 3600);
    assertEquals(withBoundedRetryAfter(usual, asking(60)).retryAfterSeconds, 60);
    assertEquals(withBoundedRetryAfter(usual, FAILED), FAILED);
  }
});

Deno.test("a failure with a bounded Retry-After is the same failure otherwise", () => {
  const cause = new Error("underneath");
  const failure = new DeliveryError("output_unavailable", "away", { cause, retryAfterSeconds: 60 });
  const bounded = withBoundedRetryAfter(policy, failure);
  assertEquals(
    [bounded.code, bounded.message, bounded.cause, bounded.retryAfterSeconds],
    ["output_unavailable", "away", cause, 0.35],
  );
});

Deno.test("retryDelayMs spreads delays over the whole range from zero to the bound", () => {
  fc.assert(fc.property(
    fc.integer({ min: 1, max: 4 }),
    fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    (attempt, random) => {
      const delay = retryDelayMs(policy, attempt, FAILED, random);
      assert(delay !== undefined && delay >= 0 && delay < 350.001);
    },
  ));
});

Deno.test("a schedule is kept to, whatever the chance, and ends after its last delay", () => {
  const schedule = scheduledPolicy([5_000, 300_000, 0]);
  for (const random of [0, 0.5, 0.999999]) {
    const delays = [1, 2, 3, 4, 5].map((attempt) => retryDelayMs(schedule, attempt, FAILED, random));
    assertEquals(delays, [5_000, 300_000, 0, undefined, undefined]);
  }
});

Deno.test("a schedule never undercuts what the output asked for, however long that is", () => {
  const schedule = scheduledPolicy([5_000]);
  const week = 7 * 86_400;
  for (const seconds of [6, 3_601, week]) {
    assertEquals(retryDelayMs(schedule, 1, asking(seconds), 0), seconds * 1000);
    assertEquals(withBoundedRetryAfter(schedule, asking(seconds)).retryAfterSeconds, seconds);
  }
  assertEquals(retryDelayMs(schedule, 1, asking(4), 0), 5_000);
});
