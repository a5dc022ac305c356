// The gateway on the configuration files of its working directory, with its log thrown away, taking orders.
import { Gateway } from "../../../src/gateway/gateway.ts";
import { BufferedLineWriter, standardLineWriter } from "../../../src/io/line_writer.ts";
import { setUpLogging } from "../../../src/observability/logging.ts";
import { loadSettings } from "../../../src/settings/load.ts";
import { BlockRecorder, takeOrders } from "./etcd_orders.ts";

const lines = new BufferedLineWriter(Deno.openSync("/dev/null", { write: true }), { synchronous: true });
setUpLogging({ level: "error", format: "json", writer: standardLineWriter("stderr") });
const settings = loadSettings({ HOST: "127.0.0.1", PORT: "0" }, { logIsTerminal: false });
const gateway = await Gateway.start({ settings, environment: {}, lines });

const recorder = new BlockRecorder();
takeOrders(gateway.port, {
  "start-recording": () => recorder.start(),
  "stop-recording": () => recorder.stop(),
  reload: () => gateway.reload(),
});
