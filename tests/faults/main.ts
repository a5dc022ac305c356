// deno-lint-ignore-file no-console -- prints its results for people
/**
 * `deno task test:faults`: random schedules of faults against real etcd servers, and what an outage costs; against two
 * gateways that share a journal on PostgreSQL; and the servers behind outputs, frozen, killed and cut off under load.
 *
 *     SEEDS=200 deno task test:faults                    seeds 0 to 199
 *     deno task test:faults 17 42                        these seeds alone
 *     SEEDS=60 deno task test:faults postgres            the journal, with a tenth of the times
 *     ROUNDS=3 deno task test:faults postgres each       each fault of the journal three times, with the real times
 *     deno task test:faults postgres each pooler_killed  that fault alone
 *     SECONDS=30 deno task test:faults outputs           the server of each output, with the defaults of its module
 *     deno task test:faults outputs mqtt rabbitmq        these alone
 *
 * The exit status is 0 only if every schedule ended with the provider in step, or no event of the journal was lost, came
 * out of order, or came twice without a reason; if no event of an output is missing, or there again without a reason, and
 * other webhooks kept their pace; and if no fault had to be left out.
 *
 * @module
 */

import { runSchedule } from "./fault_schedule.ts";
import { FAULTS } from "./journal/faults.ts";
import {
  describeJournalReport,
  type JournalSchedule,
  runJournalSchedule,
  scheduleOf,
  scheduleOfFault,
} from "./journal/journal_schedule.ts";
import { REAL_TIMES, SHORT_TIMES } from "./journal/times.ts";
import { measureOutage } from "./outage_cost.ts";
import { runOutputFaults } from "./output_faults.ts";

/** A core may be busy with an outage for this part of the time. */
const MAX_CPU = 0.02;

Deno.exit(await main());

async function main(): Promise<number> {
  if (Deno.args[0] === "postgres") return await faultsOfJournal(Deno.args.slice(1));
  if (Deno.args[0] === "outputs") return await faultsOfOutputs(Deno.args.slice(1));
  const seeds = seedsOf(Deno.args, 200);
  let failures = 0;
  for (const seed of seeds) {
    try {
      const { kind, faults, seconds } = await runSchedule(seed);
      console.log(`seed ${seed} ${kind}: in step after ${seconds.toFixed(1)} s: ${faults.join(", ")}`);
    } catch (error) {
      failures++;
      console.error(`seed ${seed} FAILED:`, error);
    }
  }
  for (const outage of ["refused", "frozen"] as const) {
    const cpu = await measureOutage(outage);
    const verdict = cpu <= MAX_CPU ? "" : ": TOO MUCH";
    if (cpu > MAX_CPU) failures++;
    console.log(`etcd ${outage}: ${(cpu * 100).toFixed(2)} % of a core${verdict}`);
  }
  console.log(`${seeds.length - failures} passed, ${failures} failed`);
  return failures === 0 ? 0 : 1;
}

async function faultsOfJournal(args: readonly string[]): Promise<number> {
  const schedules = args[0] === "each" ? eachFault(args.slice(1)) : randomSchedules(args);
  let failures = 0;
  for (const schedule of schedules) {
    const { seed, kind, mode, faults } = schedule;
    console.log(`seed ${seed}, ${kind}${kind === "pooled" ? `, ${mode} mode` : ""}: ${faults.join(", ")}`);
    try {
      const report = await runJournalSchedule(schedule);
      for (const line of describeJournalReport(report)) console.log(`  ${line}`);
      if (report.violations.length + report.leftOut.length > 0) failures++;
    } catch (error) {
      failures++;
      console.error("  FAILED:", error);
    }
  }
  console.log(`${schedules.length - failures} passed, ${failures} failed`);
  return failures === 0 ? 0 : 1;
}

async function faultsOfOutputs(named: readonly string[]): Promise<number> {
  const seconds = Number(Deno.env.get("SECONDS") ?? "30");
  let failures = 0;
  for await (const { lines, isKept } of runOutputFaults(named, seconds)) {
    for (const line of lines) console.log(line);
    if (!isKept) failures++;
  }
  console.log(failures === 0 ? "every promise was kept" : `${failures} failed`);
  return failures === 0 ? 0 : 1;
}

/** Those that are named, or as many as `SEEDS` says. @throws {TypeError} for what is no number */
function seedsOf(named: readonly string[], otherwise: number): readonly number[] {
  const wrong = named.find((seed) => !/^\d+$/.test(seed));
  if (wrong !== undefined) throw new TypeError(`'${wrong}' is neither a seed nor a kind of faults`);
  if (named.length > 0) return named.map(Number);
  return Array.from({ length: Number(Deno.env.get("SEEDS") ?? otherwise) }, (_, seed) => seed);
}

function randomSchedules(named: readonly string[]): JournalSchedule[] {
  return seedsOf(named, 60).map((seed) => scheduleOf(seed, SHORT_TIMES));
}

function eachFault(named: readonly string[]): JournalSchedule[] {
  const rounds = Number(Deno.env.get("ROUNDS") ?? "3");
  const names = named.length > 0 ? named : Object.keys(FAULTS);
  return names.map((name) => scheduleOfFault(name, rounds, REAL_TIMES));
}
