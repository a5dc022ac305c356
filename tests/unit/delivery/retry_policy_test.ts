import { assert, assertEquals } from "@std/assert";
import * as fc from "fast-check";
import { retryDelayMs } from "../../../src/delivery/retry_policy.ts";

const policy = { maxAttempts: 5, initialDelayMs: 100, maxDelayMs: 350 };

Deno.test("retryDelayMs doubles the upper bound of the delay up to the maximum", () => {
  const bounds = [1, 2, 3, 4].map((attempt) => retryDelayMs(policy, attempt, undefined, 0.999999));
  assertEquals(bounds.map((bound) => Math.round(bound ?? NaN)), [100, 200, 350, 350]);
});

Deno.test("retryDelayMs gives up after the last attempt", () => {
  assertEquals(retryDelayMs(policy, 5, undefined, 0), undefined);
  assertEquals(retryDelayMs(policy, 6, 1000, 0), undefined);
});

Deno.test("retryDelayMs never undercuts what the output asked for", () => {
  assertEquals(retryDelayMs(policy, 1, 5000, 0.5), 5000);
});

Deno.test("retryDelayMs spreads delays over the whole range from zero to the bound", () => {
  fc.assert(fc.property(
    fc.integer({ min: 1, max: 4 }),
    fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    (attempt, random) => {
      const delay = retryDelayMs(policy, attempt, undefined, random);
      assert(delay !== undefined && delay >= 0 && delay < 350.001);
    },
  ));
});
