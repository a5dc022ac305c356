/** How fast events are accepted durably, against a floor in the same run. */

import { join } from "@std/path";
import { REPOSITORY } from "../support/repository.ts";
import { PUSH_BODY } from "./bodies.ts";
import type { ComparisonOptions } from "./against/comparables.ts";
import type { Comparable } from "./against/comparison.ts";
import {
  comparableLoad,
  type Contestant,
  type LoadOptions,
  measureRounds,
  mediansOf,
  ratioOf,
  type Rounds,
} from "./http_load.ts";

/** At least this share of the floor's throughput. */
const TARGET = 0.90;

const CONNECTIONS = [32, 256] as const;
const ACCEPTS = "floor: stores";
const DELIVERS = "floor: stores and removes";

/** Which floor does the same visible work. */
const FLOOR_OF: Readonly<Record<string, string>> = {
  "gateway, output holds all": ACCEPTS,
  "gateway, output takes all": DELIVERS,
};

/** Measures at few and at many connections; `load.connections` is not used. */
export async function benchDurable(load: LoadOptions): Promise<void> {
  for (const connections of CONNECTIONS) {
    const options = { ...load, connections };
    printTable(await measureRounds(contestants(REPOSITORY), options), options);
  }
}

/** The gateway at few and at many connections. */
export function compareDurable(options: ComparisonOptions): readonly Comparable[] {
  return CONNECTIONS.flatMap((connections) =>
    contestants(REPOSITORY).flatMap(({ name }, index) =>
      name in FLOOR_OF
        ? [
          comparableLoad(
            `${name}, ${connections} connections`,
            { ...options, connections },
            (root) => contestants(root)[index]!,
          ),
        ]
        : []
    )
  );
}

/** @param root of the build that is measured */
function contestants(root: string): Contestant[] {
  const server = (name: string) => join(root, "tests/bench/servers", name);
  const request = { path: "/webhook/default", body: PUSH_BODY };
  const floor = (name: string, ...mode: string[]): Contestant => ({
    name,
    program: [server("floor_durable.ts"), "PORT", "DIRECTORY", ...mode],
    ...request,
  });
  const gateway = (name: string, mode: string): Contestant => ({
    name,
    program: [server("gateway_durable.ts"), "PORT", "DIRECTORY", mode],
    ...request,
  });
  return [
    floor(ACCEPTS),
    gateway("gateway, output holds all", "holds"),
    floor(DELIVERS, "remove"),
    gateway("gateway, output takes all", "takes"),
  ];
}

function printTable(
  rounds: Rounds,
  { seconds, rounds: count, connections }: LoadOptions,
): void {
  print(`durable: ${connections} connections, ${count} rounds of ${seconds} s each, medians`);
  print("");
  print(row(["", "requests/s", "of its floor", "p99 ms", "CPU s/10,000", "MiB"]));
  for (const [name, result] of mediansOf(rounds)) {
    const floor = FLOOR_OF[name];
    print(row([
      name,
      result.requestsPerSecond.toFixed(0),
      floor === undefined ? "" : ratioOf(rounds, name, floor, "requestsPerSecond").toFixed(2),
      result.p99Ms.toFixed(2),
      result.cpuPer10k.toFixed(4),
      result.memoryMiB.toFixed(0),
    ]));
  }
  print("");
  print(`Target: at least ${TARGET.toFixed(2)} of the floor`);
  print("");
}

function row([name = "", ...figures]: readonly string[]): string {
  return name.padEnd(38) + figures.map((figure) => figure.padStart(14)).join("");
}

function print(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(line + "\n"));
}
