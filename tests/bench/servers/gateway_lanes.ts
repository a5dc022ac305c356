// The gateway with durable webhooks of four kinds of outputs, each of them with an output of its own:
// `hung` never answers, `slow` takes 100 ms an event, `quick` and `well` take each event at once.
// Usage: gateway_lanes.ts, with PORT and DATA_DIR in the environment
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { serve } from "../../../src/cli/serve.ts";
import type { DeliveryResult, OutputModule } from "../../../src/modules/module.ts";
import { logModule } from "../../../src/modules/log.ts";
import { loadSettings } from "../../../src/settings.ts";

const HOUR_MS = 3_600_000;
const DELIVERED = ["delivered"] as const;

function moduleOf(
  name: string,
  deliver: () => readonly DeliveryResult[] | Promise<readonly DeliveryResult[]>,
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
  logModule,
  moduleOf("hung", () => new Promise(() => {})),
  moduleOf("slow", async () => {
    await sleep(100);
    return DELIVERED;
  }),
  moduleOf("quick", () => DELIVERED),
  moduleOf("well", () => DELIVERED),
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
