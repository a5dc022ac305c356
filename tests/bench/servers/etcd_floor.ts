// The least program that serves webhooks from etcd: a bare client's list and watch fill a map, and a request
// to a webhook in the map does the same visible work as the gateway's `log` output.
// Usage: etcd_floor.ts ENDPOINT KEYS
import { Etcd3 } from "etcd3";
import { prefixOf } from "../etcd_data.ts";
import { loadAll } from "./etcd_floor_list.ts";
import { Arrivals, takeOrders } from "./etcd_orders.ts";

const FLUSH_CHARACTERS = 65536;

const [endpoint = "", keys = "0"] = Deno.args;
const prefix = prefixOf(Number(keys));
const etcd = new Etcd3({ hosts: endpoint });
const arrivals = new Arrivals();
const { entries, revision } = await loadAll(etcd, prefix);
const watcher = await etcd.watch().prefix(prefix).startRevision(String(Number(revision) + 1)).create();
watcher.on("put", ({ key, value }) => {
  entries.set(key.toString(), JSON.parse(value.toString()));
  arrivals.notify();
});

const encoder = new TextEncoder();
const target = Deno.openSync("/dev/null", { write: true });
let buffer = "";
let count = 0;

function writeLine(line: string): void {
  buffer += line + "\n";
  if (buffer.length < FLUSH_CHARACTERS) return;
  target.writeSync(encoder.encode(buffer));
  buffer = "";
}

const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
  const { url } = request;
  const [, , namespace, id] = url.slice(url.indexOf("/", url.indexOf("//") + 2)).split("/");
  if (!entries.has(`${prefix}${namespace}/webhooks/${id}`)) return new Response(null, { status: 404 });
  const payload = JSON.parse(await request.text());
  const headers: Record<string, string> = {};
  for (const [name, value] of request.headers) headers[name] = value;
  const event = `event-${count++}`;
  writeLine(JSON.stringify({ event_id: event, received_at: Date.now(), headers, payload }));
  return new Response(JSON.stringify({ message: "Event accepted", event_id: event }), {
    headers: { "content-type": "application/json", "x-request-id": event },
  });
});

takeOrders(server.addr.port, { "arrival-times": () => arrivals.takeTimes() });
