import { assertEquals } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { openJournal } from "../../support/sqlite_journal.ts";
import { TempDir } from "../../support/temp_dir.ts";
import { verifiedEvent } from "../../support/verified_event.ts";

const LANE = { namespace: "default", webhook: "orders" };

Deno.test("SQLite journal takes over what an older version has written", async () => {
  await using temporary = await TempDir.create();
  {
    // Events with rows of their own, which is all that the first version knew.
    await using journal = await openJournal(temporary.path);
    await journal.append(verifiedEvent({ ...LANE, body: "old" }), { claim: false });
  }
  {
    using database = new DatabaseSync(temporary.file("journal.db"));
    database.exec("DROP TABLE packs; PRAGMA user_version = 1");
  }
  await using journal = await openJournal(temporary.path, { retentionMs: 0 });
  await journal.append(verifiedEvent({ ...LANE, body: "new" }), { claim: false });
  const { events } = await journal.claim(LANE, { events: 10, bytes: 1_000_000 });
  assertEquals(events.map(({ event }) => event.body.text), ["old", "new"]);
});
