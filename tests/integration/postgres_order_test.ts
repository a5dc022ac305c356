import { assert, assertEquals, assertRejects } from "@std/assert";
import { setTimeout as sleep } from "node:timers/promises";
import { GatewayError } from "../../src/errors.ts";
import type { PendingEvent } from "../../src/journal/journal.ts";
import type { EventJournal } from "../../src/journal/postgres/postgres_journal.ts";
import type { PostgresStore } from "../../src/journal/postgres/postgres_store.ts";
import { eventually } from "../support/eventually.ts";
import { TcpProxy } from "../support/http/tcp_proxy.ts";
import { append } from "../support/journal/append.ts";
import { type OrderedGateway, OrderedWorld } from "../support/journal/ordered_gateways.ts";
import { PostgresJournals } from "../support/journal/postgres_journal.ts";
import { PostgresStores } from "../support/journal/postgres_store.ts";
import { PostgresAccess, TestDatabase } from "../support/postgres/access.ts";
import { sharedPostgres } from "../support/postgres/shared.ts";
import { verifiedEvent } from "../support/verified_event.ts";

const LANE = { namespace: "default", webhook: "orders" };

/** Beats often, and takes nobody for dead because the machine is slow. */
const PATIENT = { beatMs: 50, deadMs: 60_000, limitMs: 30_000 };

/** A tenth of the usual ones. */
const QUICK = { beatMs: 300, deadMs: 1_500, limitMs: 1_000 };

Deno.test("events of a sender that changes the gateway with each are delivered in order", async () => {
  await using database = await (await sharedPostgres()).createDatabase();
  await using world = new OrderedWorld(database, PATIENT);
  const gateways = [await world.open(), await world.open(), await world.open()];
  const sent = await sendAll(gateways, 10, 12);
  await assertInOrder(world, sent);
  assertEquals(world.deliveries.length, 10 * 12, "each once");
});

Deno.test("order holds while a gateway is cut off, is declared dead, and comes back", async () => {
  await using database = await (await sharedPostgres()).createDatabase();
  await using world = new OrderedWorld(database, QUICK);
  const gateways = [await world.open(), await world.open(), await world.open()];
  const before = await sendAll(gateways, 6, 8);
  const [cutOff] = gateways as [OrderedGateway];
  const { id } = cutOff.journal.member;
  cutOff.wire.freeze();
  const meanwhile = await sendAll(gateways, 6, 4);
  await eventually(async () => {
    const rows = await database.query("select id from cwm.gateway where id = $1", [id]);
    assertEquals(rows, [], "the others have declared it dead");
  });
  cutOff.wire.thaw();
  const after = await sendAll(gateways, 6, 8);
  await assertInOrder(world, before.map((ids, n) => [...ids, ...meanwhile[n]!, ...after[n]!]));
});

Deno.test("the webhooks of a gateway that ends in order go on elsewhere at once", async () => {
  await using database = await (await sharedPostgres()).createDatabase();
  await using world = new OrderedWorld(database, PATIENT);
  const ending = await world.open();
  const before = await sendAll([ending], 5, 4);
  await assertInOrder(world, before);
  const staying = await world.open();
  const waiting = await sendAll([staying], 5, 2);
  await ending.drain();
  const after = await sendAll([staying], 5, 2);
  await assertInOrder(world, before.map((ids, n) => [...ids, ...waiting[n]!, ...after[n]!]));
  assertEquals(world.deliveries.at(-1)?.gateway, 1);
});

Deno.test("replayed events of a webhook that keeps order are delivered by its holder, in order", async () => {
  await using stores = await PostgresStores.create({ retentionMs: 3_600_000, tempo: PATIENT });
  const [holder, other] = [await stores.open(), await stores.open()] as [PostgresStore, PostgresStore];
  const events = [1, 2, 3, 4].map(() => verifiedEvent(LANE));
  for (const event of events) await append(holder, event, { claim: false, ordered: true });
  const failure = { code: "output_rejected", message: "refused", connection: "probe" } as const;
  const claimed = await claimInTurn(holder, 4);
  assertEquals(claimed.map(({ event }) => event.id), events.map(({ id }) => id));
  for (const [index, { sequence }] of claimed.entries()) {
    if (index % 2 === 0) await holder.settle({ sequence, state: "dead", failure });
    else await holder.settle({ sequence, state: "delivered" });
  }
  assertEquals(await other.deadLetters.replay({}), 2);
  assertEquals((await claimInTurn(holder, 2)).map(({ event }) => event.id), [events[0]!.id, events[2]!.id]);
  assertEquals((await other.records.replay({ states: ["delivered"] }, 100, undefined)).replayed, 2);
  assertEquals((await claimInTurn(holder, 2)).map(({ event }) => event.id), [events[1]!.id, events[3]!.id]);
  assertEquals(await other.lanes(), []);
});

