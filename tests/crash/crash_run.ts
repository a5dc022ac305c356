/**
 * One run of the crash test: a gateway under load in front of a slow receiver, ended again and again at
 * random moments, and the judgement when all that was accepted has come through.
 *
 * @module
 */

import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { SeededRandom } from "../faults/random.ts";
import { eventually } from "../support/eventually.ts";
import { GatewayProcess } from "../support/process/gateway_process.ts";
import { TempDir } from "../support/temp_dir.ts";
import { Ledger } from "./ledger.ts";
import { readLetters } from "./letters.ts";
import { Receiver } from "./receiver.ts";
import { Senders } from "./senders.ts";
import { judge, type Letter, type Verdict } from "./verdict.ts";
import { webhooksFor } from "./webhooks.ts";

const ADMIN_TOKEN = "only-for-the-crash-test";

/** How often the gateway is killed before it is even ready. */
const EARLY = 0.15;

/** How long what is left may take to come through, in milliseconds. */
const SETTLE_TIMEOUT_MS = 120_000;

/** How long a gateway may take to accept the least number of events, in milliseconds. */
const LOAD_TIMEOUT_MS = 60_000;

/** What a run is made of. */
export interface CrashOptions {
  readonly seed: number;
  /** How often the gateway is ended. */
  readonly rounds: number;
  readonly connections: number;
  readonly signal: "SIGKILL" | "SIGTERM";
  /** The longest life of a gateway that is ready, in milliseconds. */
  readonly longestLifeMs: number;
  /** So many events a gateway that is ready accepts before its life counts, however slow the machine. @default 0 */
  readonly leastAccepted?: number;
  /** Told of every end. */
  readonly onRound?: (round: number, ledger: Ledger) => void;
}

/** How a run ended. */
export interface CrashReport extends Verdict {
  readonly refusals: ReadonlyMap<string, number>;
  readonly seconds: number;
}

/** Runs it. */
export async function runCrashes(options: CrashOptions): Promise<CrashReport> {
  const begun = performance.now();
  const random = new SeededRandom(options.seed);
  const ledger = new Ledger();
  await using directory = await TempDir.create();
  await using receiver = await Receiver.start(ledger, new SeededRandom(options.seed + 1));
  await directory.writeJson("webhooks.json", webhooksFor(receiver.url));
  const senders = new Senders(options.connections, ledger, new SeededRandom(options.seed + 2));
  try {
    for (let round = 1; round <= options.rounds; round++) {
      await liveAndDie(directory.path, senders, ledger, random, options);
      options.onRound?.(round, ledger);
    }
  } finally {
    await senders.stop();
  }
  receiver.slow = false;
  const letters = await comeThrough(directory.path);
  const verdict = judge(ledger, letters);
  const violations = [
    ...verdict.violations,
    ...checkFile(directory.file("data", "journal", "journal.db")),
  ];
  const { refusals } = ledger;
  return { ...verdict, violations, refusals, seconds: (performance.now() - begun) / 1000 };
}

function startGateway(cwd: string): Promise<GatewayProcess> {
  return GatewayProcess.start({
    cwd,
    program: "tests/crash/gateway.ts",
    args: [],
    env: { ADMIN_TOKEN, LOG_LEVEL: "info", SHUTDOWN_GRACE_MS: "100" },
  });
}

async function liveAndDie(
  cwd: string,
  senders: Senders,
  ledger: Ledger,
  random: SeededRandom,
  { signal, longestLifeMs, leastAccepted = 0 }: CrashOptions,
): Promise<void> {
  await using gateway = await startGateway(cwd);
  senders.pointTo(gateway.port);
  const accepted = () => ledger.sent.filter(({ eventId }) => eventId !== undefined).length;
  const enough = accepted() + leastAccepted;
  if (signal === "SIGTERM" || random.next() >= EARLY) {
    await gateway.waitUntilReady();
    await eventually(() => accepted() >= enough, { timeoutMs: LOAD_TIMEOUT_MS });
  }
  await sleep(random.next() * longestLifeMs);
  const endedAt = performance.now();
  gateway.kill(signal);
  const { code } = await gateway.exited;
  senders.pointTo();
  ledger.lives.push(signal === "SIGKILL" ? { signal, endedAt } : { signal, endedAt, exitCode: code });
}

/** Lets the gateway deliver what is left, and ends it in good order. Returns the dead letters. */
async function comeThrough(cwd: string): Promise<readonly Letter[]> {
  await using gateway = await startGateway(cwd);
  await gateway.waitUntilReady();
  await eventually(async () => {
    const text = await (await fetch(`${gateway.url}/metrics`)).text();
    const pending = /^cwm_events_pending (\d+)$/m.exec(text)?.[1];
    if (pending !== "0") throw new Error(`${pending} events are pending`);
  }, { timeoutMs: SETTLE_TIMEOUT_MS, intervalMs: 100 });
  const letters = await readLetters(gateway.url, ADMIN_TOKEN);
  gateway.kill("SIGTERM");
  await gateway.exited;
  return letters;
}

function checkFile(path: string): string[] {
  const database = new DatabaseSync(path);
  try {
    const rows = database.prepare("PRAGMA integrity_check").all();
    const text = rows.map((row) => String(Object.values(row)[0])).join("; ");
    return text === "ok" ? [] : [`The journal's file is damaged: ${text}`];
  } finally {
    database.close();
  }
}
