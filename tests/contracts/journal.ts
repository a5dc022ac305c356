/**
 * What every journal promises, wherever it stores. Each journal's test runs the suite:
 *
 *     testJournalContract("SQLite journal", setUpSqliteHarness);
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import type { RepeatKey, RepeatKind } from "../../src/event/repeat_key.ts";
import type { VerifiedEvent } from "../../src/event/verified_event.ts";
import type { AttemptFailure } from "../../src/dead_letters/dead_letters.ts";
import type { Appended, Claimed, Journal, LaneKey } from "../../src/journal/journal.ts";
import { EventBody } from "../../src/event/event.ts";
import { eventually } from "../support/eventually.ts";
import { type EventParts, verifiedEvent } from "../support/verified_event.ts";
import { append } from "../support/journal/append.ts";

/** A journal but for its dead letters, which have a suite of their own. */
export type EventJournal = Omit<Journal, "deadLetters">;

/** A store of its own, empty at first. Disposal ends all that was opened on it. */
export interface JournalHarness<Opened extends EventJournal = Journal> extends AsyncDisposable {
  /** Opens a journal on the store. The one before must have been disposed, or have crashed. */
  open(): Promise<Opened>;
  /** Ends the journal as a crash of its process would. */
  crash(journal: Opened): Promise<void>;
}

const LANE: LaneKey = { namespace: "default", webhook: "orders" };
const OTHER_LANE: LaneKey = { namespace: "shop", webhook: "refunds" };
/** What an event's trace is known by. */
export const TRACE = {
  traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  baggage: 'a="b"',
};

const ALL = { events: 1_000, bytes: 1_000_000 };
const WAIT = { claim: false };
const CLAIM = { claim: true };

const FAILURE: AttemptFailure = {
  code: "output_rejected",
  message: "The record is too large",
  connection: "kafka_main",
};

function keyOf(key: string, repeat: RepeatKind = "duplicate", ttlMs = 60_000): RepeatKey {
  return { repeat, key, ttlMs };
}

