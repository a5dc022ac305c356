import { assertEquals } from "@std/assert";
import { hash } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import type { SqliteJournal } from "../../../../src/journal/sqlite/sqlite_journal.ts";
import type { VerifiedEvent } from "../../../../src/event/verified_event.ts";
import { EventBody } from "../../../../src/event/event.ts";
import { eventually } from "../../../support/eventually.ts";
import { openJournal } from "../../../support/journal/sqlite_journal.ts";
import { TempDir } from "../../../support/temp_dir.ts";
import { verifiedEvent } from "../../../support/verified_event.ts";
import { append } from "../../../support/journal/append.ts";

const LANE = { namespace: "default", webhook: "orders" };

/** An event that may stand in a pack. */
function textEvent(body: string): VerifiedEvent {
  return { ...verifiedEvent(LANE), body: EventBody.fromText(body) };
}

/** Takes away what the tenth version and later ones have added. */
function takeBackToNinth(database: DatabaseSync): void {
  database.exec("DROP TABLE kept_values; ALTER TABLE pending DROP COLUMN pack");
}

/** Takes away what the eighth version and later ones have added. */
function takeBackToSeventh(database: DatabaseSync): void {
  takeBackToNinth(database);
  database.exec("DROP TABLE stops; DROP TABLE delivered");
}

/** Takes away what the fifth version and later ones have added, but for the packs. */
function forgetLater(database: DatabaseSync): void {
  takeBackToSeventh(database);
  database.exec("DROP TABLE key_runs");
  for (const table of ["pending", "dead", "messages"]) {
    database.exec(`ALTER TABLE ${table} DROP COLUMN bytes`);
  }
  database.exec("ALTER TABLE messages DROP COLUMN lane");
}

