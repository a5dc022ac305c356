import { assertEquals } from "@std/assert";
import type { OutputModule } from "../../../src/modules/module.ts";
import { outputModules } from "../../../src/modules/registry.ts";

/** The ones that take a second message of one id for a repetition, with the settings that they need. */
const SETTINGS: Readonly<Record<string, unknown>> = {
  aws_sqs: { queue_url: "https://sqs.eu-central-1.amazonaws.com/123456789012/orders.fifo" },
  nats: { subject: "orders" },
  redis_rq: { function: "shop.tasks.process" },
  redis_stream: { stream: "orders" },
  task_queue: { protocol: "celery", function: "shop.tasks.process" },
};

const EVENT = { id: "an-event" };

/** What ends the ids of the messages of one step. */
function idOf(module: OutputModule, form?: string, options = {}): string {
  const config = module.configSchema.parse({ ...SETTINGS[module.name] as object, ...options });
  const traits = { dataType: "json", ...(form === undefined ? {} : { form }) } as const;
  const { idSuffix, deduplicationId } = (module.forWebhook?.(config, traits) ?? config) as {
    idSuffix?: string;
    deduplicationId?: (event: typeof EVENT) => string;
  };
  return idSuffix ?? deduplicationId!(EVENT);
}

Deno.test("messages of an event in several forms are no repetitions, and those in one form are", () => {
  const modules = outputModules.filter(({ name }) => Object.hasOwn(SETTINGS, name));
  assertEquals(modules.length, Object.keys(SETTINGS).length);
  for (const module of modules) {
    const ids = [undefined, "one", "other"].map((form) => idOf(module, form));
    assertEquals(new Set(ids).size, 3, module.name);
    assertEquals(idOf(module, "one"), ids[1], module.name);
  }
});

/** What makes another job or entry of an event, and what changes nothing of it. */
const OPTIONS: Readonly<Record<string, readonly [others: readonly object[], same: readonly object[]]>> = {
  redis_rq: [
    [{ meta: { to: "a" } }, { meta: { to: "b" } }, { serializer: "json" }, { timeout: 5 }, { retries: 2 }],
    [{ dedup_ttl: 5 }, { serializer: "pickle" }, { retries: "0" }],
  ],
  redis_stream: [[{ format: "raw" }, { field: "body" }, { stream: "other" }], [{ maxlen: 5 }, {
    dedup_ttl: 5,
  }]],
  task_queue: [[{ timeout: 5 }, { ttl: 5 }, { timeout: 5, ttl: 5 }], [{ dedup_ttl: 5 }, {
    queue_name: "celery",
  }]],
};

Deno.test("steps that make different jobs of an event are no repetitions of one another", () => {
  for (const [name, [others, same]] of Object.entries(OPTIONS)) {
    const module = outputModules.find((one) => one.name === name)!;
    const plain = idOf(module);
    const ids = others.map((options) => idOf(module, undefined, options));
    assertEquals(new Set([plain, ...ids]).size, others.length + 1, name);
    assertEquals(new Set(same.map((options) => idOf(module, undefined, options))), new Set([plain]), name);
  }
  // As they were before options counted, so that nothing is enqueued twice by an upgrade.
  const [rq, tasks] = ["redis_rq", "task_queue"].map((name) =>
    outputModules.find((one) => one.name === name)!
  );
  assertEquals([idOf(rq!), idOf(tasks!)], ["-6f6349b1", "-5122801f"]);
});
