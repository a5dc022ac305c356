/**
 * How long the first load takes, and how much memory is needed then: the gateway as operators start it
 * against a bare client that parses every value into a map.
 *
 * A start is measured from the start of the process to the line that says that all webhooks are in
 * service. What it takes with no keys at all is start-up; the rest is the load. Memory is resident memory
 * a second later.
 *
 * @module
 */

import { join } from "@std/path";
import { setTimeout as sleep } from "node:timers/promises";
import { ChildProcess } from "../support/process/child_process.ts";
import { TempDir } from "../support/temp_dir.ts";
import { REPOSITORY } from "../support/repository.ts";
import { spawnProgram } from "../support/process/gateway_process.ts";
import type { Comparable } from "./against/comparison.ts";
import { prefixOf } from "./etcd_data.ts";
import { cpuSeconds } from "./http_load.ts";
import { judge, median, peakMiB, print, progress, residentMiB, row } from "./etcd_report.ts";

const TIME_TARGET = 1.3;
const MEMORY_TARGET = 1.5;
/** How much longer a load may take with a policy, and of how many rules. */
const POLICY_TARGET = 1.15;
const RULES = 200;
const LOAD_TIMEOUT_MS = 60_000;
/** Memory is compared at rest: garbage of the load is collected in this time. */
const SETTLE_MS = 1_000;

/**
 * How often a round starts each program. A load of a fraction of a second is the difference of two starts,
 * each of which varies by a fifth.
 */
const STARTS = 3;
/** Loads from so many keys on take long enough for one start. */
const LARGE_KEYS = 100_000;

type Contestant = "floor" | "gateway";
const CONTESTANTS: readonly Contestant[] = ["floor", "gateway"];

interface Start {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly residentMiB: number;
  readonly peakMiB: number;
}

/** The medians of some starts. */
interface Starts extends Omit<Start, "cpuSeconds"> {
  readonly fastest: number;
  readonly slowest: number;
}

type Pick = (contestant: Contestant, keys: number) => Starts;

export async function benchLoad(endpoint: string, sizes: readonly number[], rounds: number): Promise<void> {
  const starts = new Map<string, Start[]>();
  for (let round = 1; round <= rounds; round++) {
    for (const keys of [0, ...sizes]) {
      progress(`load, round ${round} of ${rounds}: ${keys} keys`);
      for (let count = keys < LARGE_KEYS ? STARTS : 1; count > 0; count--) {
        for (const contestant of CONTESTANTS) {
          const start = await measureStart(contestant, endpoint, keys);
          starts.set(`${contestant} ${keys}`, [...starts.get(`${contestant} ${keys}`) ?? [], start]);
        }
      }
    }
  }
  const pick: Pick = (contestant, keys) => {
    const all = starts.get(`${contestant} ${keys}`) ?? [];
    const seconds = all.map(({ seconds }) => seconds);
    return {
      seconds: median(seconds),
      fastest: Math.min(...seconds),
      slowest: Math.max(...seconds),
      residentMiB: median(all.map(({ residentMiB }) => residentMiB)),
      peakMiB: median(all.map(({ peakMiB }) => peakMiB)),
    };
  };
  printTable(sizes, rounds, pick);
}

/** Keys a second, from the start of the process on. */
export function compareLoad(endpoint: string, keys: number): Comparable {
  return {
    name: `load of ${keys.toLocaleString("en")} keys`,
    measure: async ({ root }) => {
      const { seconds, cpuSeconds } = await measureStart("gateway", endpoint, keys, root);
      return { rate: keys / seconds, p99Ms: NaN, cpuPer10k: cpuSeconds / keys * 10_000 };
    },
  };
}

/**
 * The first load with a policy of {@linkcode RULES} rules, and without one.
 *
 * @param rounds how often each is measured, in turn
 */
export async function benchPolicy(endpoint: string, sizes: readonly number[], rounds: number): Promise<void> {
  await using directory = await TempDir.create();
  const env = { POLICY_FILE: await directory.writeJson("policy.json", policyOfRules()) };
  print(`policy: the first load with ${RULES} rules, medians of ${rounds} rounds`);
  print(row("", ["start s", "CPU s", "MiB"]));
  for (const keys of sizes) {
    const without: Start[] = [];
    const within: Start[] = [];
    for (let round = 1; round <= rounds; round++) {
      progress(`policy, round ${round} of ${rounds}: ${keys} keys`);
      without.push(await measureStart("gateway", endpoint, keys));
      within.push(await measureStart("gateway", endpoint, keys, REPOSITORY, env));
    }
    for (const [label, starts] of [["without", without], ["with", within]] as const) {
      print(row(`${keys.toLocaleString("en")} keys, ${label}`, [
        median(starts.map(({ seconds }) => seconds)).toFixed(2),
        median(starts.map(({ cpuSeconds }) => cpuSeconds)).toFixed(2),
        median(starts.map(({ residentMiB }) => residentMiB)).toFixed(0),
      ]));
    }
    const ratio = (of: (start: Start) => number) => median(within.map(of)) / median(without.map(of));
    print(`${keys.toLocaleString("en")} keys: time ${judge(ratio(({ seconds }) => seconds), POLICY_TARGET)}`);
  }
  print("");
}

