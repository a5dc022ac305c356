import { assert, assertEquals } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { checkCopy } from "../../../../src/journal/sqlite/copy_check.ts";
import type { SqliteJournal } from "../../../../src/journal/sqlite/sqlite_journal.ts";
import { appendMany, claimAll } from "../../../contracts/journal.ts";
import { JournalDirectory, openJournal } from "../../../support/journal/sqlite_journal.ts";
import { TempDir } from "../../../support/temp_dir.ts";

const CLAIM = { claim: true };
const WAIT = { claim: false };
const FAILURE = { code: "output_unavailable", message: "Down", connection: "a" } as const;
const HOUR_MS = 3_600_000;

/** How many rows each table has, in a copy of the file as it stands now. */
async function rowsOf(directory: JournalDirectory): Promise<Record<"packs" | "pending" | "events", number>> {
  using database = new DatabaseSync(`${await directory.copy()}/journal.db`);
  const count = (table: string) =>
    Number(database.prepare(`SELECT count(*) FROM ${table}`).get()?.["count(*)"]);
  return { packs: count("packs"), pending: count("pending"), events: count("events") };
}

async function logBytes(directory: JournalDirectory): Promise<number> {
  return (await Deno.stat(`${await directory.copy()}/journal.db-wal`)).size;
}

function deliver(journal: SqliteJournal, sequences: readonly number[]): Promise<unknown> {
  return Promise.all(sequences.map((sequence) => journal.settle({ sequence, state: "delivered" })));
}

function retry(journal: SqliteJournal, sequences: readonly number[], dueAt = Date.now()): Promise<unknown> {
  return Promise.all(
    sequences.map((sequence) => journal.settle({ sequence, state: "retry", dueAt, failure: FAILURE })),
  );
}

Deno.test("the bodies of events that come together are written once, whatever is recorded of each", async () => {
  await using directory = await JournalDirectory.create({ retentionMs: 0 });
  const journal = await directory.open();
  const sequences = await appendMany(journal, 40, { body: "x".repeat(5_000) }, CLAIM);
  const written = await logBytes(directory);
  assert(written > 200_000, `${written} bytes for the bodies`);
  const [first = 0, second = 0, third = 0, ...others] = sequences;
  await deliver(journal, [first]);
  await journal.settle({ sequence: second, state: "progress", progress: "step 1" });
  await journal.settle({ sequence: third, state: "attempt", failure: FAILURE });
  await retry(journal, others);
  const claimed = await claimAll(journal, 100);
  assertEquals(claimed.events.map(({ sequence }) => sequence), others);
  const more = await logBytes(directory) - written;
  assert(more < 100_000, `${more} bytes more`);
  assertEquals(await rowsOf(directory), { packs: 1, pending: 39, events: 0 });
});

Deno.test("events that come together leave the file whole, when the last of them is done", async () => {
  await using directory = await JournalDirectory.create({ retentionMs: 0 });
  const journal = await directory.open();
  const [first = 0, second = 0, third = 0] = await appendMany(journal, 3, {}, CLAIM);
  await deliver(journal, [second]);
  assertEquals(await rowsOf(directory), { packs: 1, pending: 2, events: 0 });
  await retry(journal, [first]);
  await journal.settle({ sequence: third, state: "dead", failure: FAILURE });
  assertEquals(journal.stats().pending, 1);
  const { events: [claimed] } = await claimAll(journal);
  assertEquals([claimed?.sequence, claimed?.attempts], [first, 2]);
  await deliver(journal, [first]);
  // The dead letter has a row of its own.
  assertEquals(await rowsOf(directory), { packs: 0, pending: 0, events: 1 });
  assertEquals((await journal.deadLetters.list({}, 10)).letters.length, 1);
  const together = await appendMany(journal, 5, {}, CLAIM);
  await deliver(journal, together);
  assertEquals(await rowsOf(directory), { packs: 0, pending: 0, events: 1 });
});

Deno.test("an event that waits for long does not keep those that came with it in the file", async () => {
  await using directory = await JournalDirectory.create({ retentionMs: 0 });
  const journal = await directory.open();
  const body = "x".repeat(5_000);
  const [first = 0, second = 0, ...others] = await appendMany(journal, 8, { body }, CLAIM);
  await retry(journal, [first], Date.now() + HOUR_MS);
  await deliver(journal, others);
  assertEquals(await rowsOf(directory), { packs: 1, pending: 2, events: 0 });
  await retry(journal, [second], Date.now() + HOUR_MS);
  assertEquals(await rowsOf(directory), { packs: 0, pending: 2, events: 2 });
  const { events } = await journal.claim({ namespace: "default", webhook: "orders" }, {
    events: 10,
    bytes: 1_000_000,
    early: "all",
  });
  assertEquals(
    events.map(({ sequence, attempts, event }) => [sequence, attempts, event.body.text]),
    [[first, 2, body], [second, 2, body]],
  );
});

