// The least program that accepts webhooks, inserts them into ClickHouse with bare `fetch`, as many at once as
// have arrived, and answers when they are in the table. Usage: floor_clickhouse.ts PORT CLICKHOUSE_PORT TABLE
import { insertRows, rowOf } from "../clickhouse_floor.ts";

/** As long as the gateway waits for more rows by default, in milliseconds. */
const WAIT_MS = 20;

const [port = "0", clickhousePort = "8123", table = "bench"] = Deno.args;
let waiting: { readonly row: string; readonly done: () => void }[] = [];
let running = false;
let count = 0;

async function run(): Promise<void> {
  running = true;
  while (waiting.length > 0) {
    await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
    const batch = waiting;
    waiting = [];
    await insertRows(Number(clickhousePort), table, batch.map(({ row }) => row));
    for (const { done } of batch) done();
  }
  running = false;
}

Deno.serve({ port: Number(port), hostname: "127.0.0.1", onListen: () => {} }, async (request) => {
  const body = await request.text();
  JSON.parse(body);
  const id = `${port}-${count++}`;
  const row = rowOf(
    { id, namespace: "default", webhook: "default", receivedAt: Date.now() },
    request.headers,
    body,
  );
  await new Promise<void>((done) => {
    waiting.push({ row, done });
    if (!running) void run();
  });
  return Response.json({ message: "Event accepted", event_id: id }, { headers: { "x-request-id": id } });
});