/** A ceiling for all, and rules for teams, of which each namespace matches three or four. */
function policyOfRules(): unknown {
  const rule = {
    variables: ["TEAM_*", "{namespace}_*"],
    vault: ["teams/{namespace}"],
    modules: ["log", "http_webhook", "kafka"],
    destinations: { hosts: ["*.team.example", "*.partner.example"], topics: ["{namespace}.*"] },
    authentication: { required: true },
  };
  const limits = { rate: "6000/60", webhooks: 1000, inflight: 100 };
  const namespaces: Record<string, unknown> = {
    "*": { modules: ["log", "http_*", "kafka"], limits },
    "team-*": rule,
  };
  for (let index = 0; Object.keys(namespaces).length < RULES; index++) {
    namespaces[`team-${String(index).padStart(3, "0")}*`] = rule;
  }
  return { default: "deny", namespaces };
}

/** @param repository the root of the build that is measured */
async function measureStart(
  contestant: Contestant,
  endpoint: string,
  keys: number,
  repository = REPOSITORY,
  env: Readonly<Record<string, string>> = {},
): Promise<Start> {
  const begun = performance.now();
  await using process = contestant === "floor"
    ? spawnFloor(endpoint, keys)
    : spawnGateway(endpoint, keys, repository, env);
  const [, served] = await process.waitForLine(/Serving (\d+) webhooks/, { timeoutMs: LOAD_TIMEOUT_MS });
  const seconds = (performance.now() - begun) / 1000;
  const cpu = cpuSeconds(process.pid);
  if (Number(served) < keys) throw new Error(`The ${contestant} has loaded ${served} of ${keys} keys`);
  await sleep(SETTLE_MS);
  return {
    seconds,
    cpuSeconds: cpu,
    residentMiB: residentMiB(process.pid),
    peakMiB: peakMiB(process.pid),
  };
}

function spawnFloor(endpoint: string, keys: number): ChildProcess {
  const program = join(REPOSITORY, "tests/bench/servers/etcd_floor_load.ts");
  return ChildProcess.spawn(Deno.execPath(), {
    args: ["run", "--cached-only", "--no-check", "--allow-all", program, endpoint, prefixOf(keys)],
  });
}

function spawnGateway(
  endpoint: string,
  keys: number,
  repository: string,
  env: Readonly<Record<string, string>>,
): ChildProcess {
  return spawnProgram({
    cwd: repository,
    repository,
    env: { CONFIG_BACKEND: "etcd", ETCD_ENDPOINTS: endpoint, ETCD_PREFIX: prefixOf(keys), ...env },
  });
}

function printTable(sizes: readonly number[], rounds: number, pick: Pick): void {
  print(`load: from the start of the process until all is served, medians of ${rounds} rounds`);
  print("");
  print(row("", ["start s", "from", "to", "load s", "MiB", "peak MiB"]));
  for (const keys of [0, ...sizes]) {
    for (const contestant of CONTESTANTS) {
      const { seconds, fastest, slowest, residentMiB, peakMiB } = pick(contestant, keys);
      const load = keys === 0 ? "" : loadSeconds(pick, contestant, keys).toFixed(2);
      print(row(`${contestant}, ${keys.toLocaleString("en")} keys`, [
        seconds.toFixed(2),
        fastest.toFixed(2),
        slowest.toFixed(2),
        load,
        residentMiB.toFixed(0),
        peakMiB.toFixed(0),
      ]));
    }
  }
  print("");
  for (const keys of sizes) {
    const time = loadSeconds(pick, "gateway", keys) / loadSeconds(pick, "floor", keys);
    const whole = pick("gateway", keys).seconds / pick("floor", keys).seconds;
    const memory = pick("gateway", keys).residentMiB / pick("floor", keys).residentMiB;
    print(
      `${keys.toLocaleString("en")} keys: load time ${judge(time, TIME_TARGET)}, memory ${
        judge(memory, MEMORY_TARGET)
      }, start to served ${whole.toFixed(2)}`,
    );
  }
  print("");
}

function loadSeconds(pick: Pick, contestant: Contestant, keys: number): number {
  return pick(contestant, keys).seconds - pick(contestant, 0).seconds;
}
