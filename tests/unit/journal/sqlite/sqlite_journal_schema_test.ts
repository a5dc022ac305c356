import { assertEquals } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import type { VerifiedEvent } from "../../../../src/event/verified_event.ts";
import { EventBody } from "../../../../src/event/event.ts";
import { openJournal } from "../../../support/journal/sqlite_journal.ts";
import { TempDir } from "../../../support/temp_dir.ts";
import { verifiedEvent } from "../../../support/verified_event.ts";
import { append } from "../../../support/journal/append.ts";

const LANE = { namespace: "default", webhook: "orders" };

/** An event that may stand in a pack. */
function textEvent(body: string): VerifiedEvent {
  return { ...verifiedEvent(LANE), body: EventBody.fromText(body) };
}

Deno.test("SQLite journal takes over what the first version has written", async () => {
  await using temporary = await TempDir.create();
  {
    // Events with rows of their own, which is all that the first version knew.
    await using journal = await openJournal(temporary.path);
    await append(journal, verifiedEvent({ ...LANE, body: "old" }), { claim: false });
  }
  {
    using database = new DatabaseSync(temporary.file("journal.db"));
    database.exec("DROP TABLE packs; DROP TABLE handshakes; PRAGMA user_version = 1");
  }
  await using journal = await openJournal(temporary.path, { retentionMs: 0 });
  await append(journal, textEvent("new"), { claim: false });
  const { events } = await journal.claim(LANE, { events: 10, bytes: 1_000_000 });
  assertEquals(events.map(({ event }) => event.body.text), ["old", "new"]);
});

Deno.test("SQLite journal takes over packs of text, which the second version has written", async () => {
  await using temporary = await TempDir.create();
  const bodies = ["plain", "Grüße, 世界 🎉"];
  {
    await using journal = await openJournal(temporary.path, { retentionMs: 0 });
    await Promise.all(
      bodies.map((body) => append(journal, textEvent(body), { claim: false })),
    );
  }
  {
    using database = new DatabaseSync(temporary.file("journal.db"));
    database.exec(`
      CREATE TABLE older (first INTEGER PRIMARY KEY, lane INTEGER NOT NULL, claimed INTEGER NOT NULL,
        count INTEGER NOT NULL, received_at INTEGER NOT NULL, fields TEXT NOT NULL, text TEXT NOT NULL) STRICT;
      INSERT INTO older SELECT first, lane, claimed, count, received_at, fields, CAST(data AS TEXT) FROM packs;
      DROP TABLE packs;
      DROP TABLE handshakes;
      ALTER TABLE older RENAME TO packs;
      CREATE INDEX packs_lane ON packs (lane, claimed, first, count);
      PRAGMA user_version = 2`);
    assertEquals(database.prepare("SELECT typeof(text) AS type FROM packs").get()?.["type"], "text");
  }
  await using journal = await openJournal(temporary.path, { retentionMs: 0 });
  const { events } = await journal.claim(LANE, { events: 10, bytes: 1_000_000 });
  assertEquals(events.map(({ event }) => event.body.text), bodies);
});

Deno.test("SQLite journal keeps secrets that are brought in a file of the third version", async () => {
  await using temporary = await TempDir.create();
  {
    await using journal = await openJournal(temporary.path);
    await append(journal, verifiedEvent({ ...LANE, body: "old" }), { claim: false });
  }
  {
    using database = new DatabaseSync(temporary.file("journal.db"));
    database.exec("DROP TABLE handshakes; PRAGMA user_version = 3");
  }
  await using journal = await openJournal(temporary.path);
  assertEquals(await journal.handshakes.keep("default/tasks", "secret-1", 1_700_000_000_000), true);
  assertEquals(await journal.handshakes.keep("default/tasks", "secret-2", 1_700_000_000_000), false);
  assertEquals(await journal.handshakes.markShown("default/tasks"), true);
  assertEquals(await journal.handshakes.find("default/tasks"), {
    secret: "secret-1",
    takenAt: 1_700_000_000_000,
    isShown: true,
  });
  assertEquals(await journal.handshakes.find("default/other"), undefined);
  const { events } = await journal.claim(LANE, { events: 10, bytes: 1_000_000 });
  assertEquals(events.map(({ event }) => event.body.text), ["old"]);
});
