/** What `cwm journal migrate` and `cwm journal status` say. */

import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { journalStatus, migrateJournal } from "../../src/cli/journal/schema.ts";
import { StartupError } from "../../src/errors.ts";
import { MIGRATIONS } from "../../src/journal/postgres/schema/tables.ts";
import { encodeKey } from "../../src/journal/postgres/packs/repeat_keys.ts";
import { openJournal } from "../../src/gateway/backends.ts";
import { loadSettings } from "../../src/settings/load.ts";
import { append } from "../support/journal/append.ts";
import { sharedPostgres } from "../support/postgres/shared.ts";
import { verifiedEvent } from "../support/verified_event.ts";

function settingsFor(url: string) {
  return loadSettings({ JOURNAL: url }, { logIsTerminal: false });
}

Deno.test("the tables are made once, brought up to date, and those of a newer version left alone", async () => {
  await using database = await (await sharedPostgres()).createDatabase();
  const settings = settingsFor(database.url);
  assertMatch(await journalStatus(settings), /^Tables: none; a gateway makes them, or cwm journal migrate$/m);
  assertMatch(await migrateJournal(settings), /^The tables of version \d+ are made$/);
  assertMatch(await migrateJournal(settings), /^The tables have version \d+ already$/);
  await database.query("update cwm.meta set version = 1000");
  const error = await assertRejects(() => migrateJournal(settings), StartupError);
  assertMatch(error.problems[0] ?? "", /version 1000, newer than \d+: use the newer version of the program/);
  assertMatch(
    await journalStatus(settings),
    /^Tables: version 1000, newer than this program's \d+, \d+ bytes$/m,
  );
});

Deno.test("tables of each earlier version are brought up to date, with what stands in them", async () => {
  await using database = await (await sharedPostgres()).createDatabase();
  for (const statement of ["create schema cwm", ...MIGRATIONS[0]!]) await database.query(statement);
  await database.query(
    "create table cwm.meta (is_only boolean primary key default true, version int, changed_at timestamptz)",
  );
  await database.query("insert into cwm.meta (version) values (1)");
  await database.query("insert into cwm.stop values ('shop', 'orders', 'paused', 1000, 'An operator')");
  await database.query("insert into cwm.lane (namespace, webhook) values ('default', 'orders')");
  const key = { repeat: "duplicate", key: "7", ttlMs: 60_000 } as const;
  await database.query(
    "insert into cwm.idempotency select id, $1, 'first', now() + interval '1 hour' from cwm.lane",
    [encodeKey(key)],
  );
  const settings = settingsFor(database.url);
  assertEquals(
    await migrateJournal(settings),
    `The tables are brought from version 1 to ${MIGRATIONS.length}`,
  );
  await using journal = await openJournal(settings);
  assertEquals((await journal.stops.list()).map(({ webhook }) => webhook), ["orders"]);
  assertEquals(await append(journal, verifiedEvent({ webhook: "orders" }), { claim: true, keys: [key] }), {
    duplicateOf: "first",
    repeat: "duplicate",
  });
});

Deno.test("the status says which server it is, what commits wait for, and who uses the tables", async () => {
  await using database = await (await sharedPostgres()).createDatabase();
  const settings = settingsFor(database.url);
  await using journal = await openJournal(settings, { name: "first" });
  await append(journal, verifiedEvent(), { claim: true });
  const lines = (await journalStatus(settings)).split("\n");
  assertMatch(
    lines[0] ?? "",
    new RegExp(`^Server: 127\\.0\\.0\\.1:\\d+, PostgreSQL \\d+.*, database ${database.name}$`),
  );
  assertMatch(lines[1] ?? "", /^Commits: /);
  assertMatch(lines[2] ?? "", /^Tables: version \d+, \d+ bytes$/);
  assertEquals(lines[3], "Events: 1 pending, 0 dead letters, 0 in channels");
  assertMatch(lines[4] ?? "", /^Gateway \d+: first, version \S+, 1 pending, last seen \d+ s ago$/);
  assertEquals(lines.length, 5);
});

Deno.test("where the journal is a file, the two commands say that there is nothing to do", async () => {
  const settings = loadSettings({}, { logIsTerminal: false });
  for (const command of [migrateJournal, journalStatus]) {
    const error = await assertRejects(() => command(settings), StartupError);
    assertMatch(error.problems[0] ?? "", /^JOURNAL is not set/);
  }
});
