/**
 * What every journal promises of events as records. Each journal's test runs the suite:
 *
 *     testRecordsContract("SQLite journal", (choices) => JournalDirectory.create(choices));
 *
 * @module
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { EventBody } from "../../src/event/event.ts";
import type { VerifiedEvent } from "../../src/event/verified_event.ts";
import { GatewayError } from "../../src/errors.ts";
import type { Claimed } from "../../src/journal/journal.ts";
import type { JournalStore } from "../../src/journal/journal_store.ts";
import type { EventRecord, RecordFilter, RecordListOptions, RecordOrder } from "../../src/records/records.ts";
import { eventually } from "../support/eventually.ts";
import { append } from "../support/journal/append.ts";
import { verifiedEvent } from "../support/verified_event.ts";

/** A store of its own, empty at first. Disposal ends all that was opened on it. */
export interface RecordsHarness extends AsyncDisposable {
  open(): Promise<JournalStore>;
}

const FAILURE = { code: "output_rejected", message: "No", connection: "a" } as const;
const LANE = { namespace: "default", webhook: "orders" };
const OTHER_LANE = { namespace: "team", webhook: "payments" };
const HOUR_MS = 3_600_000;

/** Events are accepted one millisecond after the other. */
const FIRST_AT = 1_700_000_000_000;
let accepted = 0;

/** An event whose id says what it is; small texts may stand in packs. */
function event(id: string, parts: Parameters<typeof verifiedEvent>[0] = {}, text?: string): VerifiedEvent {
  const made = { ...verifiedEvent({ receivedAt: FIRST_AT + accepted++, ...parts }), id };
  return text === undefined ? made : { ...made, body: EventBody.fromText(text) };
}

async function appended(journal: JournalStore, made: VerifiedEvent, claim = false): Promise<number> {
  const result = await append(journal, made, { claim });
  assert("sequence" in result);
  return result.sequence;
}

async function delivered(journal: JournalStore, made: VerifiedEvent): Promise<void> {
  await journal.settle({ sequence: await appended(journal, made, true), state: "delivered" });
}

