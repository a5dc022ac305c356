import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  RetrySchedule,
  type RetryScheduleOptions,
  type TryResult,
} from "../../../../src/config/etcd/retry_schedule.ts";

const FAILED: TryResult = { healthy: false, resync: false };
const HEALTHY: TryResult = { healthy: true, resync: false };
const RESYNC: TryResult = { healthy: false, resync: true };

function schedule(options: Partial<RetryScheduleOptions> = {}): RetrySchedule {
  return new RetrySchedule({
    endpoints: 1,
    initialMs: 1_000,
    maxMs: 60_000,
    quickMs: 200,
    random: () => 1,
    ...options,
  });
}

function pauses(of: RetrySchedule, results: readonly TryResult[]): number[] {
  return results.map((result) => of.next(result));
}

Deno.test("retry schedule doubles the pause from one second to a minute", () => {
  assertEquals(pauses(schedule(), Array(9).fill(FAILED)), [
    1_000,
    2_000,
    4_000,
    8_000,
    16_000,
    32_000,
    60_000,
    60_000,
    60_000,
  ]);
});

Deno.test("retry schedule tries all endpoints before it pauses", () => {
  assertEquals(pauses(schedule({ endpoints: 3 }), Array(6).fill(FAILED)), [0, 0, 1_000, 0, 0, 2_000]);
});

Deno.test("retry schedule comes back quickly after a healthy connection, and begins anew", () => {
  const subject = schedule();
  assertEquals(pauses(subject, [FAILED, FAILED, HEALTHY, FAILED]), [1_000, 2_000, 200, 1_000]);
});

Deno.test("retry schedule lists at once when etcd has lost its history, but not again and again", () => {
  const subject = schedule();
  assertEquals(pauses(subject, [RESYNC, RESYNC, RESYNC, HEALTHY, RESYNC]), [0, 1_000, 2_000, 200, 0]);
});

Deno.test("retry schedule makes half of each pause random", () => {
  assertEquals(schedule({ random: () => 0 }).next(FAILED), 500);
  assertEquals(schedule({ random: () => 0 }).next(HEALTHY), 0);
});

Deno.test("retry schedule never waits longer than its limit, however long etcd is away", () => {
  const result = fc.constantFrom(FAILED, FAILED, FAILED, HEALTHY, RESYNC);
  fc.assert(
    fc.property(
      fc.array(result, { maxLength: 200 }),
      fc.integer({ min: 1, max: 5 }),
      (results, endpoints) => {
        const subject = schedule({ endpoints, random: () => 0.999 });
        for (const pause of pauses(subject, results)) assert(pause >= 0 && pause <= 60_000);
      },
    ),
  );
});

Deno.test("retry schedule pauses at least once in every round over the endpoints", () => {
  const result = fc.constantFrom(FAILED, RESYNC);
  fc.assert(fc.property(fc.array(result, { minLength: 5, maxLength: 50 }), (results) => {
    // One immediate try for a list, one for each further endpoint; after that a pause has to come.
    const taken = pauses(schedule({ endpoints: 3 }), results);
    for (let start = 0; start + 4 <= taken.length; start++) {
      assert(taken.slice(start, start + 4).some((pause) => pause > 0));
    }
  }));
});
