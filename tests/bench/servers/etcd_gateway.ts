// The gateway on etcd, with its log thrown away, taking orders. Usage: etcd_gateway.ts ENDPOINT KEYS
import { Gateway } from "../../../src/gateway/gateway.ts";
import { logModule } from "../../../src/modules/log/log.ts";
import type { OutputModule } from "../../../src/modules/module.ts";
import { BufferedLineWriter, standardLineWriter } from "../../../src/io/line_writer.ts";
import { setUpLogging } from "../../../src/observability/logging.ts";
import { loadSettings } from "../../../src/settings/load.ts";
import { prefixOf } from "../etcd_data.ts";
import { eventually } from "../../support/eventually.ts";
import { Arrivals, BlockRecorder, takeOrders } from "./etcd_orders.ts";

const LOAD_TIMEOUT_MS = 60_000;

const [endpoint = "", keys = "0"] = Deno.args;
const prefix = prefixOf(Number(keys));
const arrivals = new Arrivals();

// The partition of a webhook's output is asked for right before the webhook is put into the catalog.
const observedModule: OutputModule = {
  ...logModule as OutputModule,
  partition: () => {
    arrivals.notify();
    return "";
  },
};

// As a regular file would be written to, which takes no reader.
const lines = new BufferedLineWriter(Deno.openSync("/dev/null", { write: true }), { synchronous: true });
setUpLogging({ level: "warning", format: "json", writer: standardLineWriter("stderr") });
const settings = loadSettings({
  HOST: "127.0.0.1",
  PORT: "0",
  CONFIG_BACKEND: "etcd",
  ETCD_ENDPOINTS: endpoint,
  ETCD_PREFIX: prefix,
}, { logIsTerminal: false });
const gateway = await Gateway.start({ settings, environment: {}, lines, modules: [observedModule] });
// Webhooks are served while the rest is still being loaded.
await eventually(async () => {
  const response = await fetch(`http://127.0.0.1:${gateway.port}/readyz`);
  await response.body?.cancel();
  return response.ok;
}, { timeoutMs: LOAD_TIMEOUT_MS, intervalMs: 50 });

const recorder = new BlockRecorder();
takeOrders(gateway.port, {
  "start-recording": () => recorder.start(),
  "stop-recording": () => recorder.stop(),
  arrivals: () => arrivals.count,
  "arrival-times": () => arrivals.takeTimes(),
  reload: () => gateway.reload(),
});
