/**
 * Statements by which a gateway gets packs, run by the server after their answers were lost: what they have taken is
 * found.
 *
 * @module
 */

import { assertEquals, assertExists } from "@std/assert";
import type { VerifiedEvent } from "../../src/event/verified_event.ts";
import type { PendingEvent } from "../../src/journal/journal.ts";
import type { PostgresJournal } from "../../src/journal/postgres/postgres_journal.ts";
import { appendMany } from "../contracts/journal.ts";
import { eventually } from "../support/eventually.ts";
import { append } from "../support/journal/append.ts";
import { OrderedWorld } from "../support/journal/ordered_gateways.ts";
import { PostgresJournals, QUICK } from "../support/journal/postgres_journal.ts";
import { TcpProxy } from "../support/http/tcp_proxy.ts";
import { PostgresAccess, TestDatabase } from "../support/postgres/access.ts";
import { sharedPostgres } from "../support/postgres/shared.ts";
import { FreezableWire } from "../support/postgres/wire.ts";
import { verifiedEvent } from "../support/verified_event.ts";

const LANE = { namespace: "default", webhook: "orders" };
const ORDERED = { claim: true, ordered: true };

/** The number of the lock that changes of owners wait for. */
const LOCK = 7;

/** Whoever makes a pack another's waits for whoever has the lock, with the pack locked. */
const WAIT_IN_THE_MIDDLE = [
  `create function wait() returns trigger language plpgsql
    as $$ begin perform pg_advisory_xact_lock_shared(${LOCK}); return new; end $$`,
  "create trigger wait before update of owner on cwm.pack for each row execute function wait()",
];

Deno.test("packs that a take-over gets after its answer was lost are delivered", async () => {
  await using database = await (await sharedPostgres()).createDatabase();
  await using network = TcpProxy.start({ port: database.server.port });
  const access = new PostgresAccess(Number(network.address.split(":")[1]));
  await using journals = new PostgresJournals(new TestDatabase(access, database.name));
  const [ended, other] = [await journals.open(), await journals.open()];
  await appendMany(ended, 3);
  await using lock = await holdTakeOvers(database);

  await ended[Symbol.asyncDispose]();
  await eventually(async () => assertEquals(await lock.waiting(), 1));
  network.cut();
  // It takes over what is left to take, which is nothing.
  const { id } = other.member;
  const beats = async () => {
    const [row] = await database.query("select beats::int from cwm.gateway where id = $1", [id]);
    return Number(row!["beats"]);
  };
  const beaten = await beats() + 3;
  await eventually(async () => assertEquals(await beats() >= beaten, true));
  await lock.release();
  await eventually(() => assertEquals(other.stats().pending, 3));
});

Deno.test("events that a holder gets after its answer was lost are delivered in order", async () => {
  await using database = await (await sharedPostgres()).createDatabase();
  await using world = new OrderedWorld(database, QUICK);
  const [holder, other] = [await world.open(), await world.open()];
  const events = [1, 2, 3].map(() => verifiedEvent({ webhook: "orders" }));
  const [first, second, third] = events;
  await holder.send(first!);
  await eventually(() => assertEquals(world.deliveries.length, 1));
  await using lock = await holdTakeOvers(database);

  await other.send(second!);
  await eventually(async () => assertEquals(await lock.waiting(), 1));
  holder.wire.cut();
  // It asks again, which waits for the first time it has asked.
  await eventually(async () => assertEquals(await lock.askers(), 2));
  await lock.release();
  await eventually(() => assertEquals(world.deliveries.length, 2));
  await other.send(third!);
  await eventually(() => assertEquals(world.deliveries.map(({ id }) => id), events.map(({ id }) => id)));
  assertEquals(world.deliveries.map(({ gateway }) => gateway), [0, 0, 0]);
});

Deno.test("an event is not delivered before one that its gateway has taken and does not know", async () => {
  await using database = await (await sharedPostgres()).createDatabase();
  await using wire = new FreezableWire(database.server.port);
  await using journals = new PostgresJournals(new TestDatabase(new PostgresAccess(wire.port), database.name));
  await using others = new PostgresJournals(new TestDatabase(database.server, database.name));
  const holder = await journals.open();
  const [first, second, third] = [1, 2, 3].map(() => verifiedEvent(LANE)) as [
    VerifiedEvent,
    VerifiedEvent,
    VerifiedEvent,
  ];
  await append(holder, first, ORDERED);
  const { sequence } = await claimOne(holder);
  await holder.settle({ sequence, state: "delivered" });
  const other = await others.open();
  await using lock = await holdTakeOvers(database);

  await append(other, second, ORDERED);
  await eventually(async () => assertEquals(await lock.waiting(), 1));
  wire.freezeAnswers(await lock.port());
  await lock.release();
  await eventually(async () => {
    const rows = await database.query("select from cwm.pack where owner = $1 and mark is not null", [
      holder.member.id,
    ]);
    assertEquals(rows.length, 1);
  });
  const appended = await append(holder, third, ORDERED);
  wire.thaw();
  assertEquals("waits" in appended && appended.waits, true);
  assertEquals((await claimOne(holder)).event.id, second.id);
  assertEquals((await claimOne(holder)).event.id, third.id);
});

/** Claims the next event, once there is one. */
async function claimOne(journal: PostgresJournal): Promise<PendingEvent> {
  return await eventually(async () => {
    const { events: [event] } = await journal.claim(LANE, { events: 1, bytes: 1024 });
    assertExists(event);
    return event;
  });
}

/** Statements that make packs another's wait in their middle, until they are released. */
async function holdTakeOvers(database: TestDatabase) {
  for (const statement of WAIT_IN_THE_MIDDLE) await database.query(statement);
  const session = await database.session();
  await session.query("select pg_advisory_lock($1)", [LOCK]);
  const count = async (condition: string) => {
    const [row] = await session.query(
      `select count(*)::int as count from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock' and ${condition}`,
    );
    return Number(row!["count"]);
  };
  return {
    waiting: () => count("wait_event = 'advisory'"),
    /** Of the one that waits: the port of its client. */
    port: async () => {
      const [row] = await session.query(
        `select client_port::int as port from pg_stat_activity
          where datname = current_database() and wait_event = 'advisory'`,
      );
      return Number(row!["port"]);
    },
    /** Those that wait for what the waiting ones have locked, too. */
    askers: () => count("query like '%update cwm.pack%'"),
    release: () => session.query("select pg_advisory_unlock($1)", [LOCK]),
    [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
  };
}
