/**
 * The floor of the relay, cloud side: takes JSON bodies, sends them with their headers over one WebSocket, and
 * forgets them when they are acknowledged.
 *
 *     deno run floor_relay_gateway.ts PORT [DIRECTORY]
 *
 * With a directory, what is taken is on its disk before it is answered and sent, and is removed there when it is
 * acknowledged; what comes while a commit is under way shares the next one. Without, it is kept in memory only.
 */

interface Kept {
  readonly headers: string;
  readonly body: string;
}

type Row = [id: string, headers: string, body: string];

const [port, directory] = Deno.args;
const unacknowledged = new Map<number, Kept>();
let socket: WebSocket | undefined;

function send(id: number, { headers, body }: Kept): void {
  socket?.send(JSON.stringify({ id, headers, body }));
}

/** Keeps events in memory, under numbers of its own. */
class Memory {
  #next = 0;

  add(_kept: Kept): number {
    return this.#next++;
  }

  remove(_id: number): void {}
}

/** Keeps events in a file of SQLite, in a thread of its own. */
class Disk {
  readonly #worker: Worker;
  #rows: Row[] = [];
  #waiting: ((id: number) => void)[] = [];
  #done: number[] = [];
  #underWay: ((id: number) => void)[] | undefined;

  constructor(name: string) {
    this.#worker = new Worker(new URL("./floor_durable_worker.ts", import.meta.url), {
      type: "module",
      name,
    });
    this.#worker.onmessage = ({ data: last }: MessageEvent<number>) => {
      const committed = this.#underWay ?? [];
      this.#underWay = undefined;
      this.#send();
      for (const [index, resolve] of committed.entries()) resolve(last - committed.length + 1 + index);
    };
  }

  add({ headers, body }: Kept): Promise<number> {
    this.#rows.push([crypto.randomUUID(), headers, body]);
    const stored = new Promise<number>((resolve) => this.#waiting.push(resolve));
    this.#send();
    return stored;
  }

  remove(id: number): void {
    this.#done.push(id);
    this.#send();
  }

  #send(): void {
    if (this.#underWay !== undefined || this.#rows.length + this.#done.length === 0) return;
    this.#underWay = this.#waiting;
    this.#worker.postMessage([this.#rows, this.#done]);
    this.#rows = [];
    this.#waiting = [];
    this.#done = [];
  }
}

const store = directory === undefined ? new Memory() : new Disk(directory);

Deno.serve({ hostname: "127.0.0.1", port: Number(port), onListen: () => {} }, async (request) => {
  if (request.headers.get("upgrade") === "websocket") {
    const { socket: opened, response } = Deno.upgradeWebSocket(request);
    opened.onopen = () => {
      socket = opened;
      for (const [id, kept] of unacknowledged) send(id, kept);
    };
    opened.onmessage = ({ data }) => {
      const { id } = JSON.parse(data) as { readonly id: number };
      unacknowledged.delete(id);
      store.remove(id);
    };
    return response;
  }
  const body = await request.text();
  JSON.parse(body);
  const headers: [string, string][] = [];
  request.headers.forEach((value, name) => headers.push([name, value]));
  const kept = { headers: JSON.stringify(headers), body };
  const id = await store.add(kept);
  unacknowledged.set(id, kept);
  send(id, kept);
  return Response.json({ id });
});
