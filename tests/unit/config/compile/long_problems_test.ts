import { assert, assertEquals, assertMatch } from "@std/assert";
import { compileConnection, compileWebhook } from "../../../../src/config/compile/compiler.ts";
import type { ProblemReason } from "../../../../src/config/problem.ts";
import { outputModules } from "../../../../src/modules/registry.ts";

const context = { environment: {}, modules: outputModules };
const LONG = "k".repeat(100_000);

function problemsOf(webhook: unknown): readonly ProblemReason[] {
  const compiled = compileWebhook(webhook, context);
  assert("problems" in compiled);
  return compiled.problems;
}

Deno.test("a name of a hundred thousand characters is a problem that shows a hundred of them", () => {
  const problems = [
    ...problemsOf({ module: "log", [LONG]: 1 }),
    ...problemsOf({ module: LONG }),
    ...compileConnection("one", { type: LONG }, context).warnings ?? [],
  ];
  assertEquals(problems.length, 3);
  for (const { message, path } of problems) {
    assertMatch(message, /'k{100}…'/);
    assert(message.length < 200 && path.length <= 100, message);
  }
});

Deno.test("of a hundred thousand wrong elements or unknown keys, fifty are described", () => {
  const names = Array.from({ length: 100_000 }, (_, index) => `name-${index}`);
  assertEquals(problemsOf({ module: "log", ip_whitelist: names }).length, 50);
  const unknown = Object.fromEntries(names.map((name) => [name, 1]));
  assertEquals(problemsOf({ module: "log", ...unknown }).length, 50);
});
