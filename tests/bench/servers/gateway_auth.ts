// The gateway with one webhook, whose keys the third argument holds as JSON; without `module` its output does nothing.
// The fourth one holds settings.
// Usage: gateway_auth.ts PORT DIRECTORY WEBHOOK SETTINGS
import { Gateway } from "../../../src/gateway/gateway.ts";
import { standardLineWriter } from "../../../src/io/line_writer.ts";
import { setUpLogging } from "../../../src/observability/logging.ts";
import { loadSettings } from "../../../src/settings/load.ts";
import { logModule } from "../../../src/modules/log/log.ts";
import { durableNullModule, nullModule } from "./null_module.ts";

const [port = "0", directory = "", webhook = "{}", settingsGiven = "{}"] = Deno.args;

const file = await Deno.makeTempFile({ suffix: ".json" });
await Deno.writeTextFile(file, JSON.stringify({ default: { module: "null", ...JSON.parse(webhook) } }));

const lines = standardLineWriter("stdout");
setUpLogging({ level: "warning", format: "json", writer: lines });
const settings = loadSettings({
  PORT: port,
  WEBHOOKS_CONFIG_FILE: file,
  DATA_DIR: directory,
  REQUEST_ID_HEADER: "errors",
  ...JSON.parse(settingsGiven),
}, { logIsTerminal: false });
await Gateway.start({
  settings,
  environment: {},
  lines,
  modules: [nullModule, durableNullModule, logModule],
});
