// The gateway with a durable webhook and an output that takes everything at once, or that holds all it gets.
// Usage: gateway_durable.ts PORT DIRECTORY takes|holds, with JOURNAL where it is not to be a file
import { join } from "@std/path";
import { z } from "zod";
import { Gateway } from "../../../src/gateway/gateway.ts";
import type { OutputModule } from "../../../src/modules/module.ts";
import { standardLineWriter } from "../../../src/io/line_writer.ts";
import { setUpLogging } from "../../../src/observability/logging.ts";
import { loadSettings } from "../../../src/settings/load.ts";

const [port = "0", directory = "", mode = "takes"] = Deno.args;

const nullModule: OutputModule = {
  name: "null",
  connectionTypes: [],
  configSchema: z.strictObject({}),
  acceptance: "durable",
  reads: "text",
  maxBatch: 256,
  timeoutMs: () => 3_600_000,
  open: () =>
    Promise.resolve({
      deliver: (batch) => mode === "takes" ? batch.map(() => "delivered" as const) : new Promise(() => {}),
      probe: () => Promise.resolve(),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }),
};

await Deno.mkdir(directory, { recursive: true });
const file = join(directory, "webhooks.json");
await Deno.writeTextFile(file, JSON.stringify({ default: { module: "null" } }));
const lines = standardLineWriter("stdout");
setUpLogging({ level: "warning", format: "json", writer: lines });
const { JOURNAL: journal } = Deno.env.toObject();
const settings = loadSettings({
  PORT: port,
  WEBHOOKS_CONFIG_FILE: file,
  DATA_DIR: directory,
  ...(journal === undefined ? {} : { JOURNAL: journal }),
}, { logIsTerminal: false });
await Gateway.start({ settings, environment: {}, lines, modules: [nullModule] });
