// The gateway with an output that does nothing, configured with as many webhooks as the second argument says. It
// does the same visible work as its floor, whose answers have a content type and nothing else.
// Usage: gateway_null.ts PORT WEBHOOKS [SECRET | "filter" | "steps"]
// With "filter", one that passes; with "steps", 16 steps with conditions, one of which is met.
import { Gateway } from "../../../src/gateway/gateway.ts";
import { standardLineWriter } from "../../../src/io/line_writer.ts";
import { setUpLogging } from "../../../src/observability/logging.ts";
import { loadSettings } from "../../../src/settings/load.ts";
import { nullModule } from "./null_module.ts";

const [port = "0", webhooks = "1", what] = Deno.args;

const IS_PUSH = "body.action == 'push' && body.ref.startsWith('refs/heads/main')";

const STEPS = Array.from({ length: 16 }, (_, number) => ({
  module: "null",
  when: number === 15 ? IS_PUSH : `body.action == 'action-${number}'`,
}));

/** What the webhook says beside its module. */
function keysFor(what: string | undefined): Record<string, unknown> {
  switch (what) {
    case undefined:
      return { module: "null" };
    case "filter":
      return { module: "null", filter: IS_PUSH };
    case "steps":
      return { chain: STEPS };
    default:
      return { module: "null", hmac: { secret: what, header: "x-signature" } };
  }
}

const file = await Deno.makeTempFile({ suffix: ".json" });
const webhook = keysFor(what);
const ids = Array.from(
  { length: Number(webhooks) },
  (_, index) => index === 0 ? "default" : `webhook-${index}`,
);
await Deno.writeTextFile(file, JSON.stringify(Object.fromEntries(ids.map((id) => [id, webhook]))));

const lines = standardLineWriter("stdout");
setUpLogging({ level: "warning", format: "json", writer: lines });
const settings = loadSettings({
  PORT: port,
  WEBHOOKS_CONFIG_FILE: file,
  REQUEST_ID_HEADER: "errors",
}, { logIsTerminal: false });
await Gateway.start({ settings, environment: {}, lines, modules: [nullModule] });