/** Registers the tests of the contract. `setUp` makes a new harness for each. */
export function testJournalContract(name: string, setUp: () => Promise<JournalHarness<EventJournal>>): void {
  function test(
    sentence: string,
    run: (journal: EventJournal, harness: JournalHarness<EventJournal>) => Promise<void>,
  ): void {
    Deno.test(`${name} ${sentence}`, async () => {
      await using harness = await setUp();
      await using journal = await harness.open();
      await run(journal, harness);
    });
  }

  test("gives each appended event a greater sequence", async (journal) => {
    const first = await appendMany(journal, 20);
    const second = await appendMany(journal, 20, { webhook: "payments" });
    const all = [...first, ...second];
    assertEquals(all, all.toSorted((a, b) => a - b));
    assertEquals(new Set(all).size, 40);
  });

  test("claims what waits in a lane in the order of its arrival", async (journal) => {
    const sequences = await appendMany(journal, 30);
    await appendMany(journal, 3, OTHER_LANE);
    const claimed = [];
    for (let claim = 0; claim < 3; claim++) {
      claimed.push(...(await journal.claim(LANE, { events: 10, bytes: 1_000_000 })).events);
    }
    assertEquals(claimed.map(({ sequence }) => sequence), sequences);
    assertEquals(claimed.map(({ attempts }) => attempts), Array(30).fill(1));
    assertEquals((await journal.claim(LANE, ALL)).events, []);
    assertEquals((await journal.claim(OTHER_LANE, ALL)).events.length, 3);
  });

  test("claims an event once, however many ask at the same time", async (journal) => {
    await appendMany(journal, 50);
    const claims = await Promise.all(
      Array.from({ length: 10 }, () => journal.claim(LANE, { events: 7, bytes: 1_000_000 })),
    );
    const sequences = claims.flatMap(({ events }) => events.map(({ sequence }) => sequence));
    assertEquals(sequences.length, 50);
    assertEquals(new Set(sequences).size, 50);
  });

  test("claims no more bytes than asked for, but at least one event", async (journal) => {
    await appendMany(journal, 4, { body: "x".repeat(400) });
    assertEquals((await journal.claim(LANE, { events: 10, bytes: 1_000 })).events.length, 2);
    assertEquals((await journal.claim(LANE, { events: 10, bytes: 1 })).events.length, 1);
  });

  test("hands an event that is delivered right away to nobody else", async (journal) => {
    const [sequence] = await appendMany(journal, 1, {}, CLAIM);
    assertEquals((await journal.claim(LANE, ALL)).events, []);
    assertEquals(await journal.lanes(), [{ ...LANE, pending: 1 }]);
    await journal.settle({ sequence: sequence!, state: "delivered" });
    assertEquals(await journal.lanes(), []);
    assertEquals(journal.stats().pending, 0);
  });

  test("claims nothing from a lane that it does not know", async (journal) => {
    assertEquals(await journal.claim({ namespace: "no", webhook: "where" }, ALL), {
      events: [],
      nextDueAt: undefined,
    });
  });

  test("gives a retried event back when its time has come, and not before", async (journal) => {
    const [soon, late] = await appendMany(journal, 2, {}, CLAIM);
    const tomorrow = Date.now() + 86_400_000;
    const failure = FAILURE;
    await journal.settle({ sequence: late!, state: "retry", dueAt: tomorrow, failure });
    assertEquals(await journal.claim(LANE, ALL), { events: [], nextDueAt: tomorrow });
    await journal.settle({ sequence: soon!, state: "retry", dueAt: Date.now() + 5.25, failure });
    const claimed = await eventually(async () => {
      const { events } = await journal.claim(LANE, ALL);
      assert(events.length > 0);
      return events;
    });
    assertEquals(claimed.map(({ sequence, attempts }) => [sequence, attempts]), [[soon, 2]]);
    assertEquals((await journal.claim(LANE, ALL)).nextDueAt, tomorrow);
  });

  test("does not claim an event early that was put back for a little longer than any pause", async (journal) => {
    const [late, soon] = await appendMany(journal, 2, {}, CLAIM);
    const dueAt = Date.now() + 60_500;
    await journal.settle({ sequence: late!, state: "retry", dueAt });
    await journal.settle({ sequence: soon!, state: "retry", dueAt: 0 });
    const claimed = await journal.claim(LANE, { ...ALL, longestPauseMs: 60_000 });
    assertEquals(claimed.events.map((event) => event.sequence), [soon]);
    assertEquals(claimed.nextDueAt, dueAt);
  });

  test("gives a retried event its old place among those that are due", async (journal) => {
    const sequences = await appendMany(journal, 4);
    const { events } = await journal.claim(LANE, { events: 2, bytes: 1_000_000 });
    const [first, second] = events.map(({ sequence }) => sequence);
    await journal.settle({ sequence: second!, state: "retry", dueAt: Date.now() - 1 });
    await journal.settle({ sequence: first!, state: "retry", dueAt: 0 });
    const claimed = await journal.claim(LANE, ALL);
    assertEquals(claimed.events.map(({ sequence }) => sequence), sequences);
    assertEquals(claimed.events.map(({ attempts }) => attempts), [2, 2, 1, 1]);
  });

  test("says when the lane's next event is due", async (journal) => {
    await appendMany(journal, 3);
    assertEquals((await journal.claim(LANE, { events: 2, bytes: 1_000_000 })).nextDueAt, 0);
    assertEquals((await journal.claim(LANE, { events: 2, bytes: 1_000_000 })).nextDueAt, undefined);
  });

  test("takes back an attempt that was not made", async (journal) => {
    const [sequence] = await appendMany(journal, 1, {}, CLAIM);
    await journal.settle({ sequence: sequence!, state: "retry", dueAt: 0, unattempted: true });
    assertEquals((await journal.claim(LANE, ALL)).events.map(({ attempts }) => attempts), [1]);
  });

  test("has recorded an attempt before it is made", async (journal, harness) => {
    const [sequence] = await appendMany(journal, 1, {}, CLAIM);
    await journal.settle({ sequence: sequence!, state: "attempt", failure: FAILURE });
    await harness.crash(journal);
    await using restarted = await harness.open();
    const { events } = await restarted.claim(LANE, ALL);
    assertEquals(events.map(({ sequence, attempts }) => [sequence, attempts]), [[sequence, 3]]);
  });

  test("keeps the progress of a chain over retries and restarts", async (journal, harness) => {
    const [sequence] = await appendMany(journal, 1, {}, CLAIM);
    await journal.settle({ sequence: sequence!, state: "progress", progress: "step 1" });
    await journal.settle({ sequence: sequence!, state: "attempt" });
    await journal.settle({ sequence: sequence!, state: "retry", dueAt: 0 });
    assertEquals((await journal.claim(LANE, ALL)).events[0]?.progress, "step 1");
    await journal.settle({ sequence: sequence!, state: "retry", dueAt: 0, progress: "step 2" });
    await harness.crash(journal);
    await using restarted = await harness.open();
    assertEquals((await restarted.claim(LANE, ALL)).events[0]?.progress, "step 2");
  });

  test("holds every event that it took after a crash, claimed or not, once", async (journal, harness) => {
    const waiting = await appendMany(journal, 10);
    const claimed = await appendMany(journal, 10, {}, CLAIM);
    const delivered = await appendMany(journal, 10, {}, CLAIM);
    await journal.claim(LANE, { events: 5, bytes: 1_000_000 });
    await Promise.all(delivered.map((sequence) => journal.settle({ sequence, state: "delivered" })));
    await harness.crash(journal);
    await using restarted = await harness.open();
    assertEquals(await restarted.lanes(), [{ ...LANE, pending: 20 }]);
    const { events } = await restarted.claim(LANE, ALL);
    assertEquals(events.map(({ sequence }) => sequence), [...waiting, ...claimed]);
  });

  test("holds the rest of events that came together after some were delivered", async (journal, harness) => {
    const [first, second, third, ...others] = await appendMany(journal, 10, {}, CLAIM);
    await Promise.all([second!, third!].map((sequence) => journal.settle({ sequence, state: "delivered" })));
    assertEquals(journal.stats().pending, 8);
    await journal.settle({ sequence: first!, state: "delivered" });
    assertEquals(journal.stats().pending, 7);
    await harness.crash(journal);
    await using restarted = await harness.open();
    assertEquals(await restarted.lanes(), [{ ...LANE, pending: 7 }]);
    const { events } = await restarted.claim(LANE, ALL);
    assertEquals(
      events.map(({ sequence, attempts }) => [sequence, attempts]),
      others.map((each) => [each, 2]),
    );
  });

  test("holds what waits after it was closed and opened again", async (journal, harness) => {
    const [sequence] = await appendMany(journal, 1);
    await appendMany(journal, 2, OTHER_LANE, CLAIM);
    await journal[Symbol.asyncDispose]();
    await using reopened = await harness.open();
    const lanes = (await reopened.lanes()).toSorted((a, b) => a.pending - b.pending);
    assertEquals(lanes, [{ ...LANE, pending: 1 }, { ...OTHER_LANE, pending: 2 }]);
    assertEquals(reopened.stats().pending, 3);
    assertEquals((await reopened.claim(LANE, ALL)).events.map((event) => event.sequence), [sequence]);
    const [next] = await appendMany(reopened, 1);
    assert(next! > sequence!);
  });

  for (const [form, body] of Object.entries(bodies())) {
    test(`restores an event with ${form} exactly`, async (journal, harness) => {
      const headers: [string, string][] = [
        ["content-type", "application/json"],
        ["set-cookie", "a=1"],
        ["set-cookie", "b=2"],
        ["x-list", "1"],
        ["x-list", "2"],
        ["x-text", 'quoted "text", with a \\ and \u00fc'],
      ];
      const event = { ...verifiedEvent({ headers, webhook: "blob", receivedAt: 1_234_567_890_123 }), body };
      await append(journal, event as VerifiedEvent, WAIT);
      await harness.crash(journal);
      await using restarted = await harness.open();
      const [claimed] = (await restarted.claim({ ...LANE, webhook: "blob" }, ALL)).events;
      assertSameEvent(claimed!.event, event as VerifiedEvent);
      assertEquals(claimed?.event.headers.getSetCookie(), ["a=1", "b=2"]);
    });
  }

  test(
    "restores the trace and the type of an event, and takes no header of a sender for one",
    async (journal, harness) => {
      const headers = { "Cwm-Trace": '{"traceparent":"not ours"}', "Cwm-Event-Type": "not ours" };
      const events = [
        verifiedEvent({ trace: TRACE, headers }),
        verifiedEvent({ trace: TRACE, type: 'a "type"', headers }),
        verifiedEvent({ type: "push", headers }),
        verifiedEvent({ headers }),
        verifiedEvent(),
      ];
      for (const event of events) await append(journal, event, WAIT);
      await harness.crash(journal);
      await using restarted = await harness.open();
      const claimed = await restarted.claim(LANE, ALL);
      for (const [index, event] of events.entries()) assertSameEvent(claimed.events[index]!.event, event);
    },
  );

  for (const repeat of ["duplicate", "replayed"] as const) {
    test(`tells a repeated event from a new one by its key, of kind ${repeat}`, async (journal, harness) => {
      const key = { repeat, key: repeat === "duplicate" ? "order-1 ".repeat(500) : "order-1", ttlMs: 60_000 };
      const keyed = { claim: true, keys: [key] };
      const first = verifiedEvent();
      const repeated = { duplicateOf: first.id, repeat };
      assert("sequence" in await append(journal, first, keyed));
      assertEquals(await append(journal, verifiedEvent(), keyed), repeated);
      const other = await append(journal, verifiedEvent({ webhook: "payments" }), keyed);
      assert("sequence" in other, "another webhook's keys are its own");
      await harness.crash(journal);
      await using restarted = await harness.open();
      assertEquals(await append(restarted, verifiedEvent(), keyed), repeated);
      assertEquals(await restarted.findRepeated(LANE, key), first.id);
      assertEquals(restarted.stats().pending, 2);
    });
  }

  test("takes only one of several events with one key that come together", async (journal) => {
    const keyed = { claim: false, keys: [keyOf("order-1")] };
    const results = await Promise.all(
      Array.from({ length: 20 }, () => append(journal, verifiedEvent(), keyed)),
    );
    assertEquals(results.filter((result) => "sequence" in result).length, 1);
    const others = new Set(results.flatMap((result) => "sequence" in result ? [] : [result.duplicateOf]));
    assertEquals([...others], [(await journal.claim(LANE, ALL)).events[0]?.event.id]);
  });

  test("takes what is new of the events that come together, each with its own sequence", async (journal) => {
    await append(journal, verifiedEvent(), { claim: true, keys: [keyOf("1")] });
    const names = ["1", "2", "3", "2", "4", "1", "4"];
    const events = names.map(() => verifiedEvent());
    const results = await Promise.all(
      events.map((event, index) => append(journal, event, { claim: false, keys: [keyOf(names[index]!)] })),
    );
    const isNew = results.map((result) => "sequence" in result);
    assertEquals(isNew, [false, true, true, false, true, false, false]);
    const { events: claimed } = await journal.claim(LANE, ALL);
    assertEquals(claimed.map(({ event }) => event.id), [1, 2, 4].map((index) => events[index]!.id));
    assertEquals(
      claimed.map(({ sequence }) => sequence),
      results.flatMap((result) => "sequence" in result ? [result.sequence] : []),
    );
    assertEquals(journal.stats().pending, 4);
  });

  test("takes an event that has one of its keys in common with another one for its repeat", async (journal) => {
    const [signed, own, other] = [keyOf("a", "replayed"), keyOf("a", "duplicate"), keyOf("b", "duplicate")];
    const first = verifiedEvent();
    await append(journal, first, { claim: true, keys: [signed, own] });
    const bySigned = await append(journal, verifiedEvent(), { claim: true, keys: [signed, other] });
    assertEquals(bySigned, { duplicateOf: first.id, repeat: "replayed" });
    const byOwn = await append(journal, verifiedEvent(), {
      claim: true,
      keys: [keyOf("c", "replayed"), own],
    });
    assertEquals(byOwn, { duplicateOf: first.id, repeat: "duplicate" });
    // What was taken for a repeat has left no keys behind.
    const third = await append(journal, verifiedEvent(), {
      claim: true,
      keys: [keyOf("c", "replayed"), other],
    });
    assert("sequence" in third);
  });

  test("forgets a key when its time is over", async (journal) => {
    const keyed = { claim: true, keys: [keyOf("order-1", "replayed", 1)] };
    await append(journal, verifiedEvent(), keyed);
    await eventually(async () => assert("sequence" in await append(journal, verifiedEvent(), keyed)));
  });

  test("remembers keys for times that are no whole milliseconds", async (journal) => {
    const key = keyOf("order-1", "replayed", 60_000.25);
    const first = verifiedEvent();
    assert("sequence" in await append(journal, first, { claim: true, keys: [key] }));
    assertEquals(await journal.findRepeated(LANE, key), first.id);
    const other = keyOf("order-2", "replayed", 60_000.25);
    await journal.remember([{ ...LANE, eventId: "event-1", keys: [other] }]);
    assertEquals(await journal.findRepeated(LANE, other), "event-1");
  });

  test("remembers keys of events that it does not hold", async (journal) => {
    const [long, short] = [keyOf("order-1"), keyOf("order-2", "replayed", 1)];
    assertEquals(await journal.findRepeated(LANE, long), undefined);
    await journal.remember([{ ...LANE, eventId: "event-1", keys: [long] }]);
    assertEquals(await journal.findRepeated(LANE, long), "event-1");
    assertEquals(await journal.findRepeated(OTHER_LANE, long), undefined);
    await journal.remember([{ ...LANE, eventId: "event-2", keys: [short] }]);
    await eventually(async () => assertEquals(await journal.findRepeated(LANE, short), undefined));
  });

  test("recalls the newest keys of a webhook that its senders have signed", async (journal) => {
    assertEquals(await journal.recall(LANE, 10), []);
    for (let number = 1; number <= 5; number++) {
      const keys = [keyOf(`${number}`, "replayed", number * 100_000), keyOf(`own ${number}`)];
      await journal.remember([{ ...LANE, eventId: `event-${number}`, keys }]);
    }
    await journal.remember([{ ...OTHER_LANE, eventId: "other", keys: [keyOf("6", "replayed")] }]);
    const recalled = await journal.recall(LANE, 3);
    assertEquals(recalled.map(({ key, eventId }) => [key, eventId]), [["3", "event-3"], ["4", "event-4"], [
      "5",
      "event-5",
    ]]);
    for (const { expiresAt } of recalled) assert(expiresAt > Date.now());
  });

  test("counts what is pending, and tells since when", async (journal) => {
    assertEquals([journal.stats().pending, journal.stats().oldestReceivedAt], [0, undefined]);
    const [old] = await appendMany(journal, 1, { receivedAt: 1_000 }, CLAIM);
    await appendMany(journal, 1, { receivedAt: 2_000 });
    assertEquals([journal.stats().pending, journal.stats().oldestReceivedAt], [2, 1_000]);
    await journal.settle({ sequence: old!, state: "delivered" });
    assertEquals([journal.stats().pending, journal.stats().oldestReceivedAt], [1, 2_000]);
    assert(journal.stats().bytes > 0);
    assert(journal.stats().commits > 0);
    assertEquals([journal.stats().waiting, journal.stats().deadLetters, journal.stats().damaged], [0, 0, 0]);
  });

  test("takes nothing more once it is disposed, however often", async (journal) => {
    await appendMany(journal, 1);
    await journal[Symbol.asyncDispose]();
    await journal[Symbol.asyncDispose]();
    const error = await append(journal, verifiedEvent(), WAIT).catch((error) => error);
    assertEquals(error.code, "draining");
  });

  test("has written everything that was asked for before its disposal", async (journal, harness) => {
    const appended = appendMany(journal, 100);
    const disposed = journal[Symbol.asyncDispose]();
    assertEquals((await appended).length, 100);
    await disposed;
    await using reopened = await harness.open();
    assertEquals((await reopened.claim(LANE, ALL)).events.length, 100);
  });
}

