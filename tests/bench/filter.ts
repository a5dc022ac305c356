/**
 * What filters and reshaping cost beside the same written by hand in TypeScript, in one process and in turns.
 *
 * @module
 */

import process from "node:process";
import { judge, judgeLeast, median, print, row } from "./etcd_report.ts";
import { expressionContests } from "./filter_expressions.ts";
import { payloadContests } from "./filter_payload.ts";
import { benchWrap } from "./filter_wrap.ts";

/** Two ways to the same end. */
export interface Contest {
  readonly name: string;
  /** What the gateway does. Its results are looked at, so that nothing of it can be left out. */
  readonly gateway: () => unknown;
  /** What it is compared with. */
  readonly floor: () => unknown;
  /** How often the gateway's does it in the time of one floor at least, or how long it takes of the floor's at most. */
  readonly target: { readonly speedAtLeast: number } | { readonly timeAtMost: number };
}

/** How long one turn takes at least, in milliseconds of processor time. */
const TURN_MS = 40;

/** Turns of each, one after the other. */
const ROUNDS = 10;

/** Prints the contests, and returns whether all targets are met. */
export async function benchFilter(): Promise<boolean> {
  print(row("", ["gateway ns", "floor ns", "ratio"]));
  let isMet = true;
  for (const contest of [...await expressionContests(), ...payloadContests()]) {
    const { gateway, floor, ratio } = measure(contest);
    const { target } = contest;
    const met = "speedAtLeast" in target ? ratio >= target.speedAtLeast : ratio <= target.timeAtMost;
    const verdict = "speedAtLeast" in target
      ? judgeLeast(ratio, target.speedAtLeast)
      : judge(ratio, target.timeAtMost);
    print(`${row(contest.name, [gateway.toFixed(0), floor.toFixed(0)])}  ${verdict}`);
    isMet &&= met;
  }
  return await benchWrap() && isMet;
}

interface Figures {
  readonly gateway: number;
  readonly floor: number;
  readonly ratio: number;
}

/** Medians of the times in nanoseconds, and of the ratios within each round. */
function measure({ gateway, floor, target }: Contest): Figures {
  const [gatewayCount, floorCount] = [countFor(gateway), countFor(floor)];
  const rounds = Array.from({ length: ROUNDS }, () => ({
    gateway: timeOf(gateway, gatewayCount),
    floor: timeOf(floor, floorCount),
  }));
  return {
    gateway: median(rounds.map((round) => round.gateway)),
    floor: median(rounds.map((round) => round.floor)),
    ratio: median(rounds.map((round) => {
      return "speedAtLeast" in target ? round.floor / round.gateway : round.gateway / round.floor;
    })),
  };
}

/** How often something is done in one turn, once the engine has done with it what it can. */
function countFor(work: () => unknown): number {
  let count = 64;
  while (timeOf(work, count) * count < TURN_MS * 1e6) count *= 2;
  return count;
}

let seen = 0;

/** Processor time of one of many, in nanoseconds. */
function timeOf(work: () => unknown, count: number): number {
  const begun = process.cpuUsage();
  for (let index = 0; index < count; index++) {
    if (work() !== undefined) seen++;
  }
  const { user, system } = process.cpuUsage(begun);
  if (seen < 0) throw new RangeError("Nothing was done");
  return (user + system) * 1_000 / count;
}
