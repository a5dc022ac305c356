// deno-lint-ignore-file no-console -- prints its results for people
/**
 * `deno task test:crash`: a gateway under load that is killed at random moments, and told to end at others.
 * Of all events that were answered 200 none may be missing, and what arrives twice must have a reason.
 *
 *     ROUNDS=100 deno task test:crash          100 times SIGKILL, and then as often SIGTERM; seed 0
 *     ROUNDS=20 deno task test:crash 7 8       the same with 20 rounds, for these seeds
 *     ROUNDS=100 deno task test:crash postgres 7
 *                                              two gateways on one PostgreSQL, killed, frozen and told to end
 *
 * A kill takes the process, not the machine: that the disk has what it said it has is SQLite's promise.
 * The exit status is 0 only if every promise was kept.
 *
 * @module
 */

import { SHORT_TIMES } from "../faults/journal/times.ts";
import { describeJournalReport, runJournalSchedule } from "../faults/journal/journal_schedule.ts";
import { type CrashReport, runCrashes } from "./crash_run.ts";

const CONNECTIONS = 48;
const MAX_LIFE_MS = 1_500;

/** Violations that are shown of one run. */
const SHOWN = 20;

Deno.exit(await main());

async function main(): Promise<number> {
  const rounds = Number(Deno.env.get("ROUNDS") ?? "100");
  const isShared = Deno.args[0] === "postgres";
  const named = Deno.args.slice(isShared ? 1 : 0).map(Number);
  const seeds = named.length > 0 ? named : [0];
  return await (isShared ? crashShared(seeds, rounds) : crashAlone(seeds, rounds));
}

/** Two gateways on one PostgreSQL. */
async function crashShared(seeds: readonly number[], rounds: number): Promise<number> {
  let failures = 0;
  for (const seed of seeds) {
    for (const fault of ["gateway_killed", "gateway_frozen", "gateway_ended"]) {
      const faults = Array<string>(rounds).fill(fault);
      const schedule = { seed, kind: "alone", mode: "session", faults, times: SHORT_TIMES } as const;
      const report = await runJournalSchedule(schedule, (round, { sent, arrivals }) => {
        if (round % 10 === 0) {
          console.log(`${fault} ${round}: ${sent.length} requests, ${arrivals.length} arrivals`);
        }
      });
      console.log(`seed ${seed}, ${rounds} times ${fault}, two gateways`);
      for (const line of describeJournalReport(report)) console.log(`  ${line}`);
      if (report.violations.length > 0) failures++;
    }
  }
  return failures === 0 ? 0 : 1;
}

async function crashAlone(seeds: readonly number[], rounds: number): Promise<number> {
  let failures = 0;
  for (const seed of seeds) {
    for (const signal of ["SIGKILL", "SIGTERM"] as const) {
      const report = await runCrashes({
        seed,
        rounds,
        signal,
        connections: CONNECTIONS,
        longestLifeMs: MAX_LIFE_MS,
        onRound: (round, { sent, arrivals }) => {
          if (round % 10 === 0) {
            console.log(`${signal} ${round}: ${sent.length} requests, ${arrivals.length} arrivals`);
          }
        },
      });
      console.log(`seed ${seed}, ${rounds} times ${signal}, ${CONNECTIONS} connections`);
      print(report);
      if (report.violations.length > 0) failures++;
    }
  }
  return failures === 0 ? 0 : 1;
}

function print(report: CrashReport): void {
  const { failed, cutOff, unsettled, longestUnsettledMs } = report.duplicates;
  const refusals = Array.from(report.refusals, ([what, count]) => `${count} x ${what}`).join(", ");
  console.log(`  answered 200: ${report.accepted}; refused: ${refusals || "none"}`);
  console.log(`  without an answer: ${report.unanswered}, of these delivered: ${report.unansweredDelivered}`);
  console.log(`  arrivals: ${report.arrivals}; dead letters: ${report.deadLetters}`);
  console.log(
    `  arrived again: ${failed} after a failure, ${cutOff} cut off by the end, ${unsettled} answered but not ` +
      `in the journal at the kill (at most ${longestUnsettledMs.toFixed(0)} ms before it)`,
  );
  console.log(`  ${report.seconds.toFixed(0)} s; violations: ${report.violations.length}`);
  for (const violation of report.violations.slice(0, SHOWN)) console.log(`    ${violation}`);
}
