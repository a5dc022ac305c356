import { assertEquals } from "@std/assert";
import { compileWebhook } from "../../../../src/config/compile/compiler.ts";
import { DURABLE_POLICY, NO_RETRY, scheduledPolicy } from "../../../../src/delivery/retry_policy.ts";
import { outputModules } from "../../../../src/modules/registry.ts";

/** What `retry` of a webhook compiles to: its policy, or the paths of its problems. */
function compiled(retry: unknown): unknown {
  const result = compileWebhook({ module: "log", retry }, { environment: {}, modules: outputModules });
  return "value" in result ? result.value.steps[0]?.retry : result.problems.map(({ path }) => path);
}

Deno.test("retry takes what it does not say from the usual policy of the journal", () => {
  assertEquals(compiled({}), DURABLE_POLICY);
  assertEquals(compiled({ max_attempts: 5, initial_delay: "0.5", max_delay: 60, backoff_multiplier: 3 }), {
    maxAttempts: 5,
    initialDelayMs: 500,
    maxDelayMs: 60_000,
    multiplier: 3,
  });
  assertEquals(compiled({ enabled: false, max_attempts: 5 }), NO_RETRY);
});

Deno.test("a schedule stands in the place of the formula, and is switched off as it is", () => {
  assertEquals(compiled({ schedule: [5, "300", 0.5] }), scheduledPolicy([5_000, 300_000, 500]));
  assertEquals(compiled({ schedule: [5], enabled: false }), NO_RETRY);
});

Deno.test("a schedule beside a key of the formula, or with anything but pauses, is a problem", () => {
  for (const key of ["max_attempts", "initial_delay", "max_delay", "backoff_multiplier"]) {
    assertEquals(compiled({ schedule: [5], [key]: 2 }), [`retry.${key}`]);
  }
  assertEquals(compiled({ schedule: [5], max_attempts: 2, max_delay: 60 }), [
    "retry.max_attempts",
    "retry.max_delay",
  ]);
  const wrong: readonly (readonly [schedule: unknown, path: string])[] = [
    [[], "retry.schedule"],
    [5, "retry.schedule"],
    [[5, -1], "retry.schedule.1"],
    [[604_801], "retry.schedule.0"],
    [["soon"], "retry.schedule.0"],
    [Array(1000).fill(1), "retry.schedule"],
  ];
  for (const [schedule, path] of wrong) {
    assertEquals(compiled({ schedule }), [path], JSON.stringify(schedule));
  }
});
