import { assert, assertEquals, assertRejects } from "@std/assert";
import { setTimeout as sleep } from "node:timers/promises";
import type { ChannelQueues, LeasedEvent } from "../../src/channels/channel_queues.ts";
import { DeliveryError, GatewayError } from "../../src/errors.ts";
import * as ofChannels from "../../src/journal/postgres/channels/statements.ts";
import type { Statement } from "../../src/io/postgres/statement.ts";
import * as ofLanes from "../../src/journal/postgres/lanes/statements.ts";
import { PLAIN_ORDERED_LOT, WHOLE_ORDERED_LOT } from "../../src/journal/postgres/lots/lot_statement.ts";
import { ENDED_OWNERS } from "../../src/journal/postgres/packs/pack_rows.ts";
import { eventually } from "../support/eventually.ts";
import { TestGateway } from "../support/gateway.ts";
import { append } from "../support/journal/append.ts";
import { PostgresStores } from "../support/journal/postgres_store.ts";
import type { TestDatabase } from "../support/postgres/access.ts";
import { openChannels } from "../support/postgres/channels.ts";
import { PgBouncer } from "../support/postgres/pgbouncer.ts";
import { freezeProcess, thawProcess } from "../support/postgres/processes.ts";
import { sharedPostgres } from "../support/postgres/shared.ts";
import { TcpProxy } from "../support/http/tcp_proxy.ts";
import { FreezableWire } from "../support/postgres/wire.ts";
import { PullClient } from "../support/relay/pull_client.ts";
import { gatewayWebhooks, RELAY_TOKEN } from "../support/relay/world.ts";
import { verifiedEvent } from "../support/verified_event.ts";

const CHANNEL = "orders";
const ROOMY = { ttlMs: 3_600_000, maxSize: 10_000 };
const MINUTE_MS = 60_000;

Deno.test("an event that one gateway queues wakes a consumer at another one", async () => {
  await using database = await (await sharedPostgres()).createDatabase();
  await using here = openChannels(database.url);
  await using there = openChannels(database.url);
  let calls = 0;
  using _watch = there.queues.watch(CHANNEL, () => calls++);
  await eventually(() => there.wakeups.isHeard);
  await here.queues.enqueue(CHANNEL, verifiedEvent(), ROOMY);
  await eventually(() => calls > 0);
  const [leased] = await there.queues.lease(CHANNEL, 1, MINUTE_MS);
  await there.queues.acknowledge(CHANNEL, [leased!.tag]);
  assertEquals((await here.queues.depth(CHANNEL)).ready, 0);
});

Deno.test("a consumer behind a pooler that passes nothing on learns of events all the same", async () => {
  const server = await sharedPostgres();
  await using database = await server.createDatabase();
  await using pooler = await PgBouncer.start(server, "statement");
  await using channels = openChannels(pooler.url(database.name));
  await using others = openChannels(database.url);
  let calls = 0;
  using _watch = channels.queues.watch(CHANNEL, () => calls++);
  await others.queues.enqueue(CHANNEL, verifiedEvent(), ROOMY);
  await eventually(() => calls > 0);
  const [leased] = await channels.queues.lease(CHANNEL, 1, MINUTE_MS);
  assertEquals(await channels.queues.acknowledge(CHANNEL, [leased!.tag]), [leased!.tag]);
  assertEquals(channels.wakeups.isHeard, false);
});

Deno.test("consumers at two gateways get each event once, and all of them", async () => {
  await using database = await (await sharedPostgres()).createDatabase();
  await using here = openChannels(database.url);
  await using there = openChannels(database.url);
  const ids = await enqueueMany(here.queues, 300);
  const got = await Promise.all([here, there, here, there].map(({ queues }) => consume(queues)));
  assertEquals(got.flat().map(({ event }) => event.id).toSorted(), ids.toSorted());
});

Deno.test("connections that end again and again neither lose nor repeat events of channels", async () => {
  await using database = await (await sharedPostgres()).createDatabase();
  await using channels = openChannels(database.url);
  await enqueueMany(channels.queues, 1);
  const ids: string[] = [];
  await duringStorm(database, async () => void ids.push(...await enqueueMany(channels.queues, 20)));
  const got: LeasedEvent[] = [];
  await duringStorm(database, async () => void got.push(...await consume(channels.queues, 15, 1)));
  got.push(...await consume(channels.queues));
  assertEquals(got.map(({ delivery }) => delivery), Array(ids.length + 1).fill(1));
  assertEquals(new Set(got.map(({ event }) => event.id)).size, ids.length + 1);
});