/** All pages of a list. */
async function all(
  journal: JournalStore,
  filter: RecordFilter = {},
  options: Partial<RecordListOptions> = {},
): Promise<EventRecord[]> {
  const records: EventRecord[] = [];
  let cursor: string | undefined;
  do {
    const page = await journal.records.list(filter, {
      order: "oldest",
      limit: 3,
      contents: false,
      ...options,
      cursor,
    });
    records.push(...page.records);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return records;
}

/** Claims so many events at once: where gateways share a journal, what was another's is taken over after a while. */
async function claimSoon(journal: JournalStore, count: number): Promise<Claimed> {
  await eventually(async () => {
    const lanes = await journal.lanes();
    assertEquals(lanes.find(({ webhook }) => webhook === LANE.webhook)?.pending, count);
  });
  return await journal.claim(LANE, { events: count, bytes: 10_000_000 });
}

const ids = (records: readonly EventRecord[]) => records.map(({ id }) => id);

/** One event in each state, in rows and in packs. */
async function fill(journal: JournalStore): Promise<void> {
  await appended(journal, event("waiting-in-a-pack", {}, "{}"));
  await appended(journal, event("claimed-in-a-pack", {}, "{}"), true);
  const later = await appended(journal, event("waits-for-its-time", OTHER_LANE), true);
  await journal.settle({ sequence: later, state: "retry", dueAt: Date.now() + HOUR_MS, failure: FAILURE });
  const dead = await appended(journal, event("dead"), true);
  await journal.settle({ sequence: dead, state: "dead", failure: FAILURE });
  await journal.channels.enqueue("inbox", event("in-a-channel"), { ttlMs: HOUR_MS, maxSize: 10 });
  await appended(journal, event("under-way", OTHER_LANE), true);
}

const STATES = [
  ["waiting-in-a-pack", "waiting"],
  ["claimed-in-a-pack", "under_way"],
  ["waits-for-its-time", "waiting"],
  ["dead", "dead_letter"],
  ["in-a-channel", "in_channel"],
  ["under-way", "under_way"],
] as const;

/** Registers the tests of the contract. `setUp` makes a new harness for each, which keeps delivered events for a time. */
export function testRecordsContract(
  name: string,
  setUp: (choices: { readonly retentionMs: number }) => Promise<RecordsHarness>,
): void {
  for (const order of ["oldest", "newest"] as RecordOrder[]) {
    Deno.test(`${name}: records show each event and its state, ${order} first, in pages of any size`, async () => {
      await using harness = await setUp({ retentionMs: 0 });
      const journal = await harness.open();
      await fill(journal);
      const inOrder = STATES.map(([id, state]) => `${id} ${state}`);
      const expected = order === "oldest" ? inOrder : inOrder.toReversed();
      for (const limit of [1, 2, 5, 100]) {
        const records = await all(journal, {}, { order, limit });
        assertEquals(records.map(({ id, state }) => `${id} ${state}`), expected, `pages of ${limit}`);
      }
    });
  }

  Deno.test(`${name}: records say what is known of an event in its state`, async () => {
    await using harness = await setUp({ retentionMs: HOUR_MS });
    const journal = await harness.open();
    await fill(journal);
    await delivered(journal, event("done", { receivedAt: 1_000 }));
    const byId = new Map((await all(journal)).map((record) => [record.id, record]));
    const bodies = (await all(journal, {}, { contents: true })).map(({ event }) => event?.body.text);
    assertEquals(bodies.toSorted(), [...new Array(5).fill('{"order":1}'), "{}", "{}"]);
    const waits = byId.get("waits-for-its-time")!;
    assert(waits.dueAt! > Date.now());
    assertEquals([waits.namespace, waits.webhook, waits.attempts, waits.failure], [
      "team",
      "payments",
      1,
      FAILURE,
    ]);
    const dead = byId.get("dead")!;
    assertEquals([dead.failure, dead.attempts], [FAILURE, 1]);
    assert(dead.diedAt! > 0);
    assertEquals(byId.get("in-a-channel")?.channel, "inbox");
    const done = byId.get("done")!;
    assertEquals([done.state, done.receivedAt, done.event], ["delivered", 1_000, undefined]);
    assert(
      done.attempts === 1 || done.attempts === undefined,
      "a journal may have forgotten how many there were",
    );
    assert(done.deliveredAt! > 1_000);
  });

  Deno.test(`${name}: records are found by webhook, state, time and id`, async () => {
    await using harness = await setUp({ retentionMs: 0 });
    const journal = await harness.open();
    await fill(journal);
    for (let number = 0; number < 5; number++) {
      await appended(journal, event(`old-${number}`, { receivedAt: 1_000 + number }, "{}"));
    }
    const found = async (filter: RecordFilter) => ids(await all(journal, filter));
    assertEquals(await found({ namespace: "team" }), ["waits-for-its-time", "under-way"]);
    assertEquals(await found({ namespaces: ["te*"] }), ["waits-for-its-time", "under-way"]);
    assertEquals(await found({ namespaces: ["t___", "team-*"] }), []);
    assertEquals(await found({ namespaces: ["*"] }), await found({}));
    assertEquals(await found({ namespaces: ["team"], namespace: "default" }), []);
    assertEquals(await found({ ...OTHER_LANE, states: ["waiting"] }), ["waits-for-its-time"]);
    assertEquals(await found({ states: ["under_way", "in_channel"] }), [
      "claimed-in-a-pack",
      "in-a-channel",
      "under-way",
    ]);
    assertEquals(await found({ after: 1_001, before: 1_003 }), ["old-1", "old-2"]);
    assertEquals((await found({ ids: ["dead", "old-4", "missing"] })).toSorted(), ["dead", "old-4"]);
    assertEquals(await found({ webhook: "missing" }), []);
    assertEquals(await found({ ...LANE, before: 2_000, states: ["dead_letter"] }), []);
  });

  Deno.test(`${name}: records bring the events themselves, a bounded size of them a page`, async () => {
    await using harness = await setUp({ retentionMs: HOUR_MS });
    const journal = await harness.open();
    const headers = { "content-type": "text/plain", "x-list": "1" };
    const body = "x".repeat(400_000);
    for (let number = 0; number < 4; number++) {
      await delivered(journal, event(`large-${number}`, { headers, body }));
    }
    await delivered(journal, event("huge", { body: "y".repeat(3_000_000) }));
    const options = { order: "newest", limit: 100, contents: true } as const;
    const first = await journal.records.list({}, options);
    assertEquals(ids(first.records), ["huge"]);
    const second = await journal.records.list({}, { ...options, cursor: first.cursor });
    assertEquals(ids(second.records), ["large-3", "large-2"]);
    const [{ event: restored } = {}] = second.records;
    assertEquals([...restored!.headers], Object.entries(headers));
    assertEquals(restored!.body.text, body);
    assertEquals(ids(await all(journal, {}, options)), ["huge", "large-3", "large-2", "large-1", "large-0"]);
  });

  Deno.test(`${name}: a list ends where it began, and goes on behind any record`, async () => {
    await using harness = await setUp({ retentionMs: 0 });
    const journal = await harness.open();
    for (let number = 0; number < 5; number++) await appended(journal, event(`early-${number}`, {}, "{}"));
    const options = { order: "oldest", limit: 2, contents: false } as const;
    const page = await journal.records.list({}, options);
    await appended(journal, event("late", {}, "{}"));
    const [first] = page.records;
    const rest = await journal.records.list({}, { ...options, limit: 100, cursor: first!.cursor });
    assertEquals(ids(rest.records), ["early-1", "early-2", "early-3", "early-4"]);
    assertEquals(rest.cursor, undefined);
    for (
      const cursor of ["", "7", "n1-2", "o1-x", "o99999999999999999-1", page.cursor! + "0000000000000000"]
    ) {
      const error = await assertRejects(() => journal.records.list({}, { ...options, cursor }), GatewayError);
      assertEquals(error.code, "invalid_query");
    }
  });

  Deno.test(`${name}: a list finds what is far away among very many other events`, async () => {
    await using harness = await setUp({ retentionMs: HOUR_MS });
    const journal = await harness.open();
    await appended(journal, event("first", OTHER_LANE));
    await Promise.all(Array.from({ length: 5_000 }, (_, number) => appended(journal, event(`${number}`))));
    await appended(journal, event("last", OTHER_LANE));
    for (const order of ["oldest", "newest"] as const) {
      const found = ids(await all(journal, OTHER_LANE, { order }));
      assertEquals(found, order === "oldest" ? ["first", "last"] : ["last", "first"]);
    }
  });

  Deno.test(`${name}: what was delivered or given up goes back to its webhook once`, async () => {
    await using harness = await setUp({ retentionMs: HOUR_MS });
    const journal = await harness.open();
    await delivered(journal, event("done"));
    await fill(journal);
    const step = await journal.records.replay({}, 100, undefined);
    assertEquals(step, { replayed: 2, skipped: 5, cursor: undefined });
    assertEquals((await journal.records.replay({}, 100, undefined)).replayed, 0);
    const { events } = await journal.claim(LANE, { events: 10, bytes: 1_000_000 });
    assertEquals(events.map(({ event }) => event.id).toSorted(), ["dead", "done", "waiting-in-a-pack"]);
    assertEquals(journal.stats().deadLetters, 0);
    assertEquals(ids(await all(journal)).length, 7);
  });

  Deno.test(`${name}: a replay goes on by its cursor, and leaves out what is accepted later`, async () => {
    await using harness = await setUp({ retentionMs: HOUR_MS });
    const journal = await harness.open();
    for (let number = 0; number < 5; number++) await delivered(journal, event(`done-${number}`));
    const replayed: number[] = [];
    let cursor: string | undefined;
    do {
      const step = await journal.records.replay({}, 2, OTHER_LANE, cursor);
      replayed.push(step.replayed);
      cursor = step.cursor;
      await delivered(journal, event(`late-${replayed.length}`));
    } while (cursor !== undefined);
    assertEquals(replayed.reduce((sum, count) => sum + count), 5);
    const { events } = await journal.claim(OTHER_LANE, { events: 10, bytes: 1_000_000 });
    assertEquals(
      events.map(({ event }) => [event.id, event.webhook]),
      [0, 1, 2, 3, 4].map((number) => [
        `done-${number}`,
        "payments",
      ]),
    );
    assertEquals(ids(await all(journal, { ...LANE, states: ["delivered"] })).length, 5 + replayed.length);
  });

  Deno.test(`${name}: what waits or was given up can be dropped, and what is under way stays whole`, async () => {
    await using harness = await setUp({ retentionMs: HOUR_MS });
    const journal = await harness.open();
    await fill(journal);
    const last = await appended(journal, event("claimed-last"), true);
    const step = await journal.records.drop({}, 100);
    assertEquals([step.dropped, step.kept, step.cursor], [3, 4, undefined]);
    const waiting = step.waiting.map(({ webhook, count }) => `${webhook} ${count}`);
    assertEquals(waiting.toSorted(), ["orders 1", "payments 1"]);
    const left = ["claimed-in-a-pack", "in-a-channel", "under-way", "claimed-last"];
    assertEquals(ids(await all(journal)), left);
    const all10 = { events: 10, bytes: 1_000_000, early: "all" } as const;
    for (const lane of [LANE, OTHER_LANE]) assertEquals((await journal.claim(lane, all10)).events, []);
    assertEquals([journal.stats().deadLetters, journal.stats().pending], [0, 3]);
    await journal.settle({ sequence: last, state: "delivered" });
    assertEquals((await journal.records.drop({ states: ["waiting", "dead_letter"] }, 100)).dropped, 0);
    assertEquals((await all(journal)).at(-1)?.state, "delivered");
  });

  Deno.test(`${name}: a drop by ids leaves the others in their order, and is still true after a restart`, async () => {
    await using harness = await setUp({ retentionMs: 0 });
    const journal = await harness.open();
    const names = Array.from({ length: 150 }, (_, number) => `event-${number}`);
    await Promise.all(names.map((id) => appended(journal, event(id, {}, "{}"))));
    const isDropped = (id: string) => Number(id.slice("event-".length)) % 7 === 0;
    const meant = names.filter(isDropped);
    let [dropped, cursor] = [0, undefined as string | undefined];
    do {
      const step = await journal.records.drop({ ids: meant }, 5, cursor);
      assert(step.dropped <= 5);
      dropped += step.dropped;
      cursor = step.cursor;
      await appended(journal, event(meant[0]!, OTHER_LANE));
    } while (cursor !== undefined);
    assertEquals(dropped, meant.length);
    await journal[Symbol.asyncDispose]();
    const again = await harness.open();
    const { events } = await claimSoon(again, names.length - meant.length);
    assertEquals(events.map(({ event }) => event.id), names.filter((id) => !isDropped(id)));
    assertEquals((await again.records.drop(OTHER_LANE, 1_000)).kept, 0);
  });

  Deno.test(`${name}: a copy that is given up leaves the letter that it is a copy of`, async () => {
    await using harness = await setUp({ retentionMs: 0 });
    const journal = await harness.open();
    const dead = await appended(journal, event("dead"), true);
    await journal.settle({ sequence: dead, state: "dead", failure: FAILURE });
    for (let copy = 0; copy < 2; copy++) {
      await journal.records.replay(LANE, 10, OTHER_LANE);
      const { events } = await journal.claim(OTHER_LANE, { events: 10, bytes: 1_000_000 });
      assertEquals(events.map(({ event }) => event.id), ["dead"]);
      await journal.settle({ sequence: events[0]!.sequence, state: "dead", failure: FAILURE });
    }
    const { letters } = await journal.deadLetters.list({}, 10);
    assertEquals(letters.map(({ webhook }) => webhook), ["orders", "payments", "payments"]);
    assertEquals(new Set(letters.map(({ id }) => id)).size, 3);
    for (const { id } of letters) assertEquals((await journal.deadLetters.get(id))?.event.id, "dead");
    assertEquals(await journal.deadLetters.replay(OTHER_LANE), 2);
    assertEquals((await journal.deadLetters.list({}, 10)).letters.map(({ id }) => id), ["dead"]);
  });
}
