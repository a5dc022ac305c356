/**
 * What a million undelivered events cost: how fast events are accepted beside them, how much memory they
 * take, and how soon a gateway that finds them at its start is ready.
 *
 * @module
 */

import { join } from "@std/path";
import { getLogger } from "@logtape/logtape";
import { openSqliteJournal } from "../../src/journal/sqlite/sqlite_journal.ts";
import { GatewayProcess } from "../support/process/gateway_process.ts";
import { verifiedEvent } from "../support/verified_event.ts";
import { judge, median, peakMiB, print, progress, residentMiB, row } from "./etcd_report.ts";
import { type Contestant, type LoadOptions, measureInTurn } from "./http_load.ts";
import { REPOSITORY } from "../support/repository.ts";
import { append } from "../support/journal/append.ts";

const EVENTS = 1_000_000;
const READY_TARGET_SECONDS = 3;
const PROGRAM = "tests/bench/servers/gateway_lanes.ts";
const BODY = JSON.stringify({ action: "push", repository: { id: 12345, name: "myapp" }, number: 1234 });

/** Events that are under way into the journal while it is filled. */
const FILL_BATCH = 5_000;

const STARTS = 3;

/** How long a gateway that has started goes through the events that it has found, and longer. */
const IDLE_SECONDS = 10;

export async function benchBacklog(options: LoadOptions): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "cwm-bench-" });
  try {
    const empty = join(directory, "empty");
    const full = join(directory, "full");
    progress(`writing ${EVENTS} events`);
    await fill(join(full, "journal"), "hung");
    await printStarts(empty, full);
    await printLoad(empty, full, options);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** Puts events into a journal that nobody delivers. */
async function fill(directory: string, webhook: string): Promise<void> {
  await using journal = await openSqliteJournal({ directory, logger: getLogger(["cwm", "bench"]) });
  const receivedAt = Date.now();
  for (let written = 0; written < EVENTS; written += FILL_BATCH) {
    await Promise.all(
      Array.from(
        { length: FILL_BATCH },
        () => append(journal, verifiedEvent({ webhook, body: BODY, receivedAt }), { claim: false }),
      ),
    );
  }
}

/** From the start of the process to `/readyz`, after a drain and after `kill -9`. */
async function printStarts(empty: string, full: string): Promise<void> {
  print(`start with a journal, median of ${STARTS}`);
  print(row("", ["seconds", "MiB", "peak MiB"]));
  for (const [name, directory] of [["empty journal", empty], ["1,000,000 events", full]] as const) {
    for (const signal of ["SIGTERM", "SIGKILL"] as const) {
      const starts: Start[] = [];
      for (let count = 0; count < STARTS; count++) starts.push(await measureStart(directory, signal));
      const seconds = median(starts.map((start) => start.seconds));
      print(row(`${name}, then ${signal}`, [
        judgeIfFull(seconds, directory === full),
        median(starts.map((start) => start.residentMiB)).toFixed(0),
        median(starts.map((start) => start.peakMiB)).toFixed(0),
      ]));
    }
  }
  print();
}

function judgeIfFull(seconds: number, isFull: boolean): string {
  return isFull ? judge(seconds, READY_TARGET_SECONDS) : seconds.toFixed(2);
}

interface Start {
  readonly seconds: number;
  readonly residentMiB: number;
  readonly peakMiB: number;
}

/** @param signal what ends it, so that the next start finds what that leaves */
async function measureStart(dataDir: string, signal: Deno.Signal): Promise<Start> {
  const begun = performance.now();
  await using gateway = await GatewayProcess.start({
    program: PROGRAM,
    args: [],
    env: { DATA_DIR: dataDir },
  });
  await gateway.waitUntilReady();
  const seconds = (performance.now() - begun) / 1000;
  const answer = await fetch(`${gateway.url}/webhook/hung`, { method: "POST", body: BODY });
  if (answer.status !== 200) throw new Error(`Answered ${answer.status} ${await answer.text()}`);
  await answer.body?.cancel();
  const memory = { residentMiB: residentMiB(gateway.pid), peakMiB: peakMiB(gateway.pid) };
  gateway.kill(signal);
  await gateway.exited;
  return { seconds, ...memory };
}

async function printLoad(empty: string, full: string, options: LoadOptions): Promise<void> {
  const contestant = (
    name: string,
    directory: string,
    webhook: string,
    idleSeconds = IDLE_SECONDS,
  ): Contestant => ({
    name,
    idleSeconds,
    program: [join(REPOSITORY, PROGRAM)],
    environment: { DATA_DIR: directory, HOST: "127.0.0.1" },
    path: `/webhook/${webhook}`,
    body: BODY,
  });
  const results = await measureInTurn([
    contestant("delivered at once, empty journal", empty, "quick"),
    contestant("delivered at once, beside 1,000,000 events", full, "quick"),
    contestant("the same in the first seconds of a start", full, "quick", 0),
    contestant("not delivered, empty journal", empty, "hung"),
    contestant("not delivered, behind 1,000,000 events", full, "hung"),
  ], options);
  const { connections, rounds, seconds } = options;
  print(`accept: ${connections} connections, ${rounds} rounds of ${seconds} s each, medians`);
  print(row("", ["requests/s", "p99 ms", "CPU s/10,000", "MiB"]));
  for (const [name, { requestsPerSecond, p99Ms, cpuPer10k, memoryMiB }] of results) {
    print(row(name, [
      requestsPerSecond.toFixed(0),
      p99Ms.toFixed(2),
      cpuPer10k.toFixed(3),
      memoryMiB.toFixed(0),
    ]));
  }
}
