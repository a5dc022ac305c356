import { assert, assertEquals } from "@std/assert";
import { TargetState } from "../../../../../src/modules/http_webhook/targets/target_state.ts";

const PAUSES = { initialMs: 500, maxMs: 30_000 };

/** Fails an attempt, and returns for how long the target is left alone. */
function fail(state: TargetState, now: number, leastMs = 0): number {
  const pauseMs = state.failed(state.begin(), now, leastMs);
  assert(pauseMs !== undefined);
  return pauseMs;
}

Deno.test("a target that failed is left alone for longer each time, and asked by one event then", () => {
  const state = new TargetState("https://one.example", PAUSES);
  let now = 0;
  const pauses = Array.from({ length: 9 }, () => {
    const pauseMs = fail(state, now);
    assert(!state.isUsable(now) && !state.isUsable(now + pauseMs - 1));
    now += pauseMs;
    assert(state.isUsable(now));
    return pauseMs;
  });
  for (const [index, pauseMs] of pauses.entries()) {
    const bound = Math.min(500 * 2 ** index, 30_000);
    assert(pauseMs >= bound / 2 && pauseMs <= bound, `${index}: ${pauseMs}`);
  }
  const trial = state.begin();
  assert(trial.isTrial && !state.isUsable(now));
  assert(state.answered(trial));
  assert(state.isUp && state.isUsable(now) && !state.answered(state.begin()));
  assert(fail(state, now) <= 500);
});

Deno.test("a target is left alone for as long as it wants to be", () => {
  const state = new TargetState("https://one.example", PAUSES);
  assertEquals(fail(state, 0, 60_000), 60_000);
  assert(!state.isUsable(59_999) && state.isUsable(60_000));
});

Deno.test("what began before a target went down shows nothing about it", () => {
  const state = new TargetState("https://one.example", PAUSES);
  const before = [state.begin(), state.begin(), state.begin()];
  const pauseMs = state.failed(before[0]!, 0, 0);
  assertEquals(state.failed(before[1]!, 100, 0), undefined);
  assert(!state.answered(before[2]!));
  assert(!state.isUp);
  assertEquals(state.dueAt, pauseMs);
});
