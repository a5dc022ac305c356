import { DatabaseSync } from "node:sqlite";
import { assert, assertEquals, assertMatch, assertNotEquals, assertRejects } from "@std/assert";
import type { SqliteJournal } from "../../../../src/journal/sqlite/sqlite_journal.ts";
import { GatewayError } from "../../../../src/errors.ts";
import { append } from "../../../support/journal/append.ts";
import { eventually } from "../../../support/eventually.ts";
import { claimAll } from "../../../contracts/journal.ts";
import { openJournal } from "../../../support/journal/sqlite_journal.ts";
import { TempDir } from "../../../support/temp_dir.ts";
import { verifiedEvent } from "../../../support/verified_event.ts";

const WAIT = { claim: false };
const CLAIM = { claim: true };
const FAILURE = { code: "output_rejected", message: "No", connection: "a" } as const;
const MESSAGE = { ttlMs: 3_600_000, maxSize: 10 };

/** A journal with one event of every kind in it. */
async function openFilled(directory: string): Promise<{ journal: SqliteJournal; claimed: number }> {
  const journal = await openJournal(directory);
  await append(journal, verifiedEvent({ id: "waiting" }), WAIT);
  await append(journal, verifiedEvent({ id: "large", body: "x".repeat(100_000) }), WAIT);
  const claimed = await append(journal, verifiedEvent({ id: "claimed", webhook: "other" }), CLAIM);
  await journal.deadLetters.bury(verifiedEvent({ id: "dead" }), FAILURE, 1);
  await journal.channels.enqueue("a", verifiedEvent({ id: "leased" }), MESSAGE);
  await journal.channels.lease("a", 1, 3_600_000);
  return { journal, claimed: "sequence" in claimed ? claimed.sequence : NaN };
}

/** A new file stands in the place, and it holds what the old one did. */
async function assertBack(journal: SqliteJournal, claimed: number, directory: string): Promise<void> {
  await eventually(async () => {
    await Deno.stat(`${directory}/journal.db`);
    assertEquals(journal.problem, undefined);
  });
  assertEquals([journal.stats().pending, journal.stats().deadLetters], [3, 1]);
  const { events } = await claimAll(journal);
  assertEquals(events.map(({ event }) => event.id), ["waiting", "large"], "what is claimed stays claimed");
  assertEquals(await journal.channels.lease("a", 1, 1_000), [], "what is leased stays leased");
  await journal.settle({ sequence: claimed, state: "delivered" });
  const next = await append(journal, verifiedEvent({ id: "new" }), WAIT);
  assert("sequence" in next && next.sequence > claimed, "no sequence is given twice");
  await journal[Symbol.asyncDispose]();
  await using reopened = await openJournal(directory);
  const kept = (await claimAll(reopened)).events.map(({ event }) => event.id);
  assertEquals(kept.toSorted(), ["large", "new", "waiting"]);
  assertEquals((await reopened.channels.lease("a", 1, 1_000)).map(({ tag }) => tag), ["leased"]);
}

async function namesOf(directory: string, part: string): Promise<string[]> {
  const names = await Array.fromAsync(Deno.readDir(directory), ({ name }) => name);
  return names.filter((name) => name.includes(part));
}

Deno.test("a journal whose directory was removed is there again within a second, with all it held", async () => {
  await using temporary = await TempDir.create();
  const directory = temporary.file("data", "journal");
  const { journal, claimed } = await openFilled(directory);
  await using _journal = journal;
  await Deno.remove(temporary.file("data"), { recursive: true });
  await assertBack(journal, claimed, directory);
  assertEquals((await Deno.stat(`${directory}/journal.db`)).mode! & 0o777, 0o600);
});

Deno.test("a journal whose log alone was removed loses nothing of what stood in it", async () => {
  await using temporary = await TempDir.create();
  const { journal, claimed } = await openFilled(temporary.path);
  await using _journal = journal;
  await Deno.remove(temporary.file("journal.db-wal"));
  await eventually(() => Deno.stat(temporary.file("journal.db-wal")));
  await assertBack(journal, claimed, temporary.path);
});

Deno.test("a journal takes nothing while its file cannot be made again, and all is there when it can", async () => {
  await using temporary = await TempDir.create();
  const directory = temporary.file("data", "journal");
  const { journal, claimed } = await openFilled(directory);
  await using _journal = journal;
  await Deno.rename(temporary.file("data"), temporary.file("elsewhere"));
  const inTheWay = await temporary.writeText("data", "a file where the directory should be");
  await eventually(() => assertMatch(journal.problem ?? "", /gone/));
  const error = await assertRejects(() => append(journal, verifiedEvent(), WAIT), GatewayError);
  assertEquals([error.code, error.retryAfterSeconds], ["journal_unavailable", 5]);
  assertEquals(journal.stats().pending, 3, "what is pending still is");
  await journal.settle({ sequence: claimed, state: "attempt" });
  await Deno.remove(inTheWay);
  await assertBack(journal, claimed, directory);
});

Deno.test("a file that somebody puts in the journal's place is set aside, whole", async () => {
  await using temporary = await TempDir.create();
  const directory = temporary.file("data");
  {
    await using other = await openJournal(temporary.file("other"));
    await append(other, verifiedEvent({ id: "of another journal" }), WAIT);
  }
  const { journal, claimed } = await openFilled(directory);
  await using _journal = journal;
  await Deno.remove(directory, { recursive: true });
  await Deno.rename(temporary.file("other"), directory);
  await eventually(async () => assertEquals((await namesOf(directory, ".found-")).length, 1));
  await assertBack(journal, claimed, directory);
  const [aside] = await namesOf(directory, ".found-");
  using database = new DatabaseSync(`${directory}/${aside}`, { readOnly: true });
  assertNotEquals(database.prepare("SELECT 1 FROM packs UNION SELECT 1 FROM events").get(), undefined);
});

Deno.test("a file in the journal's place that another process uses is left alone while it does so", async () => {
  await using temporary = await TempDir.create();
  const directory = temporary.file("data");
  {
    await using _other = await openJournal(temporary.file("other"));
    await append(_other, verifiedEvent(), WAIT);
  }
  const { journal, claimed } = await openFilled(directory);
  await using _journal = journal;
  {
    using owner = new DatabaseSync(temporary.file("other", "journal.db"));
    owner.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; CREATE TABLE mine (id INTEGER); COMMIT");
    await Deno.remove(directory, { recursive: true });
    await Deno.rename(temporary.file("other"), directory);
    await eventually(() => assertMatch(journal.problem ?? "", /gone/));
    await assertRejects(() => append(journal, verifiedEvent(), WAIT), GatewayError);
    assertEquals(await namesOf(directory, ".found-"), []);
  }
  await assertBack(journal, claimed, directory);
});
