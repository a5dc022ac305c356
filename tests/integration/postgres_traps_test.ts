/**
 * What PostgreSQL does that a journal may trip over, each with a server that does it: see the scripts of the same names in
 * `findings/`.
 *
 * @module
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { GatewayError } from "../../src/errors.ts";
import type { Appended, AppendOptions, LaneBacklog } from "../../src/journal/journal.ts";
import { eventually } from "../support/eventually.ts";
import { append } from "../support/journal/append.ts";
import { OrderedWorld } from "../support/journal/ordered_gateways.ts";
import { PostgresJournals, QUICK } from "../support/journal/postgres_journal.ts";
import { TcpProxy } from "../support/http/tcp_proxy.ts";
import { PostgresStores } from "../support/journal/postgres_store.ts";
import { PostgresAccess, SUPERUSER, TestDatabase } from "../support/postgres/access.ts";
import { openChannels } from "../support/postgres/channels.ts";
import { freezeProcess, thawProcess } from "../support/postgres/processes.ts";
import { PostgresServer } from "../support/postgres/server.ts";
import { sharedPostgres } from "../support/postgres/shared.ts";
import { verifiedEvent } from "../support/verified_event.ts";

const CLAIM: AppendOptions = { claim: true };

Deno.test("a lot that its server runs late puts nothing back that was refused or settled", async () => {
  await using journals = await PostgresJournals.create();
  const journal = await journals.open();
  await append(journal, verifiedEvent({ webhook: "orders" }), CLAIM);
  await journals.hasPacks(1);
  const starved = await sessionOfLots(journals.database);
  await freezeProcess(starved);
  try {
    await assertRefused(append(journal, verifiedEvent({ webhook: "orders" }), CLAIM));
    // It goes on over another connection, and with the next lot removes what was refused.
    await append(journal, verifiedEvent({ webhook: "orders" }), CLAIM);
    await journals.hasPacks(2);
  } finally {
    thawProcess(starved);
  }
  await hasEnded(journals.database, starved);
  await journals.hasPacks(2);
});

Deno.test("a pause that its server runs late stops nothing that goes on since", async () => {
  await using stores = await PostgresStores.create();
  const [here, there] = [await stores.open(), await stores.open()];
  const lane = { namespace: "shop", webhook: "orders" };
  const paused = { ...lane, state: "paused", since: 1_000, cause: "An operator" } as const;
  await using session = await stores.database.session();
  await session.query("begin");
  await session.query("lock table cwm.stop in exclusive mode");
  const late = assertRefused(here.stops.put(paused));
  const starved = await eventually(() => sessionThatWaits(stores.database));
  await freezeProcess(starved);
  try {
    await session.query("commit");
    await there.stops.put(paused);
    assertEquals(await there.stops.remove(lane), true);
  } finally {
    thawProcess(starved);
  }
  await late;
  assertEquals(await there.stops.list(), []);
  assertEquals(await there.stops.remove(lane), false);
});

Deno.test("what was refused by a lost answer, and is what a repeat is told of, is delivered", async () => {
  await using database = await (await sharedPostgres()).createDatabase();
  await using network = TcpProxy.start({ port: database.server.port });
  const access = new PostgresAccess(Number(network.address.split(":")[1]));
  await using journals = new PostgresJournals(new TestDatabase(access, database.name));
  const journal = await journals.open();
  const waiting: LaneBacklog[] = [];
  journal.follow({
    onWaiting: (lane) => void waiting.push(lane),
    onGone: () => {},
    onElsewhere: () => {},
    onHolding: () => {},
  });
  await append(journal, verifiedEvent({ webhook: "orders" }), CLAIM);

  const keys = [{ repeat: "duplicate", key: "key", ttlMs: 3_600_000 }] as const;
  const first = verifiedEvent({ webhook: "orders" });
  network.freeze("to_client");
  await assertRefused(append(journal, first, { ...CLAIM, keys }));
  network.thaw("to_client");

  const repeat = await append(journal, verifiedEvent({ webhook: "orders" }), { ...CLAIM, keys });
  assertEquals(repeat, { duplicateOf: first.id, repeat: "duplicate" });
  await eventually(() => assertEquals(waiting.map(({ pending }) => pending), [2]));
  const { events } = await journal.claim(waiting[0]!, { events: 10, bytes: 1_000_000 });
  assertEquals(events.map(({ event }) => event.id), [first.id]);
});

Deno.test("no answer is given before the standby has what it says", async (test) => {
  await using server = await PostgresServer.start();
  await using journals = new PostgresJournals(await server.createDatabase());
  const journal = await journals.open();
  const keys = [{ repeat: "duplicate", key: "key", ttlMs: 3_600_000 }] as const;
  const first = verifiedEvent({ webhook: "orders" });
  await append(journal, first, { ...CLAIM, keys });

  for (const how of ["pg_cancel_backend", "pg_terminate_backend"] as const) {
    await test.step(`where ${how}() ends the wait for it, and the lot is repeated`, async () => {
      await using away = await standbyIsAway(server);
      const answer = answerOf(append(journal, verifiedEvent({ webhook: "orders" }), CLAIM));
      // The second one waits although it finds what the first one has written.
      for (let waits = 0; waits < 2; waits++) await eventually(async () => await endWaits(server, how) > 0);
      assertEquals(answer.is, undefined);
      await away[Symbol.asyncDispose]();
      await answer.given;
    });
  }
  await test.step("where it is of a channel, whose wait is cancelled", async () => {
    await using channels = openChannels(journals.database.url);
    const enqueue = () => channels.queues.enqueue("orders", verifiedEvent(), { ttlMs: 60_000, maxSize: 10 });
    await enqueue();
    await using away = await standbyIsAway(server);
    const answer = answerOf(enqueue().then(() => ({ sequence: 0 })));
    for (let waits = 0; waits < 2; waits++) {
      await eventually(async () =>
        await endWaits(server, "pg_cancel_backend", "%(channel, namespace, webhook%") > 0
      );
    }
    assert(answer.is === undefined || answer.is instanceof GatewayError);
    await away[Symbol.asyncDispose]();
    await answer.given;
    assertEquals((await channels.queues.depth("orders")).ready, 2);
  });
  await test.step("where it is a repeat of an event with the same key", async () => {
    await using away = await standbyIsAway(server);
    const answer = answerOf(append(journal, verifiedEvent({ webhook: "orders" }), { ...CLAIM, keys }));
    await eventually(async () => (await waitsOf(server)).length > 0);
    assertEquals(answer.is, undefined);
    await away[Symbol.asyncDispose]();
    await answer.given;
    if (!(answer.is instanceof GatewayError)) {
      assertEquals(answer.is, { duplicateOf: first.id, repeat: "duplicate" });
    }
  });
});

Deno.test("an event is delivered although others with higher numbers could be seen before it", async () => {
  await using server = await PostgresServer.start();
  await server.query("create role slow superuser login");
  await server.query(`alter role ${SUPERUSER} set synchronous_commit = local`);
  await using database = await server.createDatabase();
  await using world = new OrderedWorld(database, QUICK);
  const holder = await world.open();
  const [first, second, seen, late] = [1, 2, 3, 4].map(() => verifiedEvent({ webhook: "orders" }));
  const delivered = () => world.deliveries.map(({ id, gateway }) => [id, gateway]);
  await holder.send(first!);
  await eventually(() => assertEquals(delivered(), [[first!.id, 0]]));
  const other = await world.open("slow");
  await other.send(second!);
  await eventually(() => assertEquals(delivered(), [[first!.id, 0], [second!.id, 0]]));

  await using away = await standbyIsAway(server);
  const sent = other.send(late!);
  await eventually(async () => (await waitsOf(server, "%cwm.pack%")).length > 0);
  await holder.send(seen!);
  await eventually(() => assertEquals(delivered().at(-1), [seen!.id, 0]));
  await away[Symbol.asyncDispose]();
  await sent;
  await eventually(() => assertEquals(delivered().at(-1), [late!.id, 0]));
});

/** What an append is answered with, once it is: what the journal has of it, or why it was refused. */
function answerOf(
  appended: Promise<Appended>,
): { is: Appended | GatewayError | undefined; given: Promise<void> } {
  const answer: ReturnType<typeof answerOf> = { is: undefined, given: Promise.resolve() };
  answer.given = appended.then(
    (is) => void (answer.is = is),
    (error: GatewayError) => void (answer.is = error),
  );
  return answer;
}

