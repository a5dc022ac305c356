/** How fast events are accepted, against floors in the same run. */

import { createHmac } from "node:crypto";
import { join } from "@std/path";
import { REPOSITORY } from "../support/repository.ts";
import { PUSH_BODY } from "./bodies.ts";
import type { ComparisonOptions } from "./against/comparables.ts";
import type { Comparable, Gain } from "./against/comparison.ts";
import {
  comparableLoad,
  type Contestant,
  type LoadOptions,
  measureRounds,
  mediansOf,
  ratioOf,
  type Rounds,
} from "./http_load.ts";

const SECRET = "a secret of the benchmark alone";

const FILTERED = "gateway, nothing, a filter that passes";
const ROUTED = "gateway, nothing, 16 steps with when";

/** The last revision without filters, whose gateway does the same without them. */
const BEFORE_FILTERS = "63fcd3eb";

/** A ratio that is claimed, and what it is measured against. */
interface Target {
  readonly contestant: string;
  readonly floor: string;
  /** At least this share of the floor's throughput. */
  readonly throughput: number;
  /** At most this many times the floor's CPU time per request. */
  readonly cpu?: number;
}

const TARGETS: readonly Target[] = [
  {
    contestant: "gateway, log output to a file",
    floor: "floor, same visible work",
    throughput: 0.90,
    cpu: 1.15,
  },
  { contestant: "gateway, output that does nothing", floor: "floor, json in and out", throughput: 0.75 },
  { contestant: "gateway, log output, hmac", floor: "gateway, log output to a file", throughput: 0.75 },
  { contestant: "gateway, nothing, hmac", floor: "gateway, output that does nothing", throughput: 0.75 },
  {
    contestant: "gateway, nothing, 250,000 webhooks",
    floor: "gateway, output that does nothing",
    throughput: 0.98,
  },
  { contestant: FILTERED, floor: "gateway, output that does nothing", throughput: 0.97, cpu: 1.04 },
  { contestant: ROUTED, floor: "gateway, output that does nothing", throughput: 0.93, cpu: 1.08 },
];

/** What webhooks with a filter and with conditions are held to beside a build that had neither. */
const BOUNDS: Readonly<Record<string, Gain>> = {
  [FILTERED]: { since: BEFORE_FILTERS, rate: 0.97, cpu: 1.04 },
  [ROUTED]: { since: BEFORE_FILTERS, rate: 0.93, cpu: 1.08 },
};

export async function benchAccept(options: LoadOptions): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "cwm-bench-" });
  const rounds = await measureRounds(await contestants(directory, REPOSITORY), options);
  await Deno.remove(directory, { recursive: true });
  printTable(rounds, options);
}

/** All but the floors, which are no builds of the gateway. */
export async function compareAccept(
  options: ComparisonOptions,
  resources: AsyncDisposableStack,
): Promise<readonly Comparable[]> {
  const directory = await Deno.makeTempDir({ prefix: "cwm-bench-" });
  resources.defer(() => Deno.remove(directory, { recursive: true }));
  const names = (await contestants(directory, REPOSITORY)).map(({ name }) => name);
  return names.flatMap((name, index) =>
    name.startsWith("gateway")
      ? [{
        ...comparableLoad(name, options, async (root) => (await contestants(directory, root))[index]!),
        ...(BOUNDS[name] === undefined ? {} : { bounds: BOUNDS[name] }),
      }]
      : []
  );
}

/** @param root of the build that is measured */
async function contestants(directory: string, root: string): Promise<Contestant[]> {
  const server = (name: string) => join(root, "tests/bench/servers", name);
  // Of a build that knows no filters, the same gateway without them.
  const own = (what: string) => root === REPOSITORY ? [what] : [];
  const request = { path: "/webhook/default", body: PUSH_BODY };
  const signature = `sha256=${createHmac("sha256", SECRET).update(PUSH_BODY).digest("hex")}`;
  const signed = { ...request, headers: { "X-Signature": signature } };
  const main = [join(root, "src/main.ts"), "serve"];
  const log = { WEBHOOKS_CONFIG_FILE: await writeConfig(directory, "log", {}) };
  const hmac = { hmac: { secret: SECRET, header: "X-Signature" } };
  const logHmac = { WEBHOOKS_CONFIG_FILE: await writeConfig(directory, "log_hmac", hmac) };
  return [
    { name: "floor, same visible work", program: [server("floor_log.ts"), "PORT"], ...request },
    { name: "gateway, log output to a file", program: main, environment: log, ...request },
    { name: "gateway, log output, hmac", program: main, environment: logHmac, ...signed },
    { name: "floor, json in and out", program: [server("floor_bare.ts"), "PORT"], ...request },
    {
      name: "gateway, output that does nothing",
      program: [server("gateway_null.ts"), "PORT", "1"],
      ...request,
    },
    {
      name: "gateway, nothing, 250,000 webhooks",
      program: [server("gateway_null.ts"), "PORT", "250000"],
      ...request,
    },
    { name: FILTERED, program: [server("gateway_null.ts"), "PORT", "1", ...own("filter")], ...request },
    { name: ROUTED, program: [server("gateway_null.ts"), "PORT", "1", ...own("steps")], ...request },
    { name: "gateway, nothing, hmac", program: [server("gateway_null.ts"), "PORT", "1", SECRET], ...signed },
  ];
}

async function writeConfig(directory: string, name: string, more: Record<string, unknown>): Promise<string> {
  const file = join(directory, `${name}.json`);
  await Deno.writeTextFile(file, JSON.stringify({ default: { module: "log", ...more } }));
  return file;
}

function printTable(rounds: Rounds, { seconds, rounds: count, connections }: LoadOptions): void {
  print(`accept: ${connections} connections, ${count} rounds of ${seconds} s each, medians`);
  print("");
  print(row(["", "requests/s", "p99 ms", "CPU s/10,000", "MiB"]));
  for (const [name, result] of mediansOf(rounds)) {
    print(row([
      name,
      result.requestsPerSecond.toFixed(0),
      result.p99Ms.toFixed(2),
      result.cpuPer10k.toFixed(4),
      result.memoryMiB.toFixed(0),
    ]));
  }
  print("");
  for (const target of TARGETS) printTarget(target, rounds);
}

function printTarget(target: Target, rounds: Rounds): void {
  const { contestant, floor } = target;
  const throughput = ratioOf(rounds, contestant, floor, "requestsPerSecond");
  const cpu = ratioOf(rounds, contestant, floor, "cpuPer10k");
  const cpuTarget = target.cpu === undefined ? "" : ` (at most ${target.cpu.toFixed(2)})`;
  print(`${contestant} against ${floor}:`);
  print(
    `  throughput ${throughput.toFixed(2)} (at least ${target.throughput.toFixed(2)}), CPU ${
      cpu.toFixed(2)
    }${cpuTarget}`,
  );
}

function row([name = "", ...figures]: readonly string[]): string {
  return name.padEnd(38) + figures.map((figure) => figure.padStart(14)).join("");
}

function print(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(line + "\n"));
}
