import { DatabaseSync } from "node:sqlite";
import { assert, assertEquals } from "@std/assert";
import { EventBody } from "../../../../src/event/event.ts";
import type { Commit, CommitReply } from "../../../../src/journal/sqlite/protocol.ts";
import { bodiesToMove, releaseBodies } from "../../../../src/journal/sqlite/worker/large_bodies.ts";
import { LargeRowInserter } from "../../../../src/journal/sqlite/worker/tables/row_inserter.ts";
import { append } from "../../../support/journal/append.ts";
import { JournalDirectory } from "../../../support/journal/sqlite_journal.ts";
import { TempDir } from "../../../support/temp_dir.ts";
import { verifiedEvent } from "../../../support/verified_event.ts";

const MIB = 1024 * 1024;
const LANE = { namespace: "default", webhook: "orders" };

const large = (fill: number, bytes = 3 * MIB) => new Uint8Array(bytes).fill(fill);

Deno.test("a commit is of some MiB, however much waits for it, and events stay in their order", async () => {
  await using directory = await JournalDirectory.create();
  const journal = await directory.open();
  await append(journal, verifiedEvent({ id: "first" }), { claim: false });
  const { commits } = journal.stats();
  const events = Array.from({ length: 6 }, (_, number) => ({
    ...verifiedEvent({ id: `event-${number}` }),
    body: EventBody.fromBytes(large(number)),
  }));
  await Promise.all(events.map((event) => append(journal, event, { claim: false })));
  assert(journal.stats().commits >= commits + 3, `${journal.stats().commits - commits} commits`);
  const claimed = await journal.claim(LANE, { events: 10, bytes: 100 * MIB });
  assertEquals(claimed.events.map(({ event }) => event.id), ["first", ...events.map(({ id }) => id)]);
  const bytes = claimed.events.slice(1).map(({ event }) => event.body.bytes);
  assertEquals(bytes.map(({ byteLength }) => byteLength), events.map(() => 3 * MIB));
  assertEquals(bytes.map((body) => [body[0], body.at(-1)]), events.map((_, number) => [number, number]));
});

Deno.test("what a process had under way is known to have been tried when the next one opens the file", async () => {
  await using directory = await JournalDirectory.create({ retentionMs: 0 });
  const earlier = await directory.open();
  const events = Array.from({ length: 160 }, (_, number) => ({
    ...verifiedEvent({ id: `event-${number}` }),
    body: EventBody.fromBytes(large(number, 20_000)),
  }));
  await Promise.all(events.map((event) => append(earlier, event, { claim: true })));
  await directory.crash();
  const journal = await directory.open();
  const waiting = journal.stats();
  assertEquals(waiting.pending, events.length);
  const claimed = [];
  for (let found = [0]; found.length > 0;) {
    const { events } = await journal.claim(LANE, { events: 50, bytes: 100 * MIB });
    claimed.push(...events);
    found = events.map(({ sequence }) => sequence);
  }
  assertEquals(claimed.map(({ event }) => event.id), events.map(({ id }) => id));
  assertEquals(claimed.map(({ event }) => event.body.bytes[0]), events.map((_, number) => number));
  assertEquals(claimed.map(({ attempts }) => attempts), events.map(() => 2));
});

Deno.test("no event is claimed while the first is larger than is asked for", async () => {
  await using directory = await JournalDirectory.create();
  const journal = await directory.open();
  for (const [id, body] of [["large", large(1)], ["small", large(2, 10)]] as const) {
    await append(journal, { ...verifiedEvent({ id }), body: EventBody.fromBytes(body) }, { claim: false });
  }
  const bounds = { events: 10, bytes: 1 };
  assertEquals(await journal.claim(LANE, { ...bounds, largest: MIB }), { events: [], nextDueAt: 0 });
  const { events } = await journal.claim(LANE, { ...bounds, largest: 3 * MIB });
  assertEquals(events.map(({ event }) => event.id), ["large"]);
});

Deno.test("the worker gives large bodies back when they are written, and moves those that are read", () => {
  const appended = large(1);
  const small = large(1, 100);
  const text = "x".repeat(MIB);
  const event = { id: "id", ...LANE, receivedAt: 0, headers: "[]", body: large(2) };
  const pack = { data: large(3) };
  const commit = {
    packs: [pack],
    appends: [appended, small, text].flatMap((body) => ["id", 0, 0, "[]", body, false]),
    operations: [{ kind: "claim" }, { kind: "depth" }, { kind: "claim" }],
  } as unknown as Commit;
  const claimed = { events: [{ sequence: 1, event, attempts: 1, progress: undefined }] };
  const reply = { results: [claimed, { ready: 0 }, undefined] } as unknown as CommitReply;
  assertEquals(bodiesToMove(commit, reply), [event.body.buffer]);
  releaseBodies(commit);
  assertEquals([appended, pack.data, small, event.body].map(({ byteLength }) => byteLength), [
    0,
    0,
    100,
    3 * MIB,
  ]);
});

Deno.test("a statement that has inserted a large row does not go on holding it", async () => {
  await using directory = await TempDir.create();
  const database = new DatabaseSync(directory.file("rows.db"));
  try {
    database.exec("PRAGMA synchronous = OFF; CREATE TABLE rows (seq, body)");
    const inserter = new LargeRowInserter(database, "rows", ["seq", "body"]);
    const body = large(1, 48 * MIB);
    const before = Deno.memoryUsage().rss;
    inserter.insert([1, body]);
    const more = Deno.memoryUsage().rss - before;
    assert(more < 24 * MIB, `${more} bytes more`);
    const rows = database.prepare("SELECT seq, octet_length(body) AS bytes FROM rows").all();
    assertEquals(rows.map((row) => ({ ...row })), [{ seq: 1, bytes: body.byteLength }]);
  } finally {
    database.close();
  }
});
