import { assertEquals } from "@std/assert";
import { compileWebhook } from "../../../../src/config/compile/compiler.ts";
import { outputModules } from "../../../../src/modules/registry.ts";

const context = { environment: {}, modules: outputModules };

Deno.test("a setting of the module may stand beside module-config, as in the Python service's files", () => {
  const beside = compile({
    module: "kafka",
    topic: "orders",
    connection: "main",
    "module-config": { key: "fixed" },
  });
  const inside = compile({
    module: "kafka",
    connection: "main",
    "module-config": { topic: "orders", key: "fixed" },
  });
  assertEquals(beside, inside);
  assertEquals(
    compile({ module: "redis_rq", queue_name: "tasks", "module-config": { function: "app.run" } }),
    compile({ module: "redis_rq", "module-config": { queue_name: "tasks", function: "app.run" } }),
  );
});

Deno.test("what stands in module-config counts more than what stands beside it", () => {
  assertEquals(
    compile({ module: "kafka", topic: "beside", "module-config": { topic: "inside" } }),
    compile({ module: "kafka", "module-config": { topic: "inside" } }),
  );
});

Deno.test("a setting of the module may stand in the step of a chain, or beside the chain", () => {
  const expected = compile({
    chain: [{ module: "log" }, { module: "kafka", "module-config": { topic: "orders" } }],
  });
  assertEquals(compile({ chain: [{ module: "log" }, { module: "kafka", topic: "orders" }] }), expected);
  assertEquals(compile({ topic: "orders", chain: ["log", "kafka"] }), expected);
});

Deno.test("a key that neither the webhook nor its module knows is a problem wherever it stands", () => {
  for (
    const webhook of [
      { module: "log", topic: "orders" },
      { module: "kafka", topic: "orders", partitoin: 1 },
      { chain: [{ module: "log", topic: "orders" }, "log"] },
    ]
  ) {
    const compiled = compileWebhook(webhook, context);
    assertEquals("problems" in compiled && compiled.problems.map(({ code }) => code), ["schema"]);
  }
});

Deno.test("a setting beside module-config that is wrong is reported as one of the module", () => {
  const compiled = compileWebhook({ module: "kafka", topic: "no spaces allowed" }, context);
  assertEquals("problems" in compiled && compiled.problems.map(({ path }) => path), ["module-config.topic"]);
});

/** The steps of a webhook that has no problems. */
function compile(webhook: Record<string, unknown>): unknown {
  const compiled = compileWebhook(webhook, context);
  if ("problems" in compiled) throw new Error(JSON.stringify(compiled.problems));
  return compiled.value.steps.map(({ name, moduleConfig, connectionName }) => ({
    name,
    moduleConfig,
    connectionName,
  }));
}
