// The least program that answers after the event is on disk: reads and parses the body, iterates the headers,
// and has its own worker store id, headers and body; what comes while a commit is under way shares the next
// one. Usage: floor_durable.ts PORT DIRECTORY [remove]
//   remove: after the answer the event is removed again, as one that was delivered
const [port = "", directory = "", mode] = Deno.args;
const worker = new Worker(new URL("./floor_durable_worker.ts", import.meta.url), {
  type: "module",
  name: directory,
});

type Row = [id: string, headers: string, body: string];
let rows: Row[] = [];
let waiting: ((sequence: number) => void)[] = [];
let done: number[] = [];
let underWay: ((sequence: number) => void)[] | undefined;

function send(): void {
  if (underWay !== undefined || rows.length + done.length === 0) return;
  underWay = waiting;
  worker.postMessage([rows, done]);
  rows = [];
  waiting = [];
  done = [];
}

worker.onmessage = ({ data: last }: MessageEvent<number>) => {
  const committed = underWay ?? [];
  underWay = undefined;
  send();
  for (const [index, resolve] of committed.entries()) resolve(last - committed.length + 1 + index);
};

function store(row: Row): Promise<number> {
  rows.push(row);
  const stored = new Promise<number>((resolve) => waiting.push(resolve));
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
  const sequence = await store([id, JSON.stringify(headers), body]);
  if (mode === "remove") {
    done.push(sequence);
    send();
  }
  return new Response(JSON.stringify({ message: "Event accepted", event_id: id }), {
    headers: { "content-type": "application/json", "x-request-id": id },
  });
});
