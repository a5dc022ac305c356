/** Gateways that share a port, of which one takes the place of another while senders go on. */

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { eventually } from "./eventually.ts";
import { formatRequest } from "./http/raw_http.ts";
import { GatewayProcess } from "./process/gateway_process.ts";
import { TempDir } from "./temp_dir.ts";

/** Addresses of this machine that senders connect to in turn: each has ports of its own for closed connections. */
const ADDRESSES = 30;

/** Data directories that the gateways have in turn. */
const DIRECTORIES = 2;

/** The outcome of the events that were sent. */
export interface HandOverOutcome {
  readonly sent: number;
  /** Events that were answered 200. */
  readonly answered: number;
  /** Connections that ended without an answer: how many, and how. */
  readonly resets: ReadonlyMap<string, number>;
  /** Of those, numbers of events that were delivered all the same. */
  readonly takenAndReset: readonly number[];
  /** Other answers. */
  readonly refused: readonly string[];
  /** Numbers of events that were answered 200 and not delivered. */
  readonly lost: readonly number[];
  /** How many were delivered more than once. */
  readonly repeated: number;
  /** Exit statuses of the gateways that were stopped, and why each closed its listener. */
  readonly ends: readonly { readonly code: number; readonly lastLine: string }[];
  readonly seconds: number;
}

/** What is handed over how. */
export interface HandOverOptions {
  readonly handOvers: number;
  /** Least number of requests, each on a new connection. */
  readonly requests: number;
  readonly senders: number;
}

/**
 * Starts a gateway beside one that runs, stops the former one by SIGTERM when the new one listens, and so on, while
 * senders send events to a durable webhook.
 */
export async function handOverUnderLoad(
  { handOvers, requests, senders }: HandOverOptions,
): Promise<HandOverOutcome> {
  await using stack = new AsyncDisposableStack();
  const ledger = stack.use(await Ledger.start());
  const directory = stack.use(await TempDir.create());
  await directory.writeJson("webhooks.json", {
    orders: {
      module: "http_webhook",
      accept: "durable",
      auth: "none",
      "module-config": { url: ledger.url, allowed_hosts: ["127.0.0.1"] },
    },
  });
  const start = async (index: number, port: number) =>
    stack.use(
      await GatewayProcess.start({
        cwd: directory.path,
        env: { ...SHARING, DATA_DIR: directory.file(`data${index % DIRECTORIES}`), PORT: String(port) },
      }),
    );
  const startedAt = performance.now();
  let current = await start(0, 0);
  const load = new Load(current.port, senders, requests);
  const ends: HandOverOutcome["ends"][number][] = [];
  for (let index = 1; index <= handOvers; index++) {
    const next = await start(index, current.port);
    await load.reaches(requests / (handOvers + 1) * index);
    ends.push(await stop(current));
    current = next;
  }
  const sent = await load.finish();
  await eventually(() => load.answered.every((n) => ledger.received.has(n)), { timeoutMs: 60_000 });
  ends.push(await stop(current));
  return { ...sent, ...ledger.compare(load), ends, seconds: (performance.now() - startedAt) / 1000 };
}

/** The settings of gateways that share a port. */
export const SHARING = {
  HOST: "0.0.0.0",
  REUSE_PORT: "on",
  INSTANCE_PORT: "0",
  LOG_FORMAT: "json",
  SHUTDOWN_GRACE_MS: "300",
};

/** The port of one gateway alone. */
export function instanceUrl(gateway: GatewayProcess): string {
  const line = gateway.lines.find(({ text }) => text.includes("Listening on"))?.text ?? "{}";
  const { instance_port: port } = JSON.parse(line) as { readonly instance_port?: number };
  return `http://127.0.0.1:${port}`;
}

async function stop(gateway: GatewayProcess): Promise<{ readonly code: number; readonly lastLine: string }> {
  gateway.kill("SIGTERM");
  const { code } = await gateway.exited;
  return { code, lastLine: gateway.lines.at(-1)?.text ?? "" };
}

/** Where events are delivered to. */
class Ledger implements AsyncDisposable {
  /** How often the event of a number has come. */
  readonly received = new Map<number, number>();
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      let text = "";
      request.setEncoding("utf8").on("data", (chunk) => text += chunk).on("end", () => {
        const n = Number(/"n":(\d+)/.exec(text)?.[1]);
        this.received.set(n, (this.received.get(n) ?? 0) + 1);
        response.end();
      });
    });
  }

  static async start(): Promise<Ledger> {
    const ledger = new Ledger();
    await once(ledger.#server.listen(0, "127.0.0.1"), "listening");
    return ledger;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  compare({ answered, cut }: Load): Pick<HandOverOutcome, "lost" | "repeated" | "takenAndReset"> {
    return {
      lost: answered.filter((n) => !this.received.has(n)),
      repeated: [...this.received.values()].filter((count) => count > 1).length,
      takenAndReset: cut.filter((n) => this.received.has(n)),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}

/** Senders that each send one event after the other, each on a connection of its own. */
class Load {
  /** Numbers of events that were answered 200. */
  readonly answered: number[] = [];
  /** Numbers of events whose connections ended without an answer. */
  readonly cut: number[] = [];
  readonly #port: number;
  readonly #least: number;
  readonly #resets = new Map<string, number>();
  readonly #refused: string[] = [];
  readonly #running: Promise<unknown>;
  #sent = 0;
  #isOver = false;

  constructor(port: number, senders: number, least: number) {
    this.#port = port;
    this.#least = least;
    this.#running = Promise.all(Array.from({ length: senders }, () => this.#send()));
  }

  /** Waits until so many were sent. */
  async reaches(count: number): Promise<void> {
    await eventually(() => this.#sent >= count, { timeoutMs: 600_000 });
  }

  /** Waits until all were sent that were asked for. */
  async finish(): Promise<Pick<HandOverOutcome, "sent" | "answered" | "resets" | "refused">> {
    this.#isOver = true;
    await this.#running;
    return {
      sent: this.#sent,
      answered: this.answered.length,
      resets: this.#resets,
      refused: this.#refused,
    };
  }

  async #send(): Promise<void> {
    while (!this.#isOver || this.#sent < this.#least) {
      const n = this.#sent++;
      const answer = await this.#exchange(n);
      if (answer.startsWith("HTTP/1.1 200 ")) this.answered.push(n);
      else if (answer.startsWith("HTTP/1.1 ")) this.#refused.push(answer.slice(0, 100));
      else {
        this.cut.push(n);
        this.#resets.set(answer, (this.#resets.get(answer) ?? 0) + 1);
      }
    }
  }

  /** The answer as text, or how the connection ended without one. */
  async #exchange(n: number): Promise<string> {
    let stage = "connecting";
    try {
      using connection = await Deno.connect({ hostname: `127.0.0.${1 + n % ADDRESSES}`, port: this.#port });
      stage = "sending";
      const headers = { "Connection": "close", "Content-Type": "application/json" };
      await connection.write(formatRequest("POST", "/webhook/orders", { headers, body: `{"n":${n}}` }));
      stage = "waiting for the answer";
      const buffer = new Uint8Array(4_096);
      const length = await connection.read(buffer);
      return length === null ? "closed while waiting" : new TextDecoder().decode(buffer.subarray(0, length));
    } catch (error) {
      return `${error instanceof Error ? error.name : error} while ${stage}`;
    }
  }
}
