/**
 * What happens to gateways that share a journal, and to its PostgreSQL. Each time that is waited here is how long a fault
 * lasts, or the pace of one that comes again and again; what comes of it is awaited by the world.
 *
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";
import { eventually } from "../../support/eventually.ts";
import { freezeProcess, thawProcess } from "../../support/postgres/processes.ts";
import type { PostgresServer } from "../../support/postgres/server.ts";
import type { DatabaseKind } from "./database.ts";
import type { JournalWorld } from "./journal_world.ts";

/** One kind of thing that happens. */
export interface Fault {
  readonly worlds: readonly DatabaseKind[];
  /** How often it comes, compared with the others. */
  readonly weight: number;
  /** No gateway may be taken for dead by it, since all live. */
  readonly spares?: boolean;
  readonly happen: (world: JournalWorld) => Promise<void>;
}

/** A clock that was set is seen after so long, in milliseconds. */
const SEEN_AFTER_MS = 1_000;

const ALL: readonly DatabaseKind[] = ["pair", "pooled", "disks"];

/** All of them, by name. */
export const FAULTS: Readonly<Record<string, Fault>> = {
  gateway_killed: { worlds: ALL, weight: 3, happen: killGateway },
  gateway_ended: { worlds: ALL, weight: 1, happen: endGateway },
  gateway_frozen: { worlds: ALL, weight: 3, happen: freezeGateway },
  clock_set_back: { worlds: ALL, weight: 1, spares: true, happen: setClockBack },
  sessions_terminated: { worlds: ALL, weight: 2, spares: true, happen: terminateSessions },
  commits_cancelled: { worlds: ["pair"], weight: 2, spares: true, happen: cancelCommits },
  primary_killed: { worlds: ALL, weight: 2, spares: true, happen: killPrimary },
  standby_promoted: { worlds: ["pair"], weight: 2, spares: true, happen: promoteStandby },
  process_frozen: { worlds: ALL, weight: 3, happen: freezeSession },
  server_frozen: { worlds: ALL, weight: 1, spares: true, happen: freezeServer },
  server_away: { worlds: ALL, weight: 2, spares: true, happen: stayAway },
  read_only: { worlds: ALL, weight: 1, spares: true, happen: refuseWrites },
  tables_locked: { worlds: ALL, weight: 1, spares: true, happen: lockTables },
  pooler_killed: { worlds: ["pooled"], weight: 3, spares: true, happen: killPooler },
  pooler_frozen: { worlds: ["pooled"], weight: 2, spares: true, happen: freezePooler },
  data_disk_full: { worlds: ["disks"], weight: 3, spares: true, happen: fillData },
  wal_disk_full: { worlds: ["disks"], weight: 2, spares: true, happen: fillWal },
};

/** A gateway dies under load, and starts again before or after the other has taken over. */
async function killGateway({ gateways, random, times, pointSenders }: JournalWorld): Promise<void> {
  const gateway = random.pick(gateways);
  await gateway.end("SIGKILL");
  pointSenders();
  await sleep(random.pick([0, times.deadMs * 0.7, times.deadMs + 3 * times.beatMs]));
  await gateway.restart();
  pointSenders();
}

async function endGateway({ gateways, random, times, pointSenders }: JournalWorld): Promise<void> {
  const gateway = random.pick(gateways);
  await gateway.end("SIGTERM");
  pointSenders();
  await sleep(random.pick([0, times.beatMs * 3]));
  await gateway.restart();
  pointSenders();
}

/** Sometimes for so long that it is taken for dead, and wakes. */
async function freezeGateway({ gateways, random, times }: JournalWorld): Promise<void> {
  const longest = random.pick([times.beatMs, times.deliveryLimitMs * 1.1, times.deadMs + 5 * times.beatMs]);
  await random.pick(gateways).frozenWhile(() => sleep(longest));
}

/** By minutes, and forward again: neither may be taken for the other's death, or for time that has passed. */
async function setClockBack({ gateways, random, times }: JournalWorld): Promise<void> {
  const { clock } = random.pick(gateways);
  await clock!.set(-random.pick([2, 90, 3600]));
  await sleep(SEEN_AFTER_MS + times.beatMs * 3);
  await clock!.set(0);
  await sleep(times.beatMs);
}

/** As an administrator does it, again and again. */
async function terminateSessions({ database, random }: JournalWorld): Promise<void> {
  for (let storm = random.between(3, 20); storm > 0; storm--) {
    await database.primary.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where datname = 'journal' and pid <> pg_backend_pid()",
    );
    await sleep(random.between(20, 250));
  }
}

