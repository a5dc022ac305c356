import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { PostgresError } from "../../src/io/postgres/errors.ts";
import { prepared } from "../../src/io/postgres/statement.ts";
import { TestCertificates } from "../support/etcd/certificates.ts";
import { eventually } from "../support/eventually.ts";
import { journalServer, patience } from "../support/postgres/journal_server.ts";
import { PgBouncer } from "../support/postgres/pgbouncer.ts";
import { PostgresServer } from "../support/postgres/server.ts";
import { sharedPostgres } from "../support/postgres/shared.ts";
import { freePort } from "../support/redis/server.ts";
import { RecordedLog } from "../support/recorded_log.ts";
import { TempDir } from "../support/temp_dir.ts";

const WHO = prepared("select current_user as name, ssl from pg_stat_ssl where pid = pg_backend_pid()");

interface Who {
  readonly name: string;
  readonly ssl: boolean;
}

async function whoIs(
  url: string,
  variables: Readonly<Record<string, string>> = {},
): Promise<Who | undefined> {
  await using server = journalServer(url, { variables });
  return (await server.connection().use((client) => client.query<Who>(WHO), patience())).rows[0];
}

Deno.test("hosts are tried in turn until one takes writes", async () => {
  await using database = await (await sharedPostgres()).createDatabase();
  const url = database.url.replace("127.0.0.1:", `127.0.0.1:${freePort()},127.0.0.1:`);
  await using server = journalServer(url);
  const connection = server.connection();
  assertEquals(
    (await connection.use((client) => client.query<Who>(WHO), patience())).rows[0]?.name,
    "postgres",
  );
});

Deno.test("a server that takes no writes is none, and is used as soon as it does", async () => {
  await using database = await (await sharedPostgres()).createDatabase();
  await database.query(`alter database ${database.name} set default_transaction_read_only = on`);
  await using server = journalServer(database.url);
  const connection = server.connection();
  const ask = () => connection.use((client) => client.query(prepared("select 1")), patience());
  const error = await assertRejects(ask, PostgresError);
  assertEquals([error.sqlState, error.endsConnection], ["25006", true]);
  const session = await database.session();
  await session.query("set default_transaction_read_only = off");
  await session.query(`alter database ${database.name} reset default_transaction_read_only`);
  await session[Symbol.asyncDispose]();
  await eventually(async () => (await ask()).count === 1);
});

Deno.test("a connection that turns read-only is given up for another one", async () => {
  await using database = await (await sharedPostgres()).createDatabase();
  await database.query("create table t (n int)");
  await using server = journalServer(database.url);
  const connection = server.connection();
  const first = await connection.use(async (client) => {
    await client.query({ text: "set default_transaction_read_only = on" });
    await assertRejects(() => client.query(prepared("insert into t values (1)")), PostgresError, "25006");
    return client;
  }, patience());
  await assertRejects(
    () => connection.use((client) => client.query(prepared("insert into t values (1)")), patience()),
    PostgresError,
    "25006",
  );
  await eventually(async () => {
    const client = await connection.use(async (client) => {
      await client.query(prepared("insert into t values (1)"));
      return client;
    }, patience());
    return client !== first;
  });
});

Deno.test("a statement that fails leaves the connection as it is", async () => {
  await using database = await (await sharedPostgres()).createDatabase();
  await using server = journalServer(database.url);
  const connection = server.connection();
  const client = await connection.use((client) => Promise.resolve(client), patience());
  const error = await assertRejects(
    () => connection.use((client) => client.query(prepared("select 1 / 0")), patience()),
    PostgresError,
  );
  assertEquals([error.sqlState, error.endsConnection], ["22012", false]);
  assertEquals(await connection.use((client) => Promise.resolve(client), patience()), client);
});

Deno.test("a connection that the server ends fails what is under way on it, and is replaced", async () => {
  await using database = await (await sharedPostgres()).createDatabase();
  await using server = journalServer(database.url);
  const connection = server.connection();
  const sleeping = assertRejects(
    () => connection.use((client) => client.query(prepared("select pg_sleep(600)")), patience()),
    PostgresError,
  );
  await eventually(async () =>
    (await database.query(
      "select 1 from pg_stat_activity where query like '%pg_sleep(600)%' and pid <> pg_backend_pid()",
    ))
      .length > 0
  );
  await database.terminateSessions().catch(() => {}); // Its own, too.
  assert((await sleeping).endsConnection);
  await eventually(async () =>
    (await connection.use((client) => client.query(prepared("select 1")), patience())).count === 1
  );
});

Deno.test("an answer comes with the codes of its notices", async () => {
  await using database = await (await sharedPostgres()).createDatabase();
  await using server = journalServer(database.url);
  const answers = await server.connection().use(async (client) => [
    await client.query({ text: "do $$ begin raise warning 'of the standby'; end $$" }),
    await client.query(prepared("select 1")),
  ], patience());
  assertEquals(answers.map(({ notices }) => notices), [["01000"], []]);
});

