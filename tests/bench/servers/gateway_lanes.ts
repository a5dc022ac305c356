// The gateway with durable webhooks of four kinds of outputs, each of them with an output of its own:
// `hung` never answers, `slow` takes 100 ms an event, `quick` and `well` take each event at once; `http` sends to
// the URL in TARGET. `well` prints for each event how many milliseconds passed from its receipt to its delivery.
// Usage: gateway_lanes.ts, with PORT, DATA_DIR and TARGET in the environment
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { serve } from "../../../src/cli/serve.ts";
import type { Delivery, DeliveryResult, OutputModule } from "../../../src/modules/module.ts";
import { httpWebhookModule } from "../../../src/modules/http_webhook/http_webhook.ts";
import { loadSettings } from "../../../src/settings/load.ts";

const HOUR_MS = 3_600_000;
const DELIVERED = ["delivered"] as const;

function moduleOf(
  name: string,
  deliver: (batch: readonly Delivery[]) => readonly DeliveryResult[] | Promise<readonly DeliveryResult[]>,
): OutputModule {
  return {
    name,
    connectionTypes: [],
    configSchema: z.strictObject({}),
    acceptance: "durable",
    reads: "text",
    timeoutMs: () => HOUR_MS,
    open: () =>
      Promise.resolve({
        deliver,
        probe: () => Promise.resolve(),
        [Symbol.asyncDispose]: () => Promise.resolve(),
      }),
  };
}

const modules = [
  httpWebhookModule,
  moduleOf("hung", () => new Promise(() => {})),
  moduleOf("slow", async () => {
    await sleep(100);
    return DELIVERED;
  }),
  moduleOf("quick", () => DELIVERED),
  moduleOf("well", (batch) => {
    const now = performance.timeOrigin + performance.now();
    const delays = batch.map(({ event }) => `delivered ${(now - event.receivedAt).toFixed(1)}\n`).join("");
    Deno.stdout.writeSync(new TextEncoder().encode(delays));
    return DELIVERED;
  }),
];

const file = await Deno.makeTempFile({ suffix: ".json" });
const webhooks = Object.fromEntries(
  ["hung", "slow", "quick", "well"].map((module) => [module, { module }]),
);
// Delivered while the sender waits: needs no journal.
await Deno.writeTextFile(
  file,
  JSON.stringify({ ...webhooks, direct: { module: "well", accept: "delivered" } }),
);

const environment = {
  ...Deno.env.toObject(),
  WEBHOOKS_CONFIG_FILE: file,
  SHUTDOWN_GRACE_MS: "0",
  SHUTDOWN_TIMEOUT_MS: "500",
  LOG_FORMAT: "text",
};
Deno.exit(await serve(loadSettings(environment, { logIsTerminal: false }), environment, modules));
