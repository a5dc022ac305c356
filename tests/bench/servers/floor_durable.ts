// The least program that answers after the event is on disk: reads and parses the body, iterates the headers,
// and has its own worker store id, headers and body; what comes while a commit is under way shares the next
// one. Usage: floor_durable.ts PORT DIRECTORY
const [port = "", directory = ""] = Deno.args;
const worker = new Worker(new URL("./floor_durable_worker.ts", import.meta.url), {
  type: "module",
  name: directory,
});

type Row = [id: string, headers: string, body: string];
let rows: Row[] = [];
let waiting: (() => void)[] = [];
let underWay: (() => void)[] | undefined;

function send(): void {
  if (underWay !== undefined || rows.length === 0) return;
  underWay = waiting;
  worker.postMessage(rows);
  rows = [];
  waiting = [];
}

worker.onmessage = () => {
  const committed = underWay ?? [];
  underWay = undefined;
  send();
  for (const resolve of committed) resolve();
};

function store(row: Row): Promise<void> {
  rows.push(row);
  const stored = new Promise<void>((resolve) => waiting.push(resolve));
  send();
  return stored;
}

let count = 0;
Deno.serve({ hostname: "127.0.0.1", port: Number(port), onListen: () => {} }, async (request) => {
  const body = await request.text();
  JSON.parse(body);
  const headers: [string, string][] = [];
  for (const pair of request.headers) headers.push(pair);
  const id = `event-${count++}`;
  await store([id, JSON.stringify(headers), body]);
  return new Response(JSON.stringify({ message: "Event accepted", event_id: id }), {
    headers: { "content-type": "application/json", "x-request-id": id },
  });
});
