import { assertEquals, assertThrows } from "@std/assert";
import { getLogger } from "@logtape/logtape";
import { Stops } from "../../src/delivery/stops/stops.ts";
import { Health } from "../../src/health/health.ts";
import { openPostgresContents } from "../../src/journal/postgres/contents.ts";
import type { PostgresStore } from "../../src/journal/postgres/postgres_store.ts";
import { loadSettings } from "../../src/settings/load.ts";
import { countRequest } from "../../src/rules/rate_limit.ts";
import { SharedRates } from "../../src/rules/shared_rates.ts";
import { Deadlines } from "../../src/time/deadlines.ts";
import { RateCounter } from "../../src/time/rate.ts";
import { testDeadLetterContract } from "../contracts/dead_letter.ts";
import { testRecordsContract } from "../contracts/records.ts";
import { eventually } from "../support/eventually.ts";
import { append } from "../support/journal/append.ts";
import { PostgresStores } from "../support/journal/postgres_store.ts";
import { verifiedEvent } from "../support/verified_event.ts";

testDeadLetterContract("PostgreSQL journal", async () => {
  const stores = await PostgresStores.create();
  return {
    open: () => stores.open(),
    crash: (store) => stores.crash(store as PostgresStore),
    [Symbol.asyncDispose]: () => stores[Symbol.asyncDispose](),
  };
});

testRecordsContract("PostgreSQL journal", (choices) => PostgresStores.create(choices));

Deno.test("a webhook that is paused or goes on at one gateway soon is or does so at all", async () => {
  await using stores = await PostgresStores.create();
  const [first, second] = [await stores.open(), await stores.open()];
  using deadlines = new Deadlines();
  const health = new Health();
  const [here, there] = [first, second].map(({ stops: store }) =>
    new Stops({ store, deadlines, health, logger: getLogger(["cwm", "test"]), policyOf: () => undefined })
  ) as [Stops, Stops];
  const changed: string[] = [];
  there.follow({ onStopChanged: (path, isBack) => changed.push(`${path} ${isBack}`) });
  await Promise.all([here.load(), there.load()]);

  await here.pause({ namespace: "shop", webhook: "orders" });
  await eventually(() => assertEquals(there.find("shop/orders")?.state, "paused"));
  assertEquals(there.allows("shop/orders"), "none");
  await there.pause({ namespace: "shop", webhook: "refunds" });
  await there.resume({ namespace: "shop", webhook: "orders" });
  await eventually(() => assertEquals(here.list().map(({ webhook }) => webhook), ["refunds"]));
  assertEquals(there.list().map(({ webhook }) => webhook), ["refunds"]);
  assertEquals(changed, ["shop/orders false", "shop/refunds false", "shop/orders true"]);
});

Deno.test("nothing is found by a text that PostgreSQL cannot keep, and that is no failure", async () => {
  await using stores = await PostgresStores.create();
  const store = await stores.open();
  for (const text of ["\0", "a\0b", "a'b", "\\"]) {
    const filters = [{ namespace: text }, { webhook: text }, { connection: text }, { ids: [text] }];
    for (const filter of filters) {
      assertEquals((await store.deadLetters.list(filter, 10)).letters, []);
      assertEquals([await store.deadLetters.replay(filter), await store.deadLetters.drop(filter)], [0, 0]);
    }
    const lane = { namespace: text, webhook: text };
    const order = { order: "oldest", limit: 10, contents: false } as const;
    assertEquals((await store.records.list(lane, order)).records, []);
    assertEquals((await store.records.replay(lane, 10, undefined)).replayed, 0);
    assertEquals(await store.deadLetters.get(text), undefined);
    assertEquals(await store.stops.remove(lane), false);
    assertEquals(await store.handshakes.find(`${text}/${text}`), undefined);
  }
});

Deno.test("no more is replayed than the webhook that gets it may hold", async () => {
  await using stores = await PostgresStores.create({ maxBytes: 20_000, retentionMs: 60_000 });
  const store = await stores.open();
  const failure = { code: "output_rejected", message: "No", connection: "a" } as const;
  for (let count = 0; count < 5; count++) {
    const appended = await append(store, verifiedEvent({ body: "x".repeat(3_000) }), { claim: true });
    if (!("sequence" in appended)) throw new Error("The event is new");
    await store.settle({ sequence: appended.sequence, state: "dead", failure });
  }
  const copies = { namespace: "default", webhook: "copies" };
  const step = await store.records.replay({}, 100, copies);
  assertEquals([step.replayed, step.skipped], [4, 0]);
  const error = await store.records.replay({}, 100, copies, step.cursor).catch((error) => error);
  assertEquals([error.code, error.retryAfterSeconds], ["journal_share_full", 5]);
  const { events } = await store.claim(copies, { events: 10, bytes: 1_000_000 });
  await Promise.all(events.map(({ sequence }) => store.settle({ sequence, state: "delivered" })));
  assertEquals(await store.records.replay({}, 100, copies, step.cursor), {
    replayed: 1,
    skipped: 0,
    cursor: undefined,
  });
  assertEquals((await store.records.replay({}, 100, undefined)).replayed, 4);
});

