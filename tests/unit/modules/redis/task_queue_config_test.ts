import { assert, assertEquals } from "@std/assert";
import { outputModulesWithin } from "../../../../src/modules/registry.ts";
import { taskQueueConfigSchema } from "../../../../src/modules/redis/task_queue/config.ts";
import { loadOutputBounds } from "../../../../src/settings/load.ts";

const FUNCTION = "shop.tasks.record";

function problemsOf(value: object): string {
  const { error } = taskQueueConfigSchema.safeParse({ function: FUNCTION, ...value });
  return JSON.stringify(error?.issues ?? []);
}

Deno.test("task_queue has the keys that workers of each protocol have unless they are changed", () => {
  const keysOf = (settings: object) => {
    const { queueKey, tasksKey, markPrefix, node } = taskQueueConfigSchema.parse({
      function: FUNCTION,
      ...settings,
    });
    return [queueKey, tasksKey, markPrefix, node];
  };
  const mark = "cwm:task:";
  assertEquals(keysOf({ protocol: "celery" }), ["celery", "", mark, ""]);
  assertEquals(keysOf({ protocol: "celery", queue_name: "high", key_prefix: "acme:" }), [
    "acme:high",
    "",
    mark,
    "",
  ]);
  assertEquals(keysOf({ protocol: "dramatiq" }), ["dramatiq:default", "dramatiq:default.msgs", mark, ""]);
  assertEquals(keysOf({ protocol: "dramatiq", key_prefix: "{acme}", queue_name: "high" }), [
    "{acme}:high",
    "{acme}:high.msgs",
    "cwm:task:{acme}:",
    "acme",
  ]);
  assertEquals(keysOf({ protocol: "arq" }), ["arq:queue", "arq:job:", mark, ""]);
  assertEquals(keysOf({ protocol: "taskiq", queue_name: "{q}" }), ["{q}", "", "cwm:task:{q}:", "q"]);
});

Deno.test("task_queue refuses what messages of a protocol cannot say, by the key that says it", () => {
  const refused: readonly [protocol: string, settings: object][] = [
    ["celery", { retries: 1 }],
    ["celery", { serializer: "pickle" }],
    ["celery", { queue_type: "list" }],
    ["dramatiq", { serializer: "pickle" }],
    ["dramatiq", { queue_name: "a b" }],
    ["dramatiq", { queue_name: "high.DQ" }],
    ["arq", { key_prefix: "acme" }],
    ["arq", { timeout: 5 }],
    ["arq", { retries: 1 }],
    ["taskiq", { ttl: 5 }],
    ["taskiq", { key_prefix: "acme" }],
    ["celery", { ttl: 0 }],
    ["celery", { queue_name: "a\nb" }],
    ["celery", { key_prefix: "a b" }],
    ["celery", { meta: {} }],
    ["rq", {}],
  ];
  for (const [protocol, settings] of refused) {
    const [key = "protocol"] = Object.keys(settings);
    assert(
      problemsOf({ protocol, ...settings }).includes(`"${key}"`),
      `${protocol} ${JSON.stringify(settings)}`,
    );
  }
  for (const protocol of ["celery", "dramatiq", "taskiq", "arq"]) {
    assertEquals(problemsOf({ protocol, serializer: "json", dedup_ttl: "60" }), "[]");
  }
});

Deno.test("task_queue takes names of functions as workers have them, and none that is Celery's own", () => {
  for (const name of ["record", FUNCTION, "shop.tasks:record", "process-order", "_a", "Shop.Orders.handle"]) {
    assertEquals(problemsOf({ protocol: "celery", function: name }), "[]", name);
  }
  for (const name of ["", "celery.chord", "a b", '"', "a\\", "é", "2nd", "a\n", "a".repeat(256), "f()"]) {
    assert(problemsOf({ protocol: "celery", function: name }).includes('"function"'), name);
  }
});

Deno.test("tasks name the functions of TASK_FUNCTIONS and no others", () => {
  const module = outputModulesWithin(
    loadOutputBounds({ TASK_FUNCTIONS: "shop.tasks.*, process_*, shop:run" }),
  )
    .find(({ name }) => name === "task_queue")!;
  const permits = (name: string) =>
    module.configSchema.safeParse({ protocol: "celery", function: name }).success;
  for (const name of ["shop.tasks.record", "process_order", "shop:run"]) assert(permits(name), name);
  for (const name of ["shop.tasks", "shop.tasks.a.b", "record", "my_process_order", "shop:runs"]) {
    assert(!permits(name), name);
  }
});
