import { DatabaseSync } from "node:sqlite";
import { assert, assertEquals } from "@std/assert";
import type { SqliteJournal } from "../../../../src/journal/sqlite/sqlite_journal.ts";
import { eventually } from "../../../support/eventually.ts";
import { appendMany, claimAll } from "../../../contracts/journal.ts";
import { JournalDirectory, openJournal } from "../../../support/journal/sqlite_journal.ts";
import { TempDir } from "../../../support/temp_dir.ts";
import { verifiedEvent } from "../../../support/verified_event.ts";

const CLAIM = { claim: true };
const HOUR_MS = 3_600_000;
const FAILURE = { code: "output_rejected", message: "No", connection: "a" } as const;

Deno.test("SQLite journal removes delivered events at the end of their retention, and no other ones", async () => {
  let now = Date.now();
  await using directory = await JournalDirectory.create({ retentionMs: HOUR_MS, now: () => now });
  const journal = await directory.open();
  const [waiting] = await appendMany(journal, 1);
  const [claimed, dead, delivered] = await appendMany(journal, 3, {}, CLAIM);
  await journal.channels.enqueue("a", verifiedEvent(), { ttlMs: 10 * HOUR_MS, maxSize: 100 });
  await journal.settle({ sequence: dead!, state: "dead", failure: FAILURE });
  await deliver(journal, [delivered!]);
  now += HOUR_MS / 2;
  const [later] = await appendMany(journal, 1, {}, CLAIM);
  await deliver(journal, [later!]);
  const all = [waiting!, claimed!, dead!, delivered!, delivered! + 1, later!];
  assertEquals(await sequencesOnDisk(directory), all);
  now += HOUR_MS / 2;
  const kept = all.filter((sequence) => sequence !== delivered);
  await eventually(async () => assertEquals(await sequencesOnDisk(directory), kept));
});

Deno.test("SQLite journal keeps an event for its whole retention, however long it has waited before", async () => {
  await using directory = await JournalDirectory.create({ retentionMs: HOUR_MS });
  const journal = await directory.open();
  const old = { receivedAt: Date.now() - 2 * HOUR_MS };
  const late = await appendMany(journal, 3, old, CLAIM);
  await deliver(journal, late);
  await directory.crash();
  const restarted = await directory.open();
  const gone = await appendMany(restarted, 1, {}, CLAIM);
  assertEquals(await sequencesOnDisk(directory), [...late, ...gone]);
});

Deno.test("SQLite journal keeps what is delivered out of a pack when it was opened to keep it", async () => {
  await using temporary = await TempDir.create();
  {
    await using journal = await openJournal(temporary.path, { retentionMs: 0 });
    await appendMany(journal, 3, { body: "in a pack" });
  }
  await using journal = await openJournal(temporary.path, { retentionMs: HOUR_MS });
  const { events } = await claimAll(journal);
  await deliver(journal, events.map(({ sequence }) => sequence));
  const options = { order: "oldest", limit: 10, contents: true } as const;
  const { records } = await journal.records.list({}, options);
  assertEquals(records.map(({ state, event }) => [state, event?.body.text]), [
    ["delivered", "in a pack"],
    ["delivered", "in a pack"],
    ["delivered", "in a pack"],
  ]);
});

Deno.test("SQLite journal removes the oldest delivered events, and no others, while it is too large", async () => {
  const retentionBytes = 500_000;
  await using directory = await JournalDirectory.create({ retentionMs: HOUR_MS, retentionBytes });
  const journal = await directory.open();
  const parts = { body: "x".repeat(10_000), receivedAt: Date.now() };
  const [first, ...others] = await appendMany(journal, 100, parts, CLAIM);
  await deliver(journal, others);
  const remaining = await eventually(async () => {
    const sequences = await sequencesOnDisk(directory);
    assert(sequences.length < 50, `${sequences.length} events are kept`);
    return sequences;
  });
  assert(remaining.length > 20, `only ${remaining.length} events are kept`);
  assertEquals(remaining, [first, ...others.slice(-remaining.length + 1)]);
});

Deno.test("SQLite journal forgets keys of repeated events when their time is over", async () => {
  await using directory = await JournalDirectory.create();
  const journal = await directory.open();
  const lane = { namespace: "default", webhook: "orders" };
  for (let key = 0; key < 30; key++) {
    const repeat = "duplicate" as const;
    const keys = [{ repeat, key: `short ${key}`, ttlMs: 1 }, { repeat, key: `long ${key}`, ttlMs: HOUR_MS }];
    await journal.remember([{ ...lane, eventId: "event-1", keys }]);
  }
  await eventually(async () =>
    assertEquals((await queryCopy(directory, "SELECT id FROM key_runs")).length, 30)
  );
  assertEquals(await journal.findRepeated(lane, { repeat: "duplicate", key: "long 7", ttlMs: 0 }), "event-1");
});

Deno.test("SQLite journal gives the space of a backlog back to the file system when it is delivered", async () => {
  await using directory = await JournalDirectory.create({ retentionMs: 0 });
  const journal = await directory.open();
  await appendMany(journal, 500, { body: "x".repeat(40_000) });
  assert(journal.stats().bytes > 20_000_000);
  for (let { events } = await claimAll(journal); events.length > 0; { events } = await claimAll(journal)) {
    await deliver(journal, events.map(({ sequence }) => sequence));
  }
  await eventually(() => assert(journal.stats().bytes < 10_000_000, `${journal.stats().bytes} bytes`));
});

Deno.test("SQLite journal stays small however many events go through it", async () => {
  await using directory = await JournalDirectory.create({ retentionMs: 0 });
  const journal = await directory.open();
  let sequences: readonly number[] = [];
  for (let round = 0; round < 60; round++) {
    const appended = appendMany(journal, 20, { body: "x".repeat(40_000) }, CLAIM);
    await deliver(journal, sequences);
    sequences = await appended;
    if (round % 10 < 9) continue;
    await deliver(journal, sequences);
    sequences = [];
    await eventually(async () => assertEquals(await sequencesOnDisk(directory), []));
  }
  assert(journal.stats().bytes < 20_000_000, `${journal.stats().bytes} bytes after 48,000,000`);
});

async function deliver(journal: SqliteJournal, sequences: readonly number[]): Promise<void> {
  await Promise.all(sequences.map((sequence) => journal.settle({ sequence, state: "delivered" })));
}

async function sequencesOnDisk(directory: JournalDirectory): Promise<number[]> {
  const rows = await queryCopy(directory, "SELECT seq FROM events ORDER BY seq");
  return rows.map(({ seq }) => Number(seq));
}

/** Looks into a copy of the file as it stands now: the file itself belongs to the journal. */
async function queryCopy(directory: JournalDirectory, query: string): Promise<Record<string, unknown>[]> {
  const copy = await directory.copy();
  using database = new DatabaseSync(`${copy}/journal.db`);
  return database.prepare(query).all();
}
