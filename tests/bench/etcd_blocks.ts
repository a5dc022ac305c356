/**
 * How long requests are held up while the configuration changes: by a complete list of which nothing is
 * new, by many changed keys at once, by both together, and by the deletion of all keys in one revision.
 *
 * A block is seen from within as the delay of a timer that is due every millisecond, and from outside as the
 * answer time of small requests that are sent every few milliseconds, whether the last one was answered or
 * not. The gateway shares the processors with etcd, with the program that writes and with this one: a block's
 * own time is that for which its thread had a processor, and that is what is judged. Doing nothing is measured
 * too: what it shows is the machine's share.
 *
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";
import { eventually } from "../support/eventually.ts";
import { BenchServer, post } from "./etcd_bench_server.ts";
import { deleteKeys, fillEtcd, nameOf } from "./etcd_data.ts";
import { judge, median, print, progress, row } from "./etcd_report.ts";
import type { Block } from "./servers/etcd_orders.ts";

const TARGET_MS = 25;
const BURST_KEYS = 5_000;
const BURST_TIMEOUT_MS = 60_000;
const REQUEST_INTERVAL_MS = 5;
const IDLE_MS = 2_000;
/** Garbage of the work before is collected in this time. */
const SETTLE_MS = 500;

interface Observation extends Block {
  readonly slowestAnswerMs: number;
  readonly tookMs: number;
}

interface Disturbance {
  readonly disturb: (server: BenchServer, version: number) => Promise<unknown>;
  /** Puts back what the disturbance has taken away. */
  readonly restore?: () => Promise<void>;
}

export async function benchBlocks(endpoint: string, sizes: readonly number[], rounds: number): Promise<void> {
  print(`blocks: the longest one while serving, median and worst of ${rounds} rounds`);
  print("");
  print(row("", ["block ms", "own ms", "worst own", "answer ms", "took s"]));
  const verdicts: string[] = [];
  for (const keys of sizes) {
    await using server = await BenchServer.start("gateway", endpoint, keys);
    const disturbances = disturbancesOf(endpoint, keys);
    const observations = new Map<string, Observation[]>(Object.keys(disturbances).map((name) => [name, []]));
    for (let round = 1; round <= rounds; round++) {
      for (const [name, { disturb, restore }] of Object.entries(disturbances)) {
        progress(`blocks, ${keys} keys, round ${round} of ${rounds}: ${name}`);
        observations.get(name)?.push(await observe(server, () => disturb(server, round)));
        await restore?.();
      }
    }
    for (const [name, all] of observations) {
      print(describe(`${name}, ${keys.toLocaleString("en")} keys`, all));
      if (name === "nothing") continue;
      const longest = median(all.map(({ ownMs }) => ownMs));
      verdicts.push(
        `${name}, ${keys.toLocaleString("en")} keys: longest block in ms ${judge(longest, TARGET_MS)}`,
      );
    }
  }
  print("");
  for (const verdict of verdicts) print(verdict);
  print("");
}

function disturbancesOf(endpoint: string, keys: number): Readonly<Record<string, Disturbance>> {
  const burst = Math.min(BURST_KEYS, keys);
  const put = async (server: BenchServer, count: number, version: number) => {
    const goal = Number(await server.order("arrivals")) + count;
    await fillEtcd(endpoint, keys, count, version);
    const isApplied = async () => Number(await server.order("arrivals")) >= goal;
    await eventually(isApplied, { timeoutMs: BURST_TIMEOUT_MS, intervalMs: 20 });
  };
  const reload = (server: BenchServer) => server.order("reload");
  return {
    nothing: { disturb: () => sleep(IDLE_MS) },
    reload: { disturb: reload },
    [`${burst} changed keys`]: { disturb: (server, version) => put(server, burst, 2 * version) },
    "both at once": {
      disturb: (server, version) => Promise.all([reload(server), put(server, burst, 2 * version + 1)]),
    },
    "all keys changed": { disturb: (server, version) => put(server, keys, -version) },
    "all keys deleted": {
      disturb: (server) => remove(server, endpoint, keys),
      restore: () => fillEtcd(endpoint, keys, keys, 0),
    },
  };
}

/** Deletes all keys in one revision, and waits until the last of their webhooks is gone. */
async function remove(server: BenchServer, endpoint: string, keys: number): Promise<void> {
  const last = new URL(`/webhook/${nameOf(keys - 1).replace("/webhooks/", "/")}`, server.url).href;
  await deleteKeys(endpoint, keys);
  const isGone = async () => await post(last) === 404;
  await eventually(isGone, { timeoutMs: BURST_TIMEOUT_MS, intervalMs: 20 });
}

async function observe(server: BenchServer, disturb: () => Promise<unknown>): Promise<Observation> {
  await sleep(SETTLE_MS);
  await server.order("start-recording");
  const requests = new RequestStream(server.url);
  const begun = performance.now();
  await disturb();
  const tookMs = performance.now() - begun;
  const slowestAnswerMs = await requests.stop();
  return { ...await server.order("stop-recording") as Block, slowestAnswerMs, tookMs };
}

/** Sends a request every few milliseconds, and remembers the slowest answer. */
class RequestStream {
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #underWay = new Set<Promise<void>>();
  #slowestMs = 0;

  constructor(url: string) {
    this.#timer = setInterval(() => {
      const sending = this.#send(url).finally(() => this.#underWay.delete(sending));
      this.#underWay.add(sending);
    }, REQUEST_INTERVAL_MS);
  }

  /** Returns the slowest answer's time in milliseconds. */
  async stop(): Promise<number> {
    clearInterval(this.#timer);
    await Promise.all(this.#underWay);
    return this.#slowestMs;
  }

  async #send(url: string): Promise<void> {
    const sentAt = performance.now();
    const status = await post(url);
    if (status !== 200) throw new Error(`A request was answered ${status} while the configuration changed`);
    this.#slowestMs = Math.max(this.#slowestMs, performance.now() - sentAt);
  }
}

function describe(name: string, all: readonly Observation[]): string {
  const longest = all.map(({ longestMs }) => longestMs);
  return row(name, [
    median(longest).toFixed(1),
    median(all.map(({ ownMs }) => ownMs)).toFixed(1),
    Math.max(...all.map(({ ownMs }) => ownMs)).toFixed(1),
    median(all.map(({ slowestAnswerMs }) => slowestAnswerMs)).toFixed(1),
    (median(all.map(({ tookMs }) => tookMs)) / 1000).toFixed(2),
  ]);
}
