import { assert, assertEquals } from "@std/assert";
import { compileWebhook } from "../../../../src/config/compile/compiler.ts";
import { outputModules } from "../../../../src/modules/registry.ts";

const context = { environment: { SECRET: "of the environment" }, modules: outputModules } as const;

function compiled(json: unknown) {
  const result = compileWebhook(json, context);
  assert("value" in result);
  return result.value;
}

Deno.test("webhooks that deliver alike share their steps, whatever else they differ in", () => {
  const delivery = { module: "log", "module-config": { pretty_print: true } };
  const one = compiled({ ...delivery, authorization: "Bearer one" });
  const other = compiled({ ...delivery, authorization: "Bearer other", max_body_bytes: 10 });
  assert(one.steps === other.steps);
  assertEquals([one.maxBodyBytes, other.maxBodyBytes], [undefined, 10]);
  assert(one.authenticator !== other.authenticator);
});

Deno.test("webhooks that deliver in different ways share no steps", () => {
  const deliveries = [
    { module: "log" },
    { module: "log", "module-config": { pretty_print: true } },
    { module: "log", retry: { max_attempts: 2 } },
    { module: "http_webhook", "module-config": { url: "http://one.example/" } },
    { module: "http_webhook", "module-config": { url: "http://two.example/" } },
    { chain: ["log"] },
  ];
  const steps = deliveries.map((delivery) => compiled(delivery).steps);
  assertEquals(new Set(steps).size, deliveries.length);
  assertEquals(steps.map(([step]) => step?.module.name), [
    "log",
    "log",
    "log",
    "http_webhook",
    "http_webhook",
    "log",
  ]);
});

Deno.test("modules of the same name in two gateways are told apart", () => {
  const [log] = outputModules.filter(({ name }) => name === "log");
  const own = { ...log!, reads: "bytes" as const };
  const result = compileWebhook({ module: "log" }, { environment: {}, modules: [own] });
  assert("value" in result);
  assert(result.value.steps[0]?.module === own);
  assert(compiled({ module: "log" }).steps[0]?.module === log);
});

Deno.test("steps of webhooks that all deliver in different ways are kept up to a bound", () => {
  const deliver = (path: number) =>
    compiled({ module: "http_webhook", "module-config": { url: `http://host.example/${path}` } }).steps;
  const first = deliver(0);
  assert(deliver(0) === first);
  for (let path = 1; path <= 1_000; path++) deliver(path);
  assert(deliver(0) !== first);
  assert(deliver(1_000) === deliver(1_000));
});
