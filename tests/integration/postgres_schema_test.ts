import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { PostgresError } from "../../src/io/postgres/errors.ts";
import { migrate, schemaState } from "../../src/journal/postgres/schema/schema.ts";
import { journalServer, patience } from "../support/postgres/journal_server.ts";
import { PgBouncer } from "../support/postgres/pgbouncer.ts";
import { sharedPostgres } from "../support/postgres/shared.ts";

Deno.test("of gateways that start at once, one makes the tables and all use them", async () => {
  await using database = await (await sharedPostgres()).createDatabase();
  await using server = journalServer(database.url);
  const states = await Promise.all(
    Array.from({ length: 6 }, () => server.connection().use((client) => migrate(client), patience())),
  );
  const wanted = states[0]?.wanted;
  assertEquals(new Set(states.map(({ version }) => version)).isSubsetOf(new Set([0, wanted])), true);
  const after = await server.connection().use((client) => schemaState(client), patience());
  assertEquals(after, { version: wanted, wanted });
});

Deno.test("the tables are made behind a pooler in each of its modes", async () => {
  const shared = await sharedPostgres();
  for (const mode of ["session", "transaction", "statement"] as const) {
    await using database = await shared.createDatabase();
    await using pooler = await PgBouncer.start(shared, mode);
    await using server = journalServer(pooler.url(database.name), { migrates: true });
    const state = await server.connection().use((client) => schemaState(client), patience());
    assertEquals(state.version, state.wanted);
  }
});

Deno.test("tables of a newer version are left alone", async () => {
  await using database = await (await sharedPostgres()).createDatabase();
  await using server = journalServer(database.url);
  const connection = server.connection();
  await connection.use((client) => migrate(client), patience());
  await database.query("update cwm.meta set version = 1000");
  const error = await assertRejects(
    () => connection.use((client) => migrate(client), patience()),
    PostgresError,
  );
  assertMatch(error.message, /version 1000, newer than/);
});

Deno.test("vacuum has its place in tables whose rows are soon gone, before any disk is full", async () => {
  await using database = await (await sharedPostgres()).createDatabase();
  await using server = journalServer(database.url, { migrates: true });
  await server.connection().use((client) => schemaState(client), patience());
  const rows = await database.query(`select t.relname, pg_relation_size(t.oid, 'vm') > 0 as own,
    pg_relation_size(t.reltoastrelid, 'vm') > 0 as toast, t.reltuples::int as rows
    from pg_class t where t.oid in ('cwm.pack'::regclass, 'cwm.message'::regclass) order by 1`);
  assertEquals(
    rows,
    ["message", "pack"].map((relname) => ({ relname, own: true, toast: true, rows: 0 })),
  );
});

Deno.test("bodies are compressed by lz4 where the server can", async () => {
  await using database = await (await sharedPostgres()).createDatabase();
  await using server = journalServer(database.url, { migrates: true });
  await server.connection().use((client) => schemaState(client), patience());
  await database.query(
    "insert into cwm.pack (owner, no, count, oldest_at, claimed, lanes, data) values (1, 1, 1, 0, true, '{1,1}', $1)",
    [new TextEncoder().encode("the same again ".repeat(1000))],
  );
  const [row] = await database.query("select pg_column_compression(data) as method from cwm.pack");
  assertEquals(row?.["method"], "lz4");
});

Deno.test("a user who may not make the tables is named the right that is missing", async () => {
  const shared = await sharedPostgres();
  await using database = await shared.createDatabase();
  const user = `app_${crypto.randomUUID().slice(0, 8)}`;
  await database.query(`create role ${user} login`);
  try {
    await using server = journalServer(database.url.replace("postgres@", `${user}@`));
    const connection = server.connection();
    const error = await assertRejects(
      () => connection.use((client) => migrate(client), patience()),
      PostgresError,
    );
    assertMatch(
      error.message,
      /does not let the user do that: it needs rights on the schema cwm, its tables and its sequences \(42501\)/,
    );
    await database.query(`create schema cwm authorization ${user}`);
    assertEquals((await connection.use((client) => migrate(client), patience())).version, 0);
  } finally {
    await database.query(`drop owned by ${user} cascade`);
    await shared.query(`drop role ${user}`);
  }
});
