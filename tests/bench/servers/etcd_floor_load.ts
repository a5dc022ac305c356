// The least program that loads its configuration from etcd. Usage: etcd_floor_load.ts ENDPOINT PREFIX
import { Etcd3 } from "etcd3";
import { loadAll } from "./etcd_floor_list.ts";

const [endpoint = "", prefix = ""] = Deno.args;
const { entries } = await loadAll(new Etcd3({ hosts: endpoint }), prefix);
Deno.stdout.writeSync(new TextEncoder().encode(`Serving ${entries.size} webhooks\n`));
// The entries stay in use, so that memory can be measured.
setInterval(() => entries.size, 60_000);
