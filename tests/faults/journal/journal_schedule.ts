/**
 * Random schedules of faults against gateways that share a journal on PostgreSQL. A seed decides what happens; how it
 * falls together in time is up to the machine, as it is in production.
 *
 * @module
 */

import type { Ledger } from "../../crash/ledger.ts";
import type { Verdict } from "../../crash/verdict.ts";
import type { PoolMode } from "../../support/postgres/pgbouncer.ts";
import { SeededRandom } from "../random.ts";
import type { DatabaseKind } from "./database.ts";
import { FAULTS } from "./faults.ts";
import { JournalWorld } from "./journal_world.ts";
import type { Times } from "./times.ts";

const KINDS: readonly DatabaseKind[] = ["pair", "pooled", "disks"];
const MODES: readonly PoolMode[] = ["transaction", "session", "statement"];

const CONNECTIONS = 16;

/** Violations that are shown of one run. */
const SHOWN = 20;

/** So many events are accepted between two faults. */
const BETWEEN = 60;

/** What happens in a run. */
export interface JournalSchedule {
  readonly seed: number;
  readonly kind: DatabaseKind;
  readonly mode: PoolMode;
  /** Names of faults, in their order. */
  readonly faults: readonly string[];
  readonly times: Times;
}

/** How a run ended. */
export interface JournalReport extends Verdict {
  readonly refusals: ReadonlyMap<string, number>;
  readonly longestRefusalMs: number;
  readonly seconds: number;
  /** What this machine cannot do to gateways and servers; such a run is not complete. */
  readonly leftOut: readonly string[];
}

/** The schedule of a seed. */
export function scheduleOf(seed: number, times: Times, length = 6): JournalSchedule {
  const random = new SeededRandom(seed);
  const kind = KINDS[seed % KINDS.length]!;
  const names = Object.entries(FAULTS).flatMap(([name, { worlds, weight }]) =>
    worlds.includes(kind) ? Array<string>(weight).fill(name) : []
  );
  const faults = Array.from({ length }, () => random.pick(names));
  return { seed, kind, mode: MODES[Math.floor(seed / KINDS.length) % MODES.length]!, faults, times };
}

/** One fault, so many times. */
export function scheduleOfFault(name: string, rounds: number, times: Times): JournalSchedule {
  const kind = FAULTS[name]!.worlds[0]!;
  return { seed: rounds, kind, mode: "transaction", faults: Array<string>(rounds).fill(name), times };
}

/** Runs it. @param onFault is called after each, with their count and the books */
export async function runJournalSchedule(
  schedule: JournalSchedule,
  onFault?: (count: number, ledger: Ledger) => void,
): Promise<JournalReport> {
  const begun = performance.now();
  await using world = await JournalWorld.create({
    ...schedule,
    connections: CONNECTIONS,
    setsClocks: schedule.faults.includes("clock_set_back"),
  });
  if (world === undefined) throw new Error("This machine has no disks that can be filled");
  const leftOut = new Set<string>();
  const violations: string[] = [];
  for (const [index, name] of schedule.faults.entries()) {
    await world.accept(BETWEEN);
    if (name === "clock_set_back" && !world.gateways[0]!.clock!.canBeSet) {
      leftOut.add(`${name}, for which it needs libfaketime`);
    } else violations.push(...await happen(world, name));
    onFault?.(index + 1, world.ledger);
  }
  const verdict = await world.settle();
  const { refusals, longestRefusalMs } = world.ledger;
  return {
    ...verdict,
    violations: [...verdict.violations, ...violations],
    refusals,
    longestRefusalMs,
    leftOut: [...leftOut],
    seconds: (performance.now() - begun) / 1000,
  };
}

/** The report in lines, for people. */
export function describeJournalReport(report: JournalReport): string[] {
  const { failed, cutOff, unsettled, takenOver, woken } = report.duplicates;
  const refusals = Array.from(report.refusals, ([what, count]) => `${count} x ${what}`).join(", ");
  return [
    `answered 200: ${report.accepted}; refused: ${refusals || "none"}, after ${
      report.longestRefusalMs.toFixed(0)
    } ms at most`,
    `without an answer: ${report.unanswered}, of these delivered: ${report.unansweredDelivered}`,
    `arrivals: ${report.arrivals}; dead letters: ${report.deadLetters}`,
    `arrived again: ${failed} after a failure, ${cutOff} cut off by a kill, ${unsettled} answered and not settled at a ` +
    `kill, ${takenOver} taken over from a frozen gateway, ${woken} from one that woke`,
    `${report.seconds.toFixed(0)} s; violations: ${countKinds(report.violations)}`,
    ...report.violations.slice(0, SHOWN).map((violation) => `  ${violation}`),
    ...report.leftOut.map((name) => `  LEFT OUT on this machine: ${name}`),
  ];
}

/** By what stands before the first colon. */
function countKinds(violations: readonly string[]): string {
  const kinds = Map.groupBy(violations, (violation) => violation.split(":")[0]!);
  return Array.from(kinds, ([kind, { length }]) => `${length} x ${kind}`).join(", ") || "none";
}

/** Returns what must not be. */
async function happen(world: JournalWorld, name: string): Promise<readonly string[]> {
  const { happen, spares = false } = FAULTS[name]!;
  const before = spares ? await world.living() : [];
  await happen(world);
  if (!spares) return [];
  // What was answered since shows that the gateways have found back.
  await world.accept(BETWEEN);
  const gone = new Set(before).difference(new Set(await world.registrations()));
  return Array.from(gone, (id) => `Gateway ${id} was taken for dead by ${name}`);
}
