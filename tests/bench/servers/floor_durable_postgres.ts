// The least program that answers after PostgreSQL has the event: reads and parses the body, iterates the headers, and
// stores id, headers and body as a row. What comes while a commit is under way shares the next one, and each commit is
// one statement. Usage: floor_durable_postgres.ts PORT URL [remove]
//   remove: after the answer the event is removed again, with the next commit, as one that was delivered
// @ts-types="@types/pg"
import pg from "pg";

const [port = "", url = "", mode] = Deno.args;
const client = new pg.Client({ connectionString: url });
await client.connect();
await client.query(
  `create table events (id text primary key, headers text not null, body text not null)
    with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_cost_delay = 0,
      toast.autovacuum_vacuum_scale_factor = 0, toast.autovacuum_vacuum_threshold = 5000,
      toast.autovacuum_vacuum_cost_delay = 0)`,
);

const LOT = `with gone as (delete from events where id = any($1::text[]))
  insert into events (id, headers, body) select * from unnest($2::text[], $3::text[], $4::text[])`;

type Row = [id: string, headers: string, body: string];
let rows: Row[] = [];
let waiting: (() => void)[] = [];
let done: string[] = [];
let isUnderWay = false;

async function send(): Promise<void> {
  if (isUnderWay || rows.length + done.length === 0) return;
  isUnderWay = true;
  const [stored, resolved, removed] = [rows, waiting, done];
  rows = [];
  waiting = [];
  done = [];
  const columns = [0, 1, 2].map((column) => stored.map((row) => row[column]!));
  await client.query({ name: "lot", text: LOT, values: [removed, ...columns] });
  isUnderWay = false;
  void send();
  for (const resolve of resolved) resolve();
}

function store(row: Row): Promise<void> {
  rows.push(row);
  const stored = new Promise<void>((resolve) => waiting.push(resolve));
  void send();
  return stored;
}

let count = 0;
// The load generator breaks off what it has under way at its end, and reports every answer that is not 200.
const onError = () => new Response(null, { status: 500 });
Deno.serve({ hostname: "127.0.0.1", port: Number(port), onListen: () => {}, onError }, async (request) => {
  if (request.method === "GET") return new Response("ready");
  const body = await request.text();
  JSON.parse(body);
  const headers: [string, string][] = [];
  for (const pair of request.headers) headers.push(pair);
  const id = `event-${count++}`;
  await store([id, JSON.stringify(headers), body]);
  if (mode === "remove") {
    done.push(id);
    void send();
  }
  return new Response(JSON.stringify({ message: "Event accepted", event_id: id }), {
    headers: { "content-type": "application/json", "x-request-id": id },
  });
});
