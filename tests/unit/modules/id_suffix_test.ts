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
function idOf(module: OutputModule, form?: string): string {
  const config = module.configSchema.parse(SETTINGS[module.name]);
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
