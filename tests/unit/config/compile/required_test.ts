import { assertEquals } from "@std/assert";
import {
  compileConnection,
  type CompileContext,
  compileWebhook,
} from "../../../../src/config/compile/compiler.ts";
import type { Compiled } from "../../../../src/config/problem.ts";
import { outputModules } from "../../../../src/modules/registry.ts";

const context: CompileContext = { environment: {}, modules: outputModules };

/** What is wrong with a value, as path and message. */
function problemsOf(compiled: Compiled<unknown>): string[] {
  return "problems" in compiled ? compiled.problems.map(({ path, message }) => `${path}: ${message}`) : [];
}

Deno.test("a key that is missing is said to be required, and one that is wrong is said to be wrong", () => {
  const webhook = (value: unknown) => problemsOf(compileWebhook(value, context, "default"));
  const connection = (value: unknown) => problemsOf(compileConnection("one", value, context));
  assertEquals(connection({}), ["type: Is required"]);
  assertEquals(webhook({ module: "kafka", connection: "k" }), ["module-config.topic: Is required"]);
  assertEquals(webhook({ chain: [{ module: "kafka", connection: "k" }] }), [
    "chain.0.module-config.topic: Is required",
  ]);
  // What a schema says by itself is more than that.
  assertEquals(webhook({}), ["module: Expected a 'module' or a 'chain'"]);
  const wrong = [...webhook({ module: 1 }), ...webhook({ module: null }), ...connection({ type: 1 })];
  assertEquals([wrong.length, wrong.filter((text) => text.includes("Is required"))], [3, []]);
});