Deno.test("an event that was delivered elsewhere before its sender has its answer is not repeated", async () => {
  await using database = await (await sharedPostgres()).createDatabase();
  await using network = TcpProxy.start({ port: database.server.port });
  await using journals = new PostgresJournals(database);
  const holder = await journals.open();
  await using far = new PostgresJournals(new TestDatabase(new PostgresAccess(network.port), database.name));
  const other = await far.open();
  await append(holder, verifiedEvent(LANE), { claim: false, ordered: true });
  await deliverInTurn(holder, 1);
  const first = verifiedEvent(LANE);
  await append(other, first, { claim: true, ordered: true });
  await deliverInTurn(holder, 1);

  network.freeze("to_client");
  const appended = append(other, verifiedEvent(LANE), { claim: true, ordered: true });
  await deliverInTurn(holder, 1);
  network.cut();
  network.thaw("to_client");
  assertEquals("waits" in await appended, true);
  await journals.hasPacks(0);
  assertEquals(await database.query("select count(*)::int as count from cwm.receipt"), [{ count: 2 }]);
});

Deno.test("what waits at the holder of a lane counts for the gateways that append to it", async (test) => {
  await test.step("as events, up to the bound of the webhook", async () => {
    await using database = await (await sharedPostgres()).createDatabase();
    await using world = new OrderedWorld(database, PATIENT);
    const [holder, other] = [await world.open(), await world.open()];
    await holder.send(verifiedEvent(LANE));
    await eventually(() => assertEquals(world.deliveries.length, 1));
    const { promise, resolve } = Promise.withResolvers<void>();
    holder.open = promise;
    let accepted = 1;
    const refused = async (gateway: OrderedGateway): Promise<void> => {
      const error = await assertRejects(async () => {
        await gateway.send(verifiedEvent(LANE), 3);
        accepted++;
      }, GatewayError);
      assertEquals(error.code, "overloaded");
    };
    await eventually(() => refused(other));
    await eventually(() => refused(holder));
    resolve();
    await eventually(() => assertEquals(world.deliveries.length, accepted));
    await eventually(() => other.send(verifiedEvent(LANE), 3));
  });
  await test.step("as bytes, up to its share of the journal", async () => {
    await using stores = await PostgresStores.create({ maxBytes: 100_000, tempo: PATIENT });
    const [holder, other] = [await stores.open(), await stores.open()] as [PostgresStore, PostgresStore];
    await append(holder, verifiedEvent(LANE), { claim: false, ordered: true });
    await deliverInTurn(holder, 1);
    const body = new Uint8Array(5_000);
    await eventually(async () => {
      const sent = append(other, verifiedEvent({ ...LANE, body }), { claim: false, ordered: true });
      assertEquals((await assertRejects(() => sent, GatewayError)).code, "journal_share_full");
    });
  });
});

/** Claims so many events of the lane, and has them delivered. */
async function deliverInTurn(holder: EventJournal, count: number): Promise<void> {
  for (const { sequence } of await claimInTurn(holder, count)) {
    await holder.settle({ sequence, state: "delivered" });
  }
}

/** Claims so many events of the lane, as they come to its holder. */
async function claimInTurn(holder: EventJournal, count: number): Promise<readonly PendingEvent[]> {
  const got: PendingEvent[] = [];
  await eventually(async () => {
    got.push(...(await holder.claim(LANE, { events: 10, bytes: 1_000_000 })).events);
    assertEquals(got.length, count);
  });
  return got;
}

/** A sender for each webhook, `w0` and so on. Returns the ids of their events. */
async function sendAll(
  gateways: readonly OrderedGateway[],
  webhooks: number,
  count: number,
): Promise<readonly string[][]> {
  return await Promise.all(
    Array.from({ length: webhooks }, (_, n) => sendInTurn(gateways, `w${n}`, n, count)),
  );
}

/** Each event goes to another gateway, once the one before was accepted; a refused one is sent to the next gateway. */
async function sendInTurn(
  gateways: readonly OrderedGateway[],
  webhook: string,
  first: number,
  count: number,
): Promise<string[]> {
  const ids: string[] = [];
  for (let turn = first; ids.length < count; turn++) {
    const event = verifiedEvent({ webhook });
    try {
      await gateways[turn % gateways.length]!.send(event);
      ids.push(event.id);
    } catch (error) {
      assert(error instanceof GatewayError);
      // A sender's pause before it tries again.
      await sleep(10);
    }
  }
  return ids;
}

/** Every accepted event was delivered, and the first deliveries are in the order of sending. */
async function assertInOrder(world: OrderedWorld, sent: readonly (readonly string[])[]): Promise<void> {
  await eventually(() => {
    const seen = new Set(world.deliveries.map(({ id }) => id));
    assertEquals(sent.flat().filter((id) => !seen.has(id)), []);
  }, { timeoutMs: 60_000 });
  for (const [n, ids] of sent.entries()) {
    const accepted = new Set(ids);
    const first = world.firstDeliveries().filter(({ webhook, id }) =>
      webhook === `w${n}` && accepted.has(id)
    );
    assertEquals(first.map(({ id }) => id), ids);
  }
}