/** The process that serves the connection of the lots. */
async function sessionOfLots(database: TestDatabase): Promise<number> {
  const [row, ...others] = await database.query(
    "select pid from pg_stat_activity where datname = current_database() and query like '%insert into cwm.pack%' and pid <> pg_backend_pid()",
  );
  assertEquals(others, []);
  return Number(row?.pid);
}

/** The process of the session that waits for a lock. */
async function sessionThatWaits(database: TestDatabase): Promise<number> {
  const [row] = await database.query(
    "select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
  );
  if (row === undefined) throw new Error("No session waits for a lock");
  return Number(row["pid"]);
}

/** Waits until a process has done what was sent to it, and found its connection closed. */
async function hasEnded(database: TestDatabase, pid: number): Promise<void> {
  await eventually(async () =>
    (await database.query("select from pg_stat_activity where pid = $1", [pid])).length === 0
  );
}

/** Every commit waits for a standby that does not come, until disposal. */
async function standbyIsAway(server: PostgresServer): Promise<AsyncDisposable> {
  await server.set("synchronous_standby_names", "away");
  return { [Symbol.asyncDispose]: () => server.set("synchronous_standby_names", "") };
}

/** Ends what waits for a standby, in one of the server's ways, and returns how many did. */
async function endWaits(
  server: PostgresServer,
  how: "pg_cancel_backend" | "pg_terminate_backend",
  statement?: string,
): Promise<number> {
  const waits = await waitsOf(server, statement);
  for (const pid of waits) await server.query(`select ${how}($1)`, [pid]);
  return waits.length;
}

/** The processes whose commits wait for a standby. @param statement as `like` has it */
async function waitsOf(server: PostgresServer, statement = "%"): Promise<readonly unknown[]> {
  const rows = await server.query(
    "select pid from pg_stat_activity where wait_event = 'SyncRep' and query like $1",
    [statement],
  );
  return rows.map(({ pid }) => pid);
}

async function assertRefused(appended: Promise<unknown>): Promise<void> {
  const error = await assertRejects(() => appended, GatewayError);
  assertEquals(error.code, "journal_unavailable");
}
