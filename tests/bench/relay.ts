/**
 * What the relay costs: events per second from the sender through gateway, WebSocket and connector to a local
 * target, and how long one event takes on its way, against two bare programs that do the same: the floor has each event
 * on the disk before it is answered and until it is acknowledged, with one transaction for all that come meanwhile, as
 * the gateway promises it. Beside it stand the same programs without a disk.
 *
 * @module
 */

import { join } from "@std/path";
import { REPOSITORY } from "../support/repository.ts";
import type { Comparable } from "./against/comparison.ts";
import { cpuSeconds } from "./http_load.ts";
import { median, print, progress, quantile, row } from "./etcd_report.ts";

/** Webhooks that share the channel; the events of each are delivered one after the other. */
const LANES = 16;

/** Requests of the sender that are under way at once. */
const SENDERS = 32;

/** Events of the throughput run, unless the caller says otherwise. */
const EVENTS = 20_000;

/** Events that all programs take before: whoever has just begun compiles what it runs. */
const WARM_UP = 20_000;

/** Events of the latency run, one every ten milliseconds, unless the caller says otherwise. */
const PACED = 300;

/** At least this share of the floor's throughput, and at most so much more time at p99, in milliseconds. */
const TARGET = { share: 0.90, p99Ms: 2 };

const TOKEN = "bench-relay-token";
const GATEWAY_PORT = 18_100;

/** How much is sent. */
export interface RelayBenchOptions {
  readonly rounds: number;
  /** Events of the throughput run. @default 20000 */
  readonly events?: number;
  /** Events of the latency run, one every ten milliseconds. @default 300 */
  readonly paced?: number;
}

interface Contestant {
  readonly name: string;
  /** Starts both programs; returns the processes. */
  readonly start: (directory: string, target: string) => Promise<readonly Deno.ChildProcess[]>;
  readonly path: (lane: number) => string;
}

interface Figures {
  readonly eventsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** CPU seconds per 10,000 events of the throughput run: cloud side and private side. */
  readonly cloudCpu: number;
  readonly privateCpu: number;
}

/** Runs both in turn and prints the table. */
export async function benchRelay(
  { rounds, events = EVENTS, paced = PACED }: RelayBenchOptions,
): Promise<void> {
  const contestants = [MEMORY, FLOOR, RELAY];
  const measured = new Map<string, Figures[]>(contestants.map(({ name }) => [name, []]));
  for (let round = 1; round <= rounds; round++) {
    for (const contestant of contestants) {
      progress(`round ${round}: ${contestant.name}`);
      measured.get(contestant.name)?.push(await measure(contestant, events, paced));
    }
  }
  print(row("", ["events/s", "p50 ms", "p99 ms", "CPU-s cloud", "CPU-s private"]));
  const [memory, floor, relay] = contestants.map(({ name }) => {
    const figures = middle(measured.get(name) ?? []);
    print(row(name, [
      figures.eventsPerSecond.toFixed(0),
      ...[figures.p50Ms, figures.p99Ms, figures.cloudCpu, figures.privateCpu].map((figure) =>
        figure.toFixed(2)
      ),
    ]));
    return figures;
  });
  if (memory === undefined || floor === undefined || relay === undefined) return;
  print("");
  print(`Target: at least ${TARGET.share.toFixed(2)} of the floor, at most ${TARGET.p99Ms} ms more at p99`);
  print(`Throughput against the floor: ${share(relay, floor)}, against memory: ${share(relay, memory)}`);
  print(`Added to the floor: p50 ${added(relay, floor, "p50Ms")} ms, p99 ${added(relay, floor, "p99Ms")} ms`);
}

function share(relay: Figures, floor: Figures): string {
  return (relay.eventsPerSecond / floor.eventsPerSecond).toFixed(2);
}

function added(relay: Figures, floor: Figures, figure: "p50Ms" | "p99Ms"): string {
  return (relay[figure] - floor[figure]).toFixed(2);
}

/** Throughput, the latency of paced events, and the CPU time of both programs. */
export function compareRelay(): readonly Comparable[] {
  return [{
    name: RELAY.name,
    measure: async ({ root }) => {
      const { eventsPerSecond, p99Ms, cloudCpu, privateCpu } = await measure(relayOf(root), EVENTS, PACED);
      return { rate: eventsPerSecond, p99Ms, cpuPer10k: cloudCpu + privateCpu };
    },
  }];
}

function middle(figures: readonly Figures[]): Figures {
  return {
    eventsPerSecond: median(figures.map(({ eventsPerSecond }) => eventsPerSecond)),
    p50Ms: median(figures.map(({ p50Ms }) => p50Ms)),
    p99Ms: median(figures.map(({ p99Ms }) => p99Ms)),
    cloudCpu: median(figures.map(({ cloudCpu }) => cloudCpu)),
    privateCpu: median(figures.map(({ privateCpu }) => privateCpu)),
  };
}

/** The target, which notes when each event arrives. */
class Target implements AsyncDisposable {
  readonly arrivedAt = new Map<number, number>();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  #awaited = { count: Infinity, resolve: () => {} };