Deno.test("what a consumer says with NUL, which PostgreSQL refuses, is no failure for the others", async () => {
  await using database = await (await sharedPostgres()).createDatabase();
  await using channels = openChannels(database.url);
  const { queues, deadLetters } = channels;
  await enqueueMany(queues, 4);
  const [first, second, third, fourth] = await queues.lease(CHANNEL, 4, MINUTE_MS);
  const unknown = ["", "un\0known", "\ud800", "x".repeat(200)];
  const acknowledged = await Promise.all(
    [unknown, [...unknown, first!.tag], [second!.tag]].map((tags) => queues.acknowledge(CHANNEL, tags)),
  );
  assertEquals(acknowledged, [[], [first!.tag], [second!.tag]]);
  const rejected = await Promise.all(
    [{ tag: third!.tag, message: "No\0 order" }, { tag: fourth!.tag, message: "No order" }].map((
      { tag, message },
    ) => queues.reject(CHANNEL, [{ tag }], { code: "output_rejected", message })),
  );
  assertEquals(rejected, [[third!.tag], [fourth!.tag]]);
  const { letters } = await deadLetters.list({}, 10);
  assertEquals(letters.map(({ message }) => message), ["No order", "No order"]);
});

Deno.test("an event whose connection was lost does not come back once it was handled", async () => {
  const server = await sharedPostgres();
  await using database = await server.createDatabase();
  await using wire = new FreezableWire(server.port);
  await using channels = openChannels(database.url.replace(`:${server.port}/`, `:${wire.port}/`));
  await using consumer = openChannels(database.url);
  await enqueueMany(channels.queues, 1);
  // Of the text of a statement, the server shows the beginning.
  const [row] = await database.query(
    `select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
      and query like '%(channel, namespace, webhook, id, ttl%'`,
  );
  const pid = Number(row!.pid);
  await using stack = new AsyncDisposableStack();
  await freezeProcess(pid);
  stack.defer(() => thawProcess(pid));
  const body = "x".repeat(10_000);
  const passedOn = wire.passedOn + body.length;
  const enqueued = channels.queues.enqueue(CHANNEL, verifiedEvent({ body }), ROOMY);
  // The statement has arrived, and nobody reads it.
  await eventually(() => wire.passedOn >= passedOn);
  wire.cut();
  await enqueued;
  assertEquals((await consume(consumer.queues)).length, 2);
  thawProcess(pid);
  await eventually(async () => {
    assertEquals(await database.query("select pid from pg_stat_activity where pid = $1", [pid]), []);
  });
  assertEquals(await consumer.queues.channels(), []);
});

Deno.test("an event that was handled before its sender has its answer does not come back", async () => {
  const server = await sharedPostgres();
  await using database = await server.createDatabase();
  await using network = TcpProxy.start({ port: server.port });
  await using channels = openChannels(database.url.replace(`:${server.port}/`, `:${network.port}/`));
  await using consumer = openChannels(database.url);
  await enqueueMany(channels.queues, 1);
  await consume(consumer.queues);
  network.freeze("to_client");
  const enqueued = channels.queues.enqueue(CHANNEL, verifiedEvent(), ROOMY);
  await eventually(async () => (await consume(consumer.queues)).length === 1);
  network.cut();
  network.thaw("to_client");
  await enqueued;
  assertEquals(await consumer.queues.channels(), []);
});

Deno.test("a sender is refused while the server does not answer, and taken again afterwards", async () => {
  const server = await sharedPostgres();
  await using database = await server.createDatabase();
  await using wire = new FreezableWire(server.port);
  await using channels = openChannels(database.url.replace(`:${server.port}/`, `:${wire.port}/`));
  await enqueueMany(channels.queues, 1);
  wire.freeze();
  const error = await assertRejects(() => enqueueMany(channels.queues, 1), GatewayError);
  assertEquals(error.code, "journal_unavailable");
  wire.thaw();
  await eventually(() => enqueueMany(channels.queues, 1));
});

Deno.test("a channel takes exactly as many events as its bound, however many come at once", async () => {
  await using database = await (await sharedPostgres()).createDatabase();
  await using channels = openChannels(database.url);
  const options = { ttlMs: MINUTE_MS, maxSize: 100 };
  for (const share of [60, 60, 60]) {
    const events = Array.from({ length: share }, () => verifiedEvent());
    const results = await Promise.allSettled(
      events.map((event) => channels.queues.enqueue(CHANNEL, event, options)),
    );
    for (const result of results) {
      if (result.status === "rejected") assert(result.reason instanceof DeliveryError);
    }
  }
  assertEquals((await channels.queues.depth(CHANNEL)).ready, 100);
  assertEquals((await consume(channels.queues)).length, 100);
  await channels.queues.enqueue(CHANNEL, verifiedEvent(), options);
});

