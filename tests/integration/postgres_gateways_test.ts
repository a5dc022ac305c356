import { assert, assertEquals } from "@std/assert";
import { getLogger } from "@logtape/logtape";
import { Dispatcher } from "../../src/delivery/durable/dispatcher.ts";
import { EventMetrics } from "../../src/delivery/event_metrics.ts";
import { type BatchOutput, OutputScheduler } from "../../src/delivery/outputs/output_scheduler.ts";
import { DeliveryError } from "../../src/errors.ts";
import type { Tempo } from "../../src/journal/postgres/cluster/beats.ts";
import { ADOPT } from "../../src/journal/postgres/cluster/adoption.ts";
import { TAKE } from "../../src/journal/postgres/key_claims/statement.ts";
import { PLAIN_LOT, WHOLE_LOT } from "../../src/journal/postgres/lots/lot_statement.ts";
import { READ } from "../../src/journal/postgres/packs/claims.ts";
import type { PostgresJournal } from "../../src/journal/postgres/postgres_journal.ts";
import type { JournalListener, LaneBacklog, LaneKey } from "../../src/journal/journal.ts";
import { appendMany, claimAll } from "../contracts/journal.ts";
import { eventually } from "../support/eventually.ts";
import { durableRoute } from "../support/durable_route.ts";
import { append, reported } from "../support/journal/append.ts";
import { PostgresJournals } from "../support/journal/postgres_journal.ts";
import { PostgresStores } from "../support/journal/postgres_store.ts";
import { noStops } from "../support/no_stops.ts";
import { verifiedEvent } from "../support/verified_event.ts";
import { Metrics } from "../../src/observability/metrics.ts";
import { Deadlines } from "../../src/time/deadlines.ts";
import { patience } from "../support/patience.ts";

const LANE: LaneKey = { namespace: "default", webhook: "orders" };
const CLAIM = { claim: true };

/** Soon dead, so that a test need not wait long for it. */
const MORTAL: Tempo = { beatMs: 50, deadMs: 600, limitMs: 400 };

/** Long enough in life that no slow machine looks like a death. */
const PATIENT: Tempo = { beatMs: 50, deadMs: 60_000, limitMs: 30_000 };

/** Notes down what a journal says of the other gateways. */
class Listener implements JournalListener {
  readonly waiting: LaneBacklog[] = [];
  readonly gone: LaneKey[] = [];
  holding = 0;

  onWaiting({ namespace, webhook, pending }: LaneBacklog): void {
    this.waiting.push({ namespace, webhook, pending });
  }

  onGone(lane: LaneKey): void {
    this.gone.push(lane);
  }

  onElsewhere(): void {}

  onHolding(): void {
    this.holding++;
  }
}

function follow(journal: PostgresJournal): Listener {
  const listener = new Listener();
  journal.follow(listener);
  return listener;
}

/** As the others do with a gateway that they believe to be dead. */
async function declareDead(journals: PostgresJournals, journal: PostgresJournal): Promise<void> {
  await journals.database.query("delete from cwm.gateway where id = $1", [journal.member.id]);
}

Deno.test("what a killed gateway held is another's once its beats stand still", async () => {
  await using journals = await PostgresJournals.create({ tempo: MORTAL });
  const [killed, other] = [await journals.open(), await journals.open()];
  const listener = follow(other);
  const sequences = [...await appendMany(killed, 5, {}, CLAIM), ...await appendMany(killed, 5)];
  await journals.kill(killed);
  await eventually(() => assertEquals(listener.waiting.at(-1), { ...LANE, pending: 10 }));
  const { events } = await claimAll(other);
  assertEquals(events.map(({ sequence }) => sequence), sequences);
  assertEquals(events.map(({ attempts }) => attempts), [2, 2, 2, 2, 2, 1, 1, 1, 1, 1]);
});