Deno.test("bytes are sent as they are, and numbers of 64 bits come back as numbers", async () => {
  await using database = await (await sharedPostgres()).createDatabase();
  await using server = journalServer(database.url);
  const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
  const { rows } = await server.connection().use(
    (client) =>
      client.query<{ readonly bytes: Uint8Array; readonly number: number; readonly sum: number }>(
        prepared(
          "select $1::bytea as bytes, $2::bigint as number, (select sum(n) from unnest($3::bigint[]) n)::bigint as sum",
        ),
        [bytes, Number.MAX_SAFE_INTEGER, [1, 2, 3]],
      ),
    patience(),
  );
  assertEquals({ ...rows[0], bytes: [...rows[0]?.bytes ?? []] }, {
    bytes: [...bytes],
    number: Number.MAX_SAFE_INTEGER,
    sum: 6,
  });
});

Deno.test("behind a pooler that keeps no statements, each is prepared when it is sent", async () => {
  const shared = await sharedPostgres();
  await using database = await shared.createDatabase();
  for (const mode of ["transaction", "statement"] as const) {
    await using log = RecordedLog.start("info");
    await using pooler = await PgBouncer.start(shared, mode, { default_pool_size: "2" });
    await using server = journalServer(pooler.url(database.name));
    const connections = [server.connection(), server.connection(), server.connection()];
    const statement = prepared("select pg_sleep(0.01), $1::int as n");
    for (let round = 0; round < 5; round++) {
      const numbers = await Promise.all(
        connections.map((connection, n) =>
          connection.use(
            async (client) => (await client.query<{ readonly n: number }>(statement, [n])).rows[0]?.n,
            patience(),
          )
        ),
      );
      assertEquals(numbers, [0, 1, 2]);
    }
    const said = (await log.records()).filter(({ message }) =>
      /does not keep statements/.test(String(message))
    );
    assertEquals(said.length, 1);
  }
});

Deno.test("the password is read from its file at each connection", async () => {
  await using server = await PostgresServer.start({
    access: [
      "local all all trust",
      "host all app 127.0.0.1/32 scram-sha-256",
      "host all all 127.0.0.1/32 trust",
    ],
  });
  await server.query("create role app login password 'first'");
  await using directory = await TempDir.create();
  const file = await directory.writeText("password", "first\n");
  const url = `postgres://app@127.0.0.1:${server.port}/postgres`;
  assertEquals((await whoIs(url, { JOURNAL_PASSWORD_FILE: file }))?.name, "app");
  assertEquals((await whoIs(url.replace("app@", "app:first@")))?.name, "app");

  await using journal = journalServer(url, { variables: { JOURNAL_PASSWORD_FILE: file } });
  const connection = journal.connection();
  const ask = () => connection.use((client) => client.query<Who>(WHO), patience());
  await ask();
  await server.query("alter role app password 'second'");
  await Deno.writeTextFile(file, "second");
  await server.query("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'app'");
  await eventually(async () => (await ask()).rows[0]?.name === "app");

  const wrong = await assertRejects(() => whoIs(url.replace("app@", "app:wrong@")), PostgresError);
  assertMatch(wrong.message, /refuses the password of JOURNAL \(28P01\)/);
  const missing = await assertRejects(() => whoIs(url), PostgresError);
  assertMatch(missing.message, /wants a password, and neither JOURNAL nor JOURNAL_PASSWORD_FILE has one/);
  const gone = await assertRejects(
    () => whoIs(url, { JOURNAL_PASSWORD_FILE: `${file}.gone` }),
    PostgresError,
  );
  assertMatch(gone.message, /The file of JOURNAL_PASSWORD_FILE cannot be read: NotFound/);
});

Deno.test("certificates are verified as sslmode says, and the gateway shows its own", async () => {
  await using certificates = await TestCertificates.create();
  await using others = await TestCertificates.create();
  await certificates.issue("server", "DNS:localhost");
  await certificates.issue("app", "DNS:app");
  await using server = await PostgresServer.start({
    tls: { certificates, name: "server" },
    access: ["local all all trust", "hostssl all app all cert", "host all postgres 127.0.0.1/32 trust"],
  });
  await server.query("create role app login");
  const own = `sslcert=${certificates.certificateOf("app")}&sslkey=${certificates.keyOf("app")}`;
  const urlOf = (host: string, query: string) =>
    `postgres://app@${host}:${server.port}/postgres?${query}&${own}`;
  const ca = `sslrootcert=${certificates.ca}`;

  for (
    const url of [
      urlOf("localhost", `sslmode=verify-full&${ca}`),
      urlOf("127.0.0.1", `sslmode=verify-ca&${ca}`),
      urlOf("127.0.0.1", "sslmode=require"),
    ]
  ) assertEquals(await whoIs(url), { name: "app", ssl: true });

  for (
    const url of [
      urlOf("127.0.0.1", `sslmode=verify-full&${ca}`),
      urlOf("localhost", `sslmode=verify-full&sslrootcert=${others.ca}`),
      urlOf("127.0.0.1", `sslmode=verify-ca&sslrootcert=${others.ca}`),
      urlOf("localhost", "sslmode=verify-full"),
    ]
  ) await assertRejects(() => whoIs(url), PostgresError, "cannot be reached");

  const refused = await assertRejects(
    () => whoIs(`postgres://app@127.0.0.1:${server.port}/postgres`),
    PostgresError,
  );
  assertMatch(refused.message, /wants TLS: see sslmode \(28000\)/);
});