Deno.test("a secret that a provider has brought to one gateway is known to all, and is kept once", async () => {
  await using stores = await PostgresStores.create();
  const [first, second] = [await stores.open(), await stores.open()];
  assertEquals(await first.handshakes.keep("shop/orders", "s3cret", 1_000), true);
  assertEquals(await second.handshakes.keep("shop/orders", "other", 2_000), false);
  assertEquals(await second.handshakes.find("shop/orders"), {
    secret: "s3cret",
    takenAt: 1_000,
    isShown: false,
  });
  assertEquals([
    await second.handshakes.markShown("shop/orders"),
    await first.handshakes.markShown("shop/orders"),
  ], [
    true,
    false,
  ]);
  assertEquals(
    [await first.handshakes.forget("shop/orders"), await second.handshakes.forget("shop/orders")],
    [
      true,
      false,
    ],
  );
  assertEquals(await second.handshakes.find("shop/orders"), undefined);
});

Deno.test("what a command replays goes to a gateway that runs, also where it was another one's", async () => {
  await using stores = await PostgresStores.create();
  const lost = await stores.open();
  const event = verifiedEvent();
  const appended = await append(lost, event, { claim: true });
  if (!("sequence" in appended)) throw new Error("The event is new");
  const failure = { code: "output_rejected", message: "No", connection: "a" } as const;
  await lost.settle({ sequence: appended.sequence, state: "dead", failure });
  await lost[Symbol.asyncDispose]();
  const running = await stores.open();
  await using command = openPostgresContents({
    settings: loadSettings({ JOURNAL: stores.database.url }, { logIsTerminal: false }).journal.postgres!,
    logger: getLogger(["cwm", "test"]),
  });
  assertEquals(await command.deadLetters.replay({}), 1);
  await eventually(async () => {
    const { events } = await running.claim(event, { events: 10, bytes: 1_000_000 });
    assertEquals(events.map(({ event: { id } }) => id), [event.id]);
  });
});

Deno.test("what waits is dropped by the gateway whose it is, and kept by others and by commands", async () => {
  await using stores = await PostgresStores.create();
  const [own, other] = [await stores.open(), await stores.open()];
  const event = verifiedEvent();
  await append(own, event, { claim: false });
  await using command = openPostgresContents({
    settings: loadSettings({ JOURNAL: stores.database.url }, { logIsTerminal: false }).journal.postgres!,
    logger: getLogger(["cwm", "test"]),
  });
  for (const { records } of [other, command]) {
    const { dropped, kept } = await records.drop({}, 10);
    assertEquals([dropped, kept], [0, 1]);
  }
  const { dropped, waiting } = await own.records.drop({}, 10);
  assertEquals([dropped, waiting.map(({ webhook }) => webhook)], [1, [event.webhook]]);
  assertEquals((await other.records.list({}, { order: "oldest", limit: 10, contents: false })).records, []);
  assertEquals(own.stats().pending, 0);
});

Deno.test("what one gateway has let through of a rate is used up at all of them", async () => {
  await using stores = await PostgresStores.create();
  const limit = { requests: 10, windowMs: 600_000 };
  const gateways = [await stores.open(), await stores.open()].map((store) => ({
    counter: new RateCounter(),
    shared: new SharedRates(store.rates, 10),
  }));
  const [first, second] = gateways as [typeof gateways[number], typeof gateways[number]];
  using _first = first.shared;
  using _second = second.shared;
  const request = ({ counter, shared }: typeof first) =>
    countRequest(
      [{ name: "webhook", limit, counter, key: "default/orders" }],
      performance.now(),
      true,
      shared,
    );
  for (let count = 0; count < 5; count++) request(first);
  for (let count = 0; count < 4; count++) request(second);
  for (const { counter } of gateways) {
    await eventually(() => assertEquals(counter.room(limit, performance.now()), 1));
  }
  request(second);
  await eventually(() => {
    assertThrows(() =>
      countRequest([{ name: "webhook", limit, counter: first.counter }], performance.now(), false)
    );
  });
});

Deno.test("each gateway knows how many share the journal, and what all of them have to deliver", async () => {
  await using stores = await PostgresStores.create();
  const [first, second] = [await stores.open(), await stores.open()];
  await append(first, verifiedEvent(), { claim: false });
  await append(second, verifiedEvent(), { claim: false });
  await append(second, verifiedEvent(), { claim: false });
  for (const store of [first, second]) {
    await eventually(() => assertEquals(store.cluster(), { gateways: 2, pending: 3 }));
  }
  assertEquals([first.stats().pending, second.stats().pending], [1, 2]);
});