Deno.test("what a closed gateway has not delivered is another's at once", async () => {
  await using journals = await PostgresJournals.create({ tempo: PATIENT });
  const [closed, other] = [await journals.open(), await journals.open()];
  const listener = follow(other);
  await appendMany(closed, 3);
  await closed[Symbol.asyncDispose]();
  await eventually(() => assertEquals(listener.waiting.at(-1), { ...LANE, pending: 3 }));
});

Deno.test("several gateways share what an ended one has left, each event once", async () => {
  await using journals = await PostgresJournals.create({ tempo: PATIENT });
  const ended = await journals.open();
  for (let pack = 0; pack < 40; pack++) await appendMany(ended, 2);
  const others = [await journals.open(), await journals.open()];
  await ended[Symbol.asyncDispose]();
  await eventually(() => {
    assertEquals(others.reduce((sum, other) => sum + other.stats().pending!, 0), 80);
  });
  const claims = await Promise.all(others.map((other) => claimAll(other)));
  assertEquals(new Set(claims.flatMap(({ events }) => events.map(({ event }) => event.id))).size, 80);
});

Deno.test("a gateway that was declared dead holds nothing any more, and goes on as another", async () => {
  await using journals = await PostgresJournals.create({ tempo: PATIENT });
  const journal = await journals.open();
  const listener = follow(journal);
  const [sequence] = await appendMany(journal, 1, {}, CLAIM);
  assertEquals(journal.holds(sequence!), "yes");
  await using other = await journals.open();
  await declareDead(journals, journal);
  await eventually(() => assertEquals(listener.gone, [LANE]));
  assertEquals(journal.holds(sequence!), "gone");
  // Its outcome is the other's to record.
  await journal.settle({ sequence: sequence!, state: "delivered" });
  const [next] = await appendMany(journal, 1, {}, CLAIM);
  assertEquals(journal.holds(next!), "yes");
  await eventually(() => assertEquals(journal.stats().pending! + other.stats().pending!, 2));
});

Deno.test("a lot of a gateway that was declared dead does nothing, and its events are appended again", async () => {
  await using journals = await PostgresJournals.create({
    tempo: { ...PATIENT, beatMs: 15_000, limitMs: 40_000 },
  });
  const journal = await journals.open();
  const [lost] = await appendMany(journal, 1, {}, CLAIM);
  await declareDead(journals, journal);
  const delivered = journal.settle({ sequence: lost!, state: "delivered" });
  const [next] = await appendMany(journal, 1, {}, CLAIM);
  await delivered;
  const rows = await journals.database.query("select owner::int, no::int from cwm.pack order by no");
  assertEquals(rows.map(({ no }) => no), [Math.floor(lost! / 64), Math.floor(next! / 64)]);
  assertEquals(rows[1]?.owner, journal.member.id);
});

Deno.test("a gateway takes no other for itself after an older backup was restored", async () => {
  // No beat finds out before the restored server is asked for more.
  const tempo: Tempo = { beatMs: 60_000, deadMs: 600_000, limitMs: 300_000 };
  await using journals = await PostgresJournals.create({ tempo });
  const old = await journals.open({ member: { name: "old", version: "0" } });
  const { id } = old.member;
  // As the server is then: it knows nothing of the gateway, and gives its number to the next one.
  await journals.database.query("delete from cwm.gateway");
  await journals.database.query(`alter table cwm.gateway alter column id restart with ${id}`);
  const other = await journals.open({ member: { name: "new", version: "0" } });
  assertEquals(other.member.id, id);
  await journals.database.terminateSessions();
  const appended = await Promise.all([old, other].map((journal) => appendMany(journal, 3, {}, CLAIM)));
  assert(old.member.id !== other.member.id);
  for (const [index, journal] of [old, other].entries()) {
    for (const sequence of appended[index]!) assertEquals(journal.holds(sequence), "yes");
    await Promise.all(appended[index]!.map((sequence) => journal.settle({ sequence, state: "delivered" })));
  }
  await journals.hasPacks(0);
});

