import { DatabaseSync } from "node:sqlite";
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { GatewayError, StartupError } from "../../../../src/errors.ts";
import { eventually } from "../../../support/eventually.ts";
import { claimAll } from "../../../contracts/journal.ts";
import { openJournal } from "../../../support/journal/sqlite_journal.ts";
import { TempDir } from "../../../support/temp_dir.ts";
import { verifiedEvent } from "../../../support/verified_event.ts";
import { append } from "../../../support/journal/append.ts";

const WAIT = { claim: false };
const PAGE = 4096;

/** What can become of a file between two runs; `bytes` are those of a journal with events in it. */
const DAMAGES: Readonly<Record<string, (bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>>> = {
  "that was overwritten with garbage": (bytes) => crypto.getRandomValues(bytes.slice(0, PAGE)),
  "that was truncated in the middle": (bytes) => bytes.slice(0, Math.floor(bytes.length / 2)),
  "that was truncated to its first page": (bytes) => bytes.slice(0, PAGE),
  "that was truncated within its header": (bytes) => bytes.slice(0, 60),
  "that was emptied": () => new Uint8Array(),
  "whose pages were overwritten": (bytes) => {
    const damaged = bytes.slice();
    for (let page = 1; page < damaged.length / PAGE; page++) {
      damaged.fill(page, page * PAGE, (page + 1) * PAGE);
    }
    return damaged;
  },
  "whose pages of events were swapped": (bytes) => {
    const damaged = bytes.slice();
    const last = damaged.length - PAGE;
    damaged.set(bytes.subarray(last - PAGE, last), last);
    damaged.set(bytes.subarray(last), last - PAGE);
    return damaged;
  },
  "that is a text": () => new TextEncoder().encode("This is not a database. ".repeat(1_000)),
};

for (const [which, damage] of Object.entries(DAMAGES)) {
  Deno.test(`SQLite journal sets a file ${which} aside and begins a new one`, async () => {
    await using temporary = await TempDir.create();
    const path = await makeJournal(temporary.path);
    const damaged = damage(await Deno.readFile(path));
    await Deno.writeFile(path, damaged);

    await using journal = await openJournal(temporary.path);
    assertEquals(journal.stats().damaged, 1);
    assertEquals(await claimAll(journal), { events: [], nextDueAt: undefined });
    await append(journal, verifiedEvent({ id: "new" }), WAIT);
    assertEquals((await claimAll(journal)).events.map(({ event }) => event.id), ["new"]);
    const aside = await namesOf(temporary.path, ".damaged-");
    assertEquals(aside.length, 1);
    assertStringIncludes(aside[0]!, "journal.db.damaged-");
    const kept = await Deno.readFile(temporary.file(aside[0]!));
    assert(equal(kept, damaged), "what is set aside is kept as it was");
  });
}

Deno.test("SQLite journal sets another program's database aside, whole", async () => {
  await using temporary = await TempDir.create();
  {
    using database = new DatabaseSync(temporary.file("journal.db"));
    database.exec("CREATE TABLE precious (value TEXT); INSERT INTO precious VALUES ('data')");
  }
  {
    await using journal = await openJournal(temporary.path);
    assertEquals(journal.stats().damaged, 1);
    await append(journal, verifiedEvent(), WAIT);
  }
  const [aside] = await namesOf(temporary.path, ".damaged-");
  using database = new DatabaseSync(temporary.file(aside!));
  assertEquals(database.prepare("SELECT value FROM precious").get()?.["value"], "data");
});

Deno.test("SQLite journal refuses a file of a newer version and leaves it alone", async () => {
  await using temporary = await TempDir.create();
  const path = await makeJournal(temporary.path);
  {
    using database = new DatabaseSync(path);
    database.exec("PRAGMA user_version = 99");
  }
  const before = await Deno.readFile(path);
  const error = await assertRejects(() => openJournal(temporary.path), StartupError);
  assertEquals([error.code, error.problems.length], ["data_directory_newer", 1]);
  assertStringIncludes(error.message, temporary.path);
  assert(equal(await Deno.readFile(path), before));
  assertEquals(await namesOf(temporary.path, ".damaged-"), []);
});

Deno.test("SQLite journal sets a file aside that turns out to be damaged while it runs", async () => {
  await using temporary = await TempDir.create();
  // More than SQLite keeps in memory.
  const path = await makeJournal(temporary.path, 4_000);
  await using journal = await openJournal(temporary.path);
  const [first] =
    (await journal.claim({ namespace: "default", webhook: "orders" }, { events: 1, bytes: 1 })).events;
  overwritePages(path);
  // Whoever comes upon it first, this claim or the sweeper.
  await eventually(async () => {
    await claimAll(journal).catch(assertUnavailable);
    assertEquals(journal.stats().damaged, 1);
  });

  const appended = await append(journal, verifiedEvent({ id: "new" }), WAIT);
  assert("sequence" in appended && appended.sequence > first!.sequence, "no sequence is given twice");
  await journal.settle({ sequence: first!.sequence, state: "delivered" });
  assertEquals((await claimAll(journal)).events.map(({ event }) => event.id), ["new"]);
  assertEquals((await namesOf(temporary.path, "journal.db.damaged-")).length, 1);
});

/** Makes a journal with events in it, and returns the path of its file. */
async function makeJournal(directory: string, count = 50): Promise<string> {
  await using journal = await openJournal(directory);
  const body = "x".repeat(1_000);
  await Promise.all(Array.from({ length: count }, () => append(journal, verifiedEvent({ body }), WAIT)));
  return `${directory}/journal.db`;
}

/** All pages but the first, by another process: this one would give up its locks by closing the file. */
function overwritePages(path: string): void {
  const { success } = new Deno.Command("dd", {
    args: ["if=/dev/urandom", `of=${path}`, `bs=${PAGE}`, "seek=1", "count=1000", "conv=notrunc"],
    stderr: "null",
  }).outputSync();
  assert(success);
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

function assertUnavailable(error: unknown): void {
  assert(error instanceof GatewayError);
  assertEquals(error.code, "journal_unavailable");
}

async function namesOf(directory: string, part: string): Promise<string[]> {
  const names = [];
  for await (const { name } of Deno.readDir(directory)) if (name.includes(part)) names.push(name);
  return names.toSorted();
}
