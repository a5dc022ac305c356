/**
 * How long it takes from etcd's acknowledgement of a put until requests are served accordingly, while the
 * server is idle and while 32 connections keep it busy. This process puts, the server notes when the new
 * entry is in its place, and etcd's order tells which put that was. The clocks of two processes of one
 * machine differ by less than 0.1 ms.
 *
 * @module
 */

import { join } from "@std/path";
import { setTimeout as sleep } from "node:timers/promises";
import { Etcd3 } from "etcd3";
import { eventually } from "../support/eventually.ts";
import type { Comparable } from "./against/comparison.ts";
import { cpuSeconds } from "./http_load.ts";
import { BenchServer } from "./etcd_bench_server.ts";
import { nameOf, prefixOf, valueOf } from "./etcd_data.ts";
import { judge, median, print, progress, quantile, row } from "./etcd_report.ts";

const TARGET = 1.2;
/** Twenty of them are above the p99: of a thousand, it nearly doubles from one round to the next. */
const PUTS = 2_000;
const WARM_UP_PUTS = 200;
const MAX_PAUSE_MS = 2;
const CONNECTIONS = 32;
/** Longer than any measurement: the load is ended by its end. */
const LOAD_SECONDS = 120;
const BODY = `{"action":"push","repository":{"id":12345,"full_name":"org/myapp"},"ref":"refs/heads/main"}`;

const CONTESTANTS = ["floor", "gateway"] as const;
const SITUATIONS = ["idle", "under load"] as const;

interface Sample {
  readonly p50: number;
  readonly p99: number;
  /** p99 from the request to etcd on. */
  readonly p99AfterRequest: number;
  readonly requestsPerSecond: number;
}

export async function benchRoutable(endpoint: string, keys: number, rounds: number): Promise<void> {
  const etcd = new Etcd3({ hosts: endpoint });
  const samples = new Map<string, Sample[]>();
  for (let round = 1; round <= rounds; round++) {
    for (const contestant of CONTESTANTS) {
      await using server = await BenchServer.start(contestant, endpoint, keys);
      await measure(server, etcd, keys, WARM_UP_PUTS);
      for (const situation of SITUATIONS) {
        progress(`routable, round ${round} of ${rounds}: ${contestant}, ${situation}`);
        const name = `${contestant}, ${situation}`;
        const sample = situation === "idle"
          ? await measure(server, etcd, keys)
          : await measureUnderLoad(server, etcd, keys);
        samples.set(name, [...samples.get(name) ?? [], sample]);
      }
    }
  }
  etcd.close();
  printTable(samples, keys, rounds);
}

/** Requests while webhooks are put, and how soon the puts are served. */
export function compareRoutable(endpoint: string, keys: number): Comparable {
  return {
    name: `put to routable under load, ${keys.toLocaleString("en")} keys`,
    measure: async ({ root }) => {
      const etcd = new Etcd3({ hosts: endpoint });
      try {
        await using server = await BenchServer.start("gateway", endpoint, keys, root);
        await measure(server, etcd, keys, WARM_UP_PUTS);
        const cpuBefore = cpuSeconds(server.pid);
        const startedAt = performance.now();
        const { requestsPerSecond, p99 } = await measureUnderLoad(server, etcd, keys);
        const requests = requestsPerSecond * (performance.now() - startedAt) / 1000;
        const cpu = cpuSeconds(server.pid) - cpuBefore;
        return { rate: requestsPerSecond, p99Ms: p99, cpuPer10k: cpu / requests * 10_000 };
      } finally {
        etcd.close();
      }
    },
  };
}

/** Changes random webhooks and adds new ones in turn, one after the other. */
async function measure(server: BenchServer, etcd: Etcd3, keys: number, puts = PUTS): Promise<Sample> {
  const prefix = prefixOf(keys);
  const requestedAt: number[] = [];
  const acknowledgedAt: number[] = [];
  await server.order("arrival-times");
  for (let index = 0; index < puts; index++) {
    const key = Math.floor(Math.random() * keys);
    const name = index % 2 === 0 ? nameOf(key) : `${nameOf(key)}-${crypto.randomUUID()}`;
    requestedAt.push(now());
    await etcd.put(prefix + name).value(valueOf(key, Math.floor(now())));
    acknowledgedAt.push(now());
    await sleep(Math.random() * MAX_PAUSE_MS);
  }
  const servedAt: number[] = [];
  await eventually(async () => {
    servedAt.push(...await server.order("arrival-times") as number[]);
    return servedAt.length >= puts;
  });
  if (servedAt.length > puts) throw new Error(`${puts} puts came into service as ${servedAt.length}`);
  const afterAnswer = servedAt.map((at, index) => Math.max(0, at - acknowledgedAt[index]!));
  return {
    p50: quantile(afterAnswer, 0.5),
    p99: quantile(afterAnswer, 0.99),
    p99AfterRequest: quantile(servedAt.map((at, index) => at - requestedAt[index]!), 0.99),
    requestsPerSecond: 0,
  };
}

/** In milliseconds since 1970, with fractions. */
function now(): number {
  return performance.timeOrigin + performance.now();
}

async function measureUnderLoad(server: BenchServer, etcd: Etcd3, keys: number): Promise<Sample> {
  const directory = await Deno.makeTempDir({ prefix: "cwm-bench-" });
  const script = join(directory, "request.lua");
  await Deno.writeTextFile(script, `wrk.method = "POST"\nwrk.body = ${JSON.stringify(BODY)}`);
  const load = new Deno.Command("wrk", {
    args: ["-t1", `-c${CONNECTIONS}`, `-d${LOAD_SECONDS}s`, "-s", script, server.url],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  // The load generator says nothing before its end; its connections are open long before this.
  await sleep(500);
  const sample = await measure(server, etcd, keys);
  // It then stops at once and reports.
  load.kill("SIGINT");
  const report = new TextDecoder().decode((await load.output()).stdout);
  await Deno.remove(directory, { recursive: true });
  const failed = /Non-2xx or 3xx responses: (\d+)|Socket errors: (.*)/.exec(report);
  if (failed !== null) throw new Error(`Requests failed while webhooks were put: ${failed[0]}`);
  return { ...sample, requestsPerSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(report)?.[1]) };
}

function printTable(samples: ReadonlyMap<string, readonly Sample[]>, keys: number, rounds: number): void {
  const middle = (name: string, field: keyof Sample) =>
    median((samples.get(name) ?? []).map((sample) => sample[field]));
  print(
    `put acknowledged to routable, ${keys.toLocaleString("en")} keys, ${PUTS} puts a round, ` +
      `medians of ${rounds} rounds`,
  );
  print("");
  print(row("", ["p50 ms", "p99 ms", "p99 from put", "requests/s"]));
  for (const name of samples.keys()) {
    const requests = middle(name, "requestsPerSecond");
    print(row(name, [
      middle(name, "p50").toFixed(2),
      middle(name, "p99").toFixed(2),
      middle(name, "p99AfterRequest").toFixed(2),
      requests === 0 ? "" : requests.toFixed(0),
    ]));
  }
  print("");
  for (const situation of SITUATIONS) {
    const ratio = middle(`gateway, ${situation}`, "p99") / middle(`floor, ${situation}`, "p99");
    print(`p99 ${situation}: ${judge(ratio, TARGET)}`);
  }
  print("");
}