/** Makes a file of the third or the fourth version of one of now. */
function takeBack(database: DatabaseSync, version: 3 | 4): void {
  forgetLater(database);
  if (version === 3) database.exec("DROP TABLE handshakes");
  database.exec(`
    DROP INDEX packs_lane;
    ALTER TABLE packs DROP COLUMN bytes;
    CREATE INDEX packs_lane ON packs (lane, claimed, first, count);
    PRAGMA user_version = ${version}`);
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
    forgetLater(database);
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
    forgetLater(database);
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
    takeBack(database, 3);
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

Deno.test("SQLite journal knows what webhooks hold of a file that the fourth version has written", async () => {
  await using temporary = await TempDir.create();
  const options = { retentionMs: 0, maxBytes: 150_000 };
  const failure = { code: "output_rejected", message: "No", connection: "a" } as const;
  const holds = (journal: SqliteJournal, bytes: number) =>
    eventually(() => assertEquals(journal.stats().holders, [{ ...LANE, bytes }]));
  const bodies = ["in a pack, Grüße", "in a row", "a dead letter", "a message"].map((text) =>
    text.repeat(50)
  );
  const [pack = "", row = "", letter = "", message = ""] = bodies;
  const headers = '[["content-type","application/json"]]'.length;
  {
    await using journal = await openJournal(temporary.path, options);
    await append(journal, textEvent(pack), { claim: false });
    await append(journal, verifiedEvent({ ...LANE, body: row }), { claim: false });
    await journal.deadLetters.bury(textEvent(letter), failure, 1);
    await journal.channels.enqueue("a", textEvent(message), { ttlMs: 60_000, maxSize: 10 });
  }
  {
    using database = new DatabaseSync(temporary.file("journal.db"));
    takeBack(database, 4);
  }
  await using journal = await openJournal(temporary.path, options);
  const { events } = await journal.claim(LANE, { events: 10, bytes: 100_000 });
  assertEquals(events.length, 2);
  // Once they have failed, all have rows of their own.
  await Promise.all(
    events.map(({ sequence }) => journal.settle({ sequence, state: "dead", failure })),
  );
  const stored = bodies.map((body) => new TextEncoder().encode(body).length + headers + 100);
  await holds(journal, stored.reduce((sum, bytes) => sum + bytes));
  const [leased] = await journal.channels.lease("a", 1, 1_000);
  assertEquals(await journal.channels.acknowledge("a", [leased!.tag]), [leased!.tag]);
});

Deno.test("SQLite journal knows the keys that the fifth version has written", async () => {
  await using temporary = await TempDir.create();
  const keys = ["replayed", "duplicate"] as const;
  const keyOf = (repeat: typeof keys[number]) => ({ repeat, key: "id 1", ttlMs: 60_000 });
  {
    await using journal = await openJournal(temporary.path);
    await append(journal, verifiedEvent(LANE), { claim: false });
  }
  {
    using database = new DatabaseSync(temporary.file("journal.db"));
    takeBackToSeventh(database);
    database.exec("DROP TABLE key_runs; PRAGMA user_version = 5");
    const put = database.prepare("INSERT INTO idempotency VALUES ((SELECT id FROM lanes), ?, ?, ?)");
    put.run(new TextEncoder().encode("signed id 1"), "replayed-1", Date.now() + 60_000);
    put.run(Uint8Array.fromHex(hash("sha256", "id 1", "hex")), "duplicate-1", Date.now() + 60_000);
  }
  await using journal = await openJournal(temporary.path);
  for (const repeat of keys) {
    assertEquals(await journal.findRepeated(LANE, keyOf(repeat)), `${repeat}-1`);
    const again = { claim: false, keys: [keyOf(repeat)] };
    assertEquals(await append(journal, verifiedEvent(LANE), again), { duplicateOf: `${repeat}-1`, repeat });
  }
  assertEquals((await journal.recall(LANE, 10)).map(({ key }) => key), ["id 1"]);
});

Deno.test("SQLite journal keeps what was delivered in a file of the seventh version for its retention", async () => {
  await using temporary = await TempDir.create();
  const retentionMs = 3_600_000;
  const waiting = textEvent("waiting");
  const ids = { old: "delivered-long-ago", kept: "delivered-just-now" };
  {
    await using journal = await openJournal(temporary.path, { retentionMs });
    for (
      const [id, receivedAt] of [[ids.old, Date.now() - 2 * retentionMs], [ids.kept, Date.now()]] as const
    ) {
      const event = { ...verifiedEvent({ ...LANE, receivedAt }), id };
      const appended = await append(journal, event, { claim: true });
      if ("sequence" in appended) await journal.settle({ sequence: appended.sequence, state: "delivered" });
    }
    await append(journal, waiting, { claim: false });
  }
  {
    using database = new DatabaseSync(temporary.file("journal.db"));
    takeBackToSeventh(database);
    database.exec("PRAGMA user_version = 7");
  }
  await using journal = await openJournal(temporary.path, { retentionMs });
  await eventually(async () => {
    const options = { order: "oldest", limit: 10, contents: false } as const;
    const { records } = await journal.records.list({}, options);
    assertEquals(records.map(({ id, state }) => [id, state]), [[ids.kept, "delivered"], [
      waiting.id,
      "waiting",
    ]]);
  });
});

Deno.test("SQLite journal goes on with the packs that the ninth version has written", async () => {
  await using temporary = await TempDir.create();
  const bodies = ["claimed 1", "claimed 2", "waiting 1", "waiting 2"];
  {
    await using journal = await openJournal(temporary.path, { retentionMs: 0 });
    for (const [index, claim] of [true, false].entries()) {
      await Promise.all(
        bodies.slice(2 * index, 2 * index + 2).map((body) => append(journal, textEvent(body), { claim })),
      );
    }
  }
  {
    using database = new DatabaseSync(temporary.file("journal.db"));
    takeBackToNinth(database);
    database.exec("PRAGMA user_version = 9");
  }
  await using journal = await openJournal(temporary.path, { retentionMs: 0 });
  const { events } = await journal.claim(LANE, { events: 10, bytes: 1_000_000 });
  assertEquals(events.map(({ event, attempts }) => [event.body.text, attempts]), [
    ["claimed 1", 2],
    ["claimed 2", 2],
    ["waiting 1", 1],
    ["waiting 2", 1],
  ]);
  for (const [index, { sequence }] of events.entries()) {
    await journal.settle(
      index % 2 === 0 ? { sequence, state: "delivered" } : { sequence, state: "retry", dueAt: 0 },
    );
  }
  const again = await journal.claim(LANE, { events: 10, bytes: 1_000_000 });
  assertEquals(again.events.map(({ event }) => event.body.text), ["claimed 2", "waiting 2"]);
});