/** Commits wait for a standby that stands still, and an administrator cancels them: they are no promise then. */
async function cancelCommits({ database: { primary, standby }, random }: JournalWorld): Promise<void> {
  if (standby === undefined) throw new Error("There is no standby");
  await standby.freeze();
  for (let count = random.between(2, 8); count > 0; count--) {
    await sleep(random.between(50, 300));
    await primary.query(
      "select pg_cancel_backend(pid) from pg_stat_activity where datname = 'journal' and wait_event = 'SyncRep'",
    );
  }
  await standby.thaw();
}

/** With all its processes, at once. */
async function killPrimary({ database: { primary }, random }: JournalWorld): Promise<void> {
  await primary.kill();
  await sleep(random.between(0, 1_500));
  await primary.restart();
}

async function promoteStandby({ database }: JournalWorld): Promise<void> {
  await database.failOver();
}

/** One connection stands still with what was sent on it, which its server process does later. */
async function freezeSession({ database: { primary }, random }: JournalWorld): Promise<void> {
  const rows = await primary.query(
    "select pid from pg_stat_activity where datname = 'journal' and pid <> pg_backend_pid()",
  );
  if (rows.length === 0) return;
  const pid = Number(random.pick(rows)["pid"]);
  await freezeProcess(pid);
  await sleep(random.pick([200, 1_200, 2_600]));
  thawProcess(pid);
}

async function freezeServer({ database: { primary }, random }: JournalWorld): Promise<void> {
  await primary.freeze();
  await sleep(random.pick([300, 2_500]));
  await primary.thaw();
}

/** For longer than a gateway may be silent. */
async function stayAway({ database: { primary }, times }: JournalWorld): Promise<void> {
  await primary.stop();
  await sleep(times.deadMs + 2 * times.beatMs);
  await primary.restart();
}

/** As a primary that is about to be replaced. */
async function refuseWrites({ database: { primary }, random }: JournalWorld): Promise<void> {
  await primary.set("default_transaction_read_only", "on");
  await sleep(random.between(200, 1_500));
  await resetReadOnly(primary);
}

/** The statement that resets it would be refused itself. */
async function resetReadOnly(primary: PostgresServer): Promise<void> {
  await using session = await primary.session();
  await session.query("set default_transaction_read_only = off");
  await session.query("alter system reset default_transaction_read_only");
  await session.query("select pg_reload_conf()");
}

/** As a migration, or somebody's backup, does. */
async function lockTables({ database: { primary }, random }: JournalWorld): Promise<void> {
  await using session = await primary.session("journal");
  const tables = await session.query(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables
      where schemaname not in ('pg_catalog', 'information_schema') order by 1`,
  );
  await session.query("begin");
  await session.query("set local lock_timeout = '5s'");
  await session.query(`lock table ${random.pick(tables)["name"]} in access exclusive mode`);
  await sleep(random.pick([300, 2_500]));
  await session.query("commit");
}

async function killPooler({ database: { pooler }, random }: JournalWorld): Promise<void> {
  for (let kills = random.between(1, 4); kills > 0; kills--) {
    await pooler!.kill();
    await sleep(random.between(0, 500));
    await pooler!.restart();
    await sleep(random.between(100, 500));
  }
}

async function freezePooler({ database: { pooler }, random }: JournalWorld): Promise<void> {
  await pooler!.freeze();
  await sleep(random.pick([300, 2_500]));
  pooler!.thaw();
}

/** Statements fail, and go on by themselves once there is room. */
async function fillData({ database: { disks }, random }: JournalWorld): Promise<void> {
  await disks!.data.fillUp("ballast");
  await sleep(random.between(1_000, 4_000));
  await Deno.remove(disks!.data.path("ballast"));
}

/** The server ends, and stays away until somebody makes room and starts it. */
async function fillWal({ database: { disks, primary }, random }: JournalWorld): Promise<void> {
  await disks!.wal.fillUp("ballast");
  await useUpLog(primary);
  await sleep(random.between(1_000, 4_000));
  await Deno.remove(disks!.wal.path("ballast"));
  await eventually(async () => {
    if (!primary.isRunning) await primary.restart();
    await primary.query("select 1");
  });
}

/** Writes until the server ends: what it writes to at first are parts of its log that it has already. */
async function useUpLog(primary: PostgresServer): Promise<void> {
  const ended = primary.ended();
  let hasEnded = false;
  void ended.then(() => hasEnded = true);
  await eventually(async () => {
    if (hasEnded) return;
    // It fails where the server ends meanwhile.
    await primary.query(
      "select pg_logical_emit_message(false, 'fill', repeat(md5(n::text), 10000)) from generate_series(1, 50) n",
    ).catch(() => {});
    throw new Error("The server goes on although the disk of its log is full");
  }, { timeoutMs: 60_000 });
  await ended;
}