Deno.test("nothing is delivered while beats are not confirmed, and again once they are", async () => {
  await using journals = await PostgresJournals.create({ tempo: { ...PATIENT, limitMs: 200 } });
  const journal = await journals.open();
  const listener = follow(journal);
  const [sequence] = await appendMany(journal, 1, {}, CLAIM);
  await using session = await journals.database.session();
  await session.query("begin");
  await session.query("select * from cwm.gateway for update");
  await eventually(() => assertEquals(journal.holds(sequence!), "not_now"));
  await session.query("commit");
  await eventually(() => assertEquals(journal.holds(sequence!), "yes"));
  assert(listener.holding > 0);
});

Deno.test("no sender notices that connections to the server end again and again", async () => {
  await using journals = await PostgresJournals.create({ tempo: PATIENT });
  const journal = await journals.open();
  let storms = 10;
  const storm = async () => {
    while (storms-- > 0) await journals.database.terminateSessions();
  };
  const sequences: number[] = [];
  const send = async () => {
    while (storms > 0) sequences.push(...await appendMany(journal, 5, {}, CLAIM));
  };
  await Promise.all([storm(), send(), send()]);
  await Promise.all(sequences.map((sequence) => journal.settle({ sequence, state: "delivered" })));
  assertEquals(journal.stats().pending, 0);
  await journals.hasPacks(0);
});

Deno.test("a sender is refused while the tables are locked, and its event never comes back", async () => {
  await using journals = await PostgresJournals.create({ tempo: PATIENT });
  const journal = await journals.open();
  await using session = await journals.database.session();
  await session.query("begin");
  await session.query("lock table cwm.pack");
  const error = await append(journal, verifiedEvent(), CLAIM).catch((error) => error);
  assertEquals([error.code, error.retryAfterSeconds], ["journal_unavailable", 1]);
  await session.query("commit");
  const sequences = await eventually(() => appendMany(journal, 1, {}, CLAIM));
  await journal.settle({ sequence: sequences[0]!, state: "delivered" });
  await journals.hasPacks(0);
});

Deno.test("of events with one key that gateways take at the same time, one is new", async () => {
  await using journals = await PostgresJournals.create();
  const gateways = [await journals.open(), await journals.open()];
  const names = Array.from({ length: 40 }, (_, index) => `order-${index}`);
  const appended = await Promise.all(
    gateways.map((journal, index) =>
      Promise.all((index === 0 ? names : names.toReversed()).map(async (key) => {
        const keys = [{ repeat: "duplicate", key, ttlMs: 60_000 } as const];
        const event = verifiedEvent();
        return { key, id: event.id, result: await append(journal, event, { claim: true, keys }) };
      }))
    ),
  );
  for (const name of names) {
    const both = appended.flat().filter(({ key }) => key === name);
    const [first, ...others] = both.filter(({ result }) => "sequence" in result);
    assert(first !== undefined && others.length === 0, `${name} has one first event`);
    const repeats = both.flatMap(({ result }) => "duplicateOf" in result ? [result.duplicateOf] : []);
    assertEquals(repeats, [first.id]);
  }
  assertEquals(gateways.reduce((sum, journal) => sum + journal.stats().pending!, 0), 40);
});

Deno.test("delivered events are kept for their retention, and are nobody's to deliver", async () => {
  await using journals = await PostgresJournals.create({ retentionMs: 60_000 });
  const journal = await journals.open();
  const sequences = await appendMany(journal, 3, {}, CLAIM);
  await Promise.all(sequences.map((sequence) => journal.settle({ sequence, state: "delivered" })));
  const [row] = await journals.database.query(
    "select owner::int, count, done_at is null as pending from cwm.pack",
  );
  assertEquals(row, { owner: -1, count: 3, pending: false });
  await journal[Symbol.asyncDispose]();
  await using next = await journals.open();
  assertEquals(await next.lanes(), []);
});

Deno.test("delivered events are removed at the end of their retention", async () => {
  await using journals = await PostgresJournals.create({ retentionMs: 1, sweepIntervalMs: 1 });
  const journal = await journals.open();
  const [sequence] = await appendMany(journal, 1, {}, CLAIM);
  await journal.settle({ sequence: sequence!, state: "delivered" });
  await eventually(async () => assertEquals(await journals.database.query("select * from cwm.pack"), []));
});