  constructor() {
    this.#server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
      const { n } = await request.json() as { readonly n: number };
      // What found out whether the gateway answers carries -1.
      if (n >= 0 && !this.arrivedAt.has(n)) this.arrivedAt.set(n, performance.now());
      if (this.arrivedAt.size >= this.#awaited.count) this.#awaited.resolve();
      return new Response(null, { status: 204 });
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}/`;
  }

  /** Resolves when that many events have arrived. */
  async arrived(count: number): Promise<void> {
    if (this.arrivedAt.size >= count) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#awaited = { count, resolve };
    await promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

async function measure(contestant: Contestant, events: number, paced: number): Promise<Figures> {
  const directory = await Deno.makeTempDir({ prefix: "cwm-bench-" });
  await using target = new Target();
  const processes = await contestant.start(directory, target.url);
  try {
    let n = 0;
    const send = async () => {
      const own = n++;
      const url = `http://127.0.0.1:${GATEWAY_PORT}${contestant.path(own % LANES)}`;
      const body = JSON.stringify({ n: own, lane: own % LANES, text: "x".repeat(120) });
      const response = await fetch(url, { method: "POST", body });
      await response.body?.cancel();
      if (response.status !== 200) throw new Error(`${contestant.name} answered ${response.status}`);
    };
    const sendMany = async (count: number) => {
      const last = n + count;
      await Promise.all(Array.from({ length: SENDERS }, async () => {
        while (n < last) await send();
      }));
      await target.arrived(n);
    };
    await sendMany(WARM_UP);

    const latencies: number[] = [];
    for (let index = 0; index < paced; index++) {
      const startedAt = performance.now();
      const own = n;
      await send();
      await target.arrived(n);
      latencies.push((target.arrivedAt.get(own) ?? NaN) - startedAt);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }

    const cpuBefore = processes.map(({ pid }) => cpuSeconds(pid));
    const startedAt = performance.now();
    await sendMany(events);
    const seconds = (performance.now() - startedAt) / 1000;
    const [cloudCpu = NaN, privateCpu = NaN] = processes.map(({ pid }, index) =>
      (cpuSeconds(pid) - cpuBefore[index]!) / events * 10_000
    );
    return {
      cloudCpu,
      privateCpu,
      eventsPerSecond: events / seconds,
      p50Ms: quantile(latencies, 0.5),
      p99Ms: quantile(latencies, 0.99),
    };
  } finally {
    for (const process of processes) {
      process.kill("SIGKILL");
      await process.status;
    }
    await Deno.remove(directory, { recursive: true });
  }
}

/** @param stores whether each event is on the disk before it is answered */
const bare = (name: string, stores: boolean): Contestant => ({
  name,
  path: () => "/",
  start: async (directory, target) => {
    const gateway = start(
      "tests/bench/servers/floor_relay_gateway.ts",
      [String(GATEWAY_PORT), ...(stores ? [join(directory, "floor")] : [])],
      {},
      directory,
    );
    await untilItAnswers("/", "POST");
    const args = [String(GATEWAY_PORT), target];
    const connector = start("tests/bench/servers/floor_relay_connector.ts", args, {}, directory);
    return [gateway, connector];
  },
});

const MEMORY = bare("two bare programs, in memory", false);
const FLOOR = bare("floor: two bare programs, on disk", true);

/** @param root of the build that is measured */
const relayOf = (root: string): Contestant => ({
  name: "gateway, journal, WebSocket, connector",
  path: (lane) => `/webhook/lane${lane}`,
  start: async (directory, target) => {
    const webhook = {
      module: "webhook_connect",
      "module-config": {
        channel: "bench",
        channel_token: TOKEN,
        max_queue_size: 1_000_000,
        max_in_flight: 1000,
      },
    };
    const webhooks = Object.fromEntries(Array.from({ length: LANES }, (_, lane) => [`lane${lane}`, webhook]));
    await Deno.writeTextFile(join(directory, "webhooks.json"), JSON.stringify(webhooks));
    const gateway = start(
      "src/main.ts",
      ["serve"],
      {
        HOST: "127.0.0.1",
        PORT: String(GATEWAY_PORT),
        LOG_LEVEL: "warning",
      },
      directory,
      root,
    );
    await untilItAnswers("/readyz", "GET");
    const connector = start(
      "src/main.ts",
      ["connector"],
      {
        CONNECTOR_CLOUD_URL: `http://127.0.0.1:${GATEWAY_PORT}`,
        CONNECTOR_CHANNEL: "bench",
        CONNECTOR_TOKEN: TOKEN,
        CONNECTOR_TARGET_URL: target,
        CONNECTOR_MAX_CONCURRENT_REQUESTS: String(LANES),
        CONNECTOR_LOG_LEVEL: "warning",
      },
      directory,
      root,
    );
    return [gateway, connector];
  },
});

const RELAY = relayOf(REPOSITORY);

function start(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  cwd: string,
  root = REPOSITORY,
): Deno.ChildProcess {
  const config = join(root, "deno.json");
  return new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--cached-only",
      "--no-check",
      "--allow-all",
      "--config",
      config,
      join(root, program),
      ...args,
    ],
    env,
    cwd,
    stdin: "null",
    stdout: "null",
    stderr: "inherit",
  }).spawn();
}

async function untilItAnswers(path: string, method: string): Promise<void> {
  const deadline = AbortSignal.timeout(30_000);
  for (;;) {
    deadline.throwIfAborted();
    try {
      const response = await fetch(`http://127.0.0.1:${GATEWAY_PORT}${path}`, {
        method,
        ...(method === "POST" ? { body: '{"n":-1,"lane":0}' } : {}),
      });
      await response.body?.cancel();
      if (response.ok) return;
    } catch {
      // Not listening yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