/** Appends events of one webhook together and returns their sequences. */
export async function appendMany(
  journal: EventJournal,
  count: number,
  parts: EventParts = {},
  options: { readonly claim: boolean } = WAIT,
): Promise<number[]> {
  const appended = await Promise.all(
    Array.from({ length: count }, () => append(journal, verifiedEvent(parts), options)),
  );
  return appended.map(sequenceOf);
}

function sequenceOf(appended: Appended): number {
  if ("sequence" in appended) return appended.sequence;
  throw new Error(`The event repeats ${appended.duplicateOf}`);
}

/** Claims what is due in the lane of {@linkcode verifiedEvent}. */
export function claimAll(journal: EventJournal, limit: number = ALL.events): Promise<Claimed> {
  return journal.claim(LANE, { ...ALL, events: limit });
}

/** Asserts that an event came out of a store as it went in. */
export function assertSameEvent(actual: VerifiedEvent, expected: VerifiedEvent): void {
  assertEquals([actual.id, actual.namespace, actual.webhook], [
    expected.id,
    expected.namespace,
    expected.webhook,
  ]);
  assertEquals(actual.receivedAt, expected.receivedAt);
  assertEquals([...actual.headers], [...expected.headers]);
  assertEquals(actual.body.bytes, expected.body.bytes);
  assertEquals(actual.body.text, expected.body.text);
  assertEquals(actual.trace, expected.trace);
  assertEquals(actual.type, expected.type);
}

/** Bodies in every form, with what could get lost in each. */
export function bodies(): Record<string, EventBody> {
  return {
    "a JSON body": EventBody.fromText(JSON.stringify({
      text: 'a "b" \\ \u0000 \u2028 \ud83d\ude00',
      list: [1, null, 1.5e300],
    })),
    "a text body": EventBody.fromText("line\r\nline\ttab \u00e9 \ud83d\ude00 \ufeff"),
    "a text body that holds NUL characters": EventBody.fromText("a\u0000b\u0000"),
    "a binary body": EventBody.fromBytes(Uint8Array.from({ length: 512 }, (_, index) => index)),
    "a body of bytes within a larger buffer": EventBody.fromBytes(
      new Uint8Array(100).fill(7).subarray(10, 20),
    ),
    "an empty text body": EventBody.fromText(""),
    "an empty binary body": EventBody.fromBytes(new Uint8Array()),
    "a large body": EventBody.fromBytes(new Uint8Array(300_000).fill(42)),
  };
}