Deno.test("a webhook that holds half of the journal is refused, and others are not", async () => {
  await using journals = await PostgresJournals.create({ maxBytes: 20_000 });
  const journal = await journals.open();
  await appendMany(journal, 1, { body: "x".repeat(11_000) });
  const error = await append(journal, verifiedEvent(), CLAIM).catch((error) => error);
  assertEquals(error.code, "journal_share_full");
  await appendMany(journal, 1, { webhook: "payments", body: "x".repeat(9_000) });
  const full = await append(journal, verifiedEvent({ webhook: "refunds" }), CLAIM).catch((error) => error);
  assertEquals(full.code, "journal_unavailable");
  const { events } = await claimAll(journal);
  await journal.settle({ sequence: events[0]!.sequence, state: "delivered" });
  await appendMany(journal, 1, {}, CLAIM);
});

Deno.test("what waits for an output is dropped once another gateway has it, and delivered once", async () => {
  await using stores = await PostgresStores.create({ tempo: PATIENT });
  const store = await stores.open();
  using deadlines = new Deadlines();
  const delivered: string[] = [];
  let hasPlace = false;
  const output: BatchOutput = {
    connection: "held",
    maxBatch: 1,
    maxBatchBytes: Infinity,
    tryTakePlace: () => hasPlace,
    freePlace: () => {},
    attempt: ([delivery]) => {
      delivered.push(delivery!.event.id);
      return ["delivered"];
    },
    probe: () => Promise.resolve(),
  };
  const logger = getLogger(["cwm", "test", "dispatcher"]);
  const scheduler = new OutputScheduler(output, deadlines, logger);
  const lease = {
    name: "held",
    connection: "held",
    scheduler,
    deliver: () => new DeliveryError("output_failed"),
    release: () => {},
  };
  const route = durableRoute({
    steps: [{ name: "0 held", output: lease, config: {}, ordered: false, retry: undefined }],
  });
  const dispatcher = new Dispatcher({
    journal: store,
    lookUp: () => route,
    deadlines,
    stops: noStops(deadlines),
    metrics: new EventMetrics(new Metrics(), () => store.stats()),
    logger,
  });
  await dispatcher.start();
  const events = Array.from({ length: 20 }, () => verifiedEvent());
  await Promise.all(
    events.map((event) => reported((listener) => dispatcher.accept(event, route, undefined, listener))),
  );
  const { id } = store.member;
  await stores.database.query("delete from cwm.gateway where id = $1", [id]);
  await eventually(() => assert(store.member.id !== undefined && store.member.id !== id));
  // The only gateway that is left takes over what the one that it was has left.
  await eventually(() => assertEquals(store.stats().pending, 20));
  hasPlace = true;
  scheduler.pump();
  await eventually(async () => assertEquals(await store.lanes(), []));
  assertEquals(delivered.toSorted(), events.map((event) => event.id).toSorted());
  assert(await dispatcher.drain(patience(10_000)));
});

Deno.test("no statement of a lot or a claim is planned to read a whole table", async () => {
  await using journals = await PostgresJournals.create();
  await journals.open();
  await using session = await journals.database.session();
  await session.query("set plan_cache_mode = force_generic_plan");
  for (const { text } of [PLAIN_LOT, WHOLE_LOT, READ, ADOPT, TAKE]) {
    await session.query(`prepare tried as ${text}`);
    const count = Math.max(...Array.from(text.matchAll(/\$(\d+)/g), (match) => Number(match[1])));
    const rows = await session.query(`explain execute tried (${Array(count).fill("null").join()})`);
    const plan = rows.map((row) => row["QUERY PLAN"]).join("\n");
    assertEquals(plan.match(/Seq Scan on (?:pack|idempotency|dead).*/g), null, plan);
    await session.query("deallocate tried");
  }
});
