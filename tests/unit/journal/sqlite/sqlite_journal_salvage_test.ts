import { assert, assertEquals, assertRejects } from "@std/assert";
import type { SqliteJournal } from "../../../../src/journal/sqlite/sqlite_journal.ts";
import { GatewayError } from "../../../../src/errors.ts";
import { append } from "../../../support/journal/append.ts";
import { openJournal } from "../../../support/journal/sqlite_journal.ts";
import { TempDir } from "../../../support/temp_dir.ts";
import { verifiedEvent } from "../../../support/verified_event.ts";

const WAIT = { claim: false };
const PAGE = 4096;
const COUNT = 300;
const FAILURE = { code: "output_rejected", message: "No", connection: "a" } as const;

/** Fills the journal of a directory, ends it, and returns the path of its file. */
async function fill(directory: string): Promise<string> {
  await using journal = await openJournal(directory, { retentionMs: 0 });
  const small = Array.from({ length: COUNT }, (_, n) => verifiedEvent({ id: `small-${n}` }));
  const large = Array.from(
    { length: COUNT },
    (_, n) => verifiedEvent({ id: `large-${n}`, body: "é".repeat(10_000) }),
  );
  await Promise.all([...small, ...large].map((event) => append(journal, event, WAIT)));
  const delivered = await append(journal, verifiedEvent({ id: "delivered" }), { claim: true });
  assert("sequence" in delivered);
  await journal.settle({ sequence: delivered.sequence, state: "delivered" });
  await journal.deadLetters.bury(verifiedEvent({ id: "dead" }), FAILURE, 7);
  await journal.channels.enqueue("a", verifiedEvent({ id: "queued" }), { ttlMs: 3_600_000, maxSize: 9 });
  return `${directory}/journal.db`;
}

async function pendingIds(journal: SqliteJournal): Promise<string[]> {
  const lane = { namespace: "default", webhook: "orders" };
  const ids: string[] = [];
  while (true) {
    const { events } = await journal.claim(lane, { events: 1_000, bytes: 100_000_000 });
    if (events.length === 0) return ids;
    ids.push(...events.map(({ event }) => event.id));
  }
}

Deno.test("salvage takes over everything of a whole file, once, and what was delivered not", async () => {
  await using temporary = await TempDir.create();
  const path = await fill(temporary.file("old"));
  await using journal = await openJournal(temporary.file("new"));
  await append(journal, verifiedEvent({ id: "own" }), WAIT);
  const salvaged = await journal.salvage(path);
  assertEquals(salvaged, { pending: 2 * COUNT, deadLetters: 1, messages: 1, isDamaged: false });
  assertEquals(journal.stats().pending, 2 * COUNT + 1);
  const ids = await pendingIds(journal);
  assertEquals(new Set(ids).size, 2 * COUNT + 1);
  assert(!ids.includes("delivered"));
  const { letters: [letter] } = await journal.deadLetters.list({}, 10);
  assertEquals([letter?.id, letter?.reason, letter?.attempts], ["dead", "output_rejected", 7]);
  assertEquals((await journal.channels.lease("a", 9, 1_000)).map(({ tag }) => tag), ["queued"]);
  assertEquals([...Deno.readDirSync(temporary.file("old"))].map(({ name }) => name), ["journal.db.salvaged"]);
});

Deno.test("salvage takes over what stands before the end of a file that was cut", async () => {
  await using temporary = await TempDir.create();
  const path = await fill(temporary.file("old"));
  const cut = Math.floor((await Deno.stat(path)).size / 2);
  await Deno.truncate(path, cut);
  await using journal = await openJournal(temporary.file("new"));
  const { pending, isDamaged } = await journal.salvage(path);
  assert(pending > COUNT / 2 && pending < 2 * COUNT, `${pending} events`);
  assert(isDamaged, "it is said that something is missing");
  assertEquals((await Deno.stat(`${path}.salvaged`)).size, cut, "the file is as it was");
});

Deno.test("salvage takes over what stands on the pages that can still be read", async () => {
  await using temporary = await TempDir.create();
  const path = await fill(temporary.file("old"));
  const pages = (await Deno.stat(path)).size / PAGE;
  {
    using file = await Deno.open(path, { write: true });
    // One in a hundred, anywhere but where it says what the file is.
    for (let page = 50; page < pages; page += 100) {
      await file.seek(page * PAGE, Deno.SeekMode.Start);
      await file.write(crypto.getRandomValues(new Uint8Array(PAGE)));
    }
  }
  await using journal = await openJournal(temporary.file("new"));
  const { pending, isDamaged } = await journal.salvage(path);
  assert(isDamaged);
  // An event of 20 kB takes five pages: one in twenty is hit, and a page of the tree may hide as many again.
  assert(pending > COUNT, `${pending} of ${2 * COUNT} were taken over`);
  const ids = await pendingIds(journal);
  assertEquals(ids.filter((id) => !/^(?:small|large)-\d+$/.test(id)), []);
});

Deno.test("salvage leaves a file alone of which nothing can be read, and says so", async () => {
  await using temporary = await TempDir.create();
  const path = await temporary.writeText("text", "This is not a database. ".repeat(1_000));
  await using journal = await openJournal(temporary.file("new"));
  await append(journal, verifiedEvent({ id: "own" }), WAIT);
  const error = await assertRejects(() => journal.salvage(path), GatewayError);
  assertEquals(error.code, "journal_unavailable");
  assertEquals([journal.stats().pending, journal.stats().damaged], [1, 0], "the journal itself goes on");
  assert((await Deno.stat(path)).isFile);
});