Deno.test("what waits is claimed whole or in parts, in its order beside what is tried again", async () => {
  await using directory = await JournalDirectory.create({ retentionMs: 0 });
  const journal = await directory.open();
  const tried = await appendMany(journal, 4, {}, CLAIM);
  const waiting = [
    await appendMany(journal, 5, {}, WAIT),
    await appendMany(journal, 5, {}, WAIT),
    await appendMany(journal, 5, {}, WAIT),
  ];
  const late = await appendMany(journal, 2, {}, CLAIM);
  await retry(journal, [tried[1]!, tried[3]!, late[0]!]);
  const expected = [tried[1]!, tried[3]!, ...waiting.flat(), late[0]!];
  const parts = [];
  for (const limit of [9, 1, 100]) parts.push((await claimAll(journal, limit)).events);
  assertEquals(parts.map((part) => part.length), [9, 1, 8]);
  assertEquals(parts.flat().map(({ sequence }) => sequence), expected);
  assertEquals(parts.flat().map(({ attempts }) => attempts), [2, 2, ...new Array(15).fill(1), 2]);
  // Two of those that waited were claimed as they are.
  assertEquals(await rowsOf(directory), { packs: 5, pending: 4 + 5 + 2, events: 0 });
  await deliver(journal, [...expected, tried[0]!, tried[2]!, late[1]!]);
  assertEquals(await rowsOf(directory), { packs: 0, pending: 0, events: 0 });
  assertEquals(journal.stats().pending, 0);
});

Deno.test("what waits goes before what waits for its next attempt, if only one is to be tried", async () => {
  await using directory = await JournalDirectory.create({ retentionMs: 0 });
  const journal = await directory.open();
  const tried = await appendMany(journal, 1, {}, CLAIM);
  await retry(journal, tried, Date.now() + HOUR_MS);
  const waiting = await appendMany(journal, 2, {}, WAIT);
  const claimed = [];
  for (let claim = 0; claim < 3; claim++) {
    const limit = { events: 1, bytes: 1_000_000, early: "first" } as const;
    claimed.push(...(await journal.claim({ namespace: "default", webhook: "orders" }, limit)).events);
  }
  assertEquals(claimed.map(({ sequence }) => sequence), [...waiting, ...tried]);
});

Deno.test("what is held of events that came together is there after a crash, and in a copy", async () => {
  await using directory = await JournalDirectory.create({ retentionMs: 0 });
  const journal = await directory.open();
  const [first = 0, second = 0, third = 0, fourth = 0] = await appendMany(journal, 4, {}, CLAIM);
  await journal.settle({ sequence: second, state: "progress", progress: "step 1" });
  await deliver(journal, [first]);
  await retry(journal, [third], Date.now() + HOUR_MS);
  const records = async (of: SqliteJournal) => {
    const page = await of.records.list({}, { order: "oldest", limit: 10, contents: true });
    return page.records.map((
      { state, attempts, failure, event },
    ) => [state, attempts, failure, event?.body.text]);
  };
  const text = '{"order":1}';
  const held = ["waiting", 1, FAILURE, text];
  assertEquals(await records(journal), [["under_way", 1, undefined, text], held, [
    "under_way",
    1,
    undefined,
    text,
  ]]);
  assertEquals(checkCopy(`${await directory.copy()}/journal.db`), { pending: 3, deadLetters: 0 });
  await directory.crash();
  const restarted = await directory.open();
  assertEquals(restarted.stats().pending, 3);
  assertEquals(await records(restarted), [["waiting", 1, undefined, text], held, [
    "waiting",
    1,
    undefined,
    text,
  ]]);
  const { events } = await claimAll(restarted);
  assertEquals(
    events.map(({ sequence, attempts, progress }) => [sequence, attempts, progress]),
    [[second, 2, "step 1"], [fourth, 2, undefined]],
  );
});

Deno.test("salvage takes over what is left of events that came together, with its progress", async () => {
  await using temporary = await TempDir.create();
  const journal = await openJournal(temporary.file("old"), { retentionMs: 0 });
  const [first = 0, second = 0, third = 0] = await appendMany(journal, 4, {}, CLAIM);
  await journal.settle({ sequence: second, state: "progress", progress: "step 1" });
  await deliver(journal, [first]);
  await journal.settle({ sequence: third, state: "dead", failure: FAILURE });
  await journal[Symbol.asyncDispose]();
  await using next = await openJournal(temporary.file("new"));
  assertEquals(await next.salvage(`${temporary.file("old")}/journal.db`), {
    pending: 2,
    deadLetters: 1,
    messages: 0,
    isDamaged: false,
  });
  const { events } = await claimAll(next);
  assertEquals(events.map(({ progress }) => progress), ["step 1", undefined]);
});

Deno.test("events that came together are kept one by one where they are to be kept from now on", async () => {
  await using temporary = await TempDir.create();
  {
    await using journal = await openJournal(temporary.path, { retentionMs: 0 });
    const [first = 0] = await appendMany(journal, 4, {}, CLAIM);
    await deliver(journal, [first]);
    await appendMany(journal, 2, {}, WAIT);
  }
  await using journal = await openJournal(temporary.path, { retentionMs: HOUR_MS });
  const { events } = await claimAll(journal);
  assertEquals(events.length, 5);
  await deliver(journal, events.map(({ sequence }) => sequence));
  const { records } = await journal.records.list({}, { order: "oldest", limit: 10, contents: false });
  assertEquals(records.map(({ state, attempts }) => [state, attempts]), [
    ...new Array(3).fill(["delivered", 2]),
    ...new Array(2).fill(["delivered", 1]),
  ]);
  assertEquals(journal.stats().pending, 0);
});