Deno.test("ten thousand events of one channel are handed out in order, in large batches", async () => {
  await using database = await (await sharedPostgres()).createDatabase();
  await using channels = openChannels(database.url);
  const ids: string[] = [];
  while (ids.length < 10_000) ids.push(...await enqueueMany(channels.queues, 500));
  const got = await consume(channels.queues, 2_500);
  assertEquals(got.map(({ event }) => event.id), ids);
  assertEquals(await channels.queues.channels(), []);
});

Deno.test("what stands in channels counts as what its webhook holds of the journal", async () => {
  await using stores = await PostgresStores.create({ maxBytes: 100_000, sweepIntervalMs: 1 });
  const store = await stores.open();
  const event = () => verifiedEvent({ body: new Uint8Array(5_000) });
  await eventually(async () => {
    const error = await assertRejects(() => store.channels.enqueue(CHANNEL, event(), ROOMY), DeliveryError);
    assertEquals(error.code, "overloaded");
  });
  const error = await assertRejects(() => append(store, event(), { claim: false }), GatewayError);
  assertEquals(error.code, "journal_share_full");
  await consume(store.channels, 100);
  await eventually(() => store.channels.enqueue(CHANNEL, event(), ROOMY));
});

Deno.test("an event that one instance has accepted is pulled at another, and settled at a third", async () => {
  await using database = await (await sharedPostgres()).createDatabase();
  const start = () =>
    TestGateway.start({
      webhooks: gatewayWebhooks() as Readonly<Record<string, unknown>>,
      environment: { JOURNAL: database.url },
    });
  await using accepting = await start();
  await using pulled = await start();
  await using settling = await start();
  const client = (gateway: TestGateway) => new PullClient(gateway.url(""), { token: RELAY_TOKEN });
  const waiting = client(pulled).receive({ n: 1, wait: 20 });
  const accepted = await accepting.post("/webhook/orders", '{"n":1}');
  assertEquals(accepted.status, 200);
  const [event] = await waiting;
  assertEquals(event?.body, '{"n":1}');
  const { lost } = await client(settling).ack(event!);
  assertEquals(lost, []);
  assertEquals(await database.query("select seq from cwm.message"), []);
});

Deno.test("no statement of channels or lanes is planned to read a whole table", async () => {
  await using database = await (await sharedPostgres()).createDatabase();
  await using channels = openChannels(database.url);
  await channels.queues.channels();
  await using session = await database.session();
  await session.query("set plan_cache_mode = force_generic_plan");
  const others = [PLAIN_ORDERED_LOT, WHOLE_ORDERED_LOT, ENDED_OWNERS];
  const all = [...others, ...statementsOf(ofChannels), ...statementsOf(ofLanes)];
  for (const statement of all) {
    // It runs once, when a gateway ends.
    if (statement === ofChannels.UNREGISTER) continue;
    const { text } = statement;
    await session.query(`prepare tried as ${text}`);
    const count = Math.max(0, ...Array.from(text.matchAll(/\$(\d+)/g), (match) => Number(match[1])));
    const values = count === 0 ? "" : `(${Array(count).fill("null").join()})`;
    const rows = await session.query(`explain execute tried ${values}`);
    const plan = rows.map((row) => row["QUERY PLAN"]).join("\n");
    assertEquals(plan.match(/Seq Scan on (?:pack|message|message_turn|dead|receipt) .*/g), null, plan);
    await session.query("deallocate tried");
  }
});

function statementsOf(exports: Readonly<Record<string, unknown>>): Statement[] {
  return Object.values(exports).filter((value): value is Statement =>
    typeof value === "object" && value !== null && "text" in value
  );
}

async function enqueueMany(queues: ChannelQueues, count: number): Promise<string[]> {
  const events = Array.from({ length: count }, () => verifiedEvent());
  await Promise.all(events.map((event) => queues.enqueue(CHANNEL, event, ROOMY)));
  return events.map(({ id }) => id);
}

/** Leases and acknowledges until nothing is left, or so many times. */
async function consume(queues: ChannelQueues, limit = 10, times = Infinity): Promise<LeasedEvent[]> {
  const got: LeasedEvent[] = [];
  for (let n = 0; n < times; n++) {
    const leased = await queues.lease(CHANNEL, limit, MINUTE_MS);
    if (leased.length === 0) break;
    await queues.acknowledge(CHANNEL, leased.map(({ tag }) => tag));
    got.push(...leased);
  }
  return got;
}

/** Works again and again while all connections are ended several times. */
async function duringStorm(database: TestDatabase, work: () => Promise<void>): Promise<void> {
  let isOver = false;
  const working = (async () => {
    while (!isOver) await work();
  })();
  for (let n = 0; n < 8; n++) {
    // The pace of the storm: some of the work is done between two ends.
    await sleep(60);
    await database.terminateSessions();
  }
  isOver = true;
  await working;
}
