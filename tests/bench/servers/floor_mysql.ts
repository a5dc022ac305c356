// The least program that accepts webhooks, stores them in MariaDB with bare `mysql2`, as many at once as have arrived,
// and answers when they are committed. Usage: floor_mysql.ts PORT MARIADB_PORT DATABASE TABLE
import { connectFloor, insertRows } from "../mysql_floor.ts";
import { type FloorRow, ROWS_PER_STATEMENT } from "../postgresql_floor.ts";

const [port = "0", serverPort = "0", database = "", table = "bench"] = Deno.args;
const connection = await connectFloor(Number(serverPort), database);
let waiting: { readonly row: FloorRow; readonly done: () => void }[] = [];
let running = false;
let count = 0;

async function run(): Promise<void> {
  running = true;
  while (waiting.length > 0) {
    const batch = waiting.slice(0, ROWS_PER_STATEMENT);
    waiting = waiting.slice(ROWS_PER_STATEMENT);
    await insertRows(connection, table, batch.map(({ row }) => row));
    for (const { done } of batch) done();
  }
  running = false;
}

Deno.serve({ port: Number(port), hostname: "127.0.0.1", onListen: () => {} }, async (request) => {
  const body = await request.text();
  JSON.parse(body);
  const id = `${port}-${Deno.pid}-${count++}`;
  const headers = JSON.stringify(Object.fromEntries(request.headers));
  const row = { id, namespace: "default", webhook: "default", receivedAt: Date.now(), headers, body };
  await new Promise<void>((done) => {
    waiting.push({ row, done });
    if (!running) void run();
  });
  return Response.json({ message: "Event accepted", event_id: id }, { headers: { "x-request-id": id } });
});
