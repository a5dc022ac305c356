import type { OutputUnderTest, OutputWorld } from "../../contracts/output.ts";
import { TcpProxy } from "../../support/http/tcp_proxy.ts";
import { sharedMariadb } from "../../support/mariadb/shared.ts";

const PASSWORD = "a-password-of-the-tests";

/** The server of the test process; each test has a database, a user and a way to it of its own. */
export const world: OutputWorld = { setUp };

async function setUp(): Promise<OutputUnderTest> {
  await using undo = new AsyncDisposableStack();
  const database = undo.use(await (await sharedMariadb()).createDatabase());
  const proxy = undo.use(TcpProxy.start({ port: database.server.port }));
  await database.sql(`
    create table events (id varchar(64) primary key, payload longblob);
    create table numbers (id char(36) primary key, payload json, number smallint not null);
    create table crates (id char(36) primary key, webhook_id text not null, timestamp datetime, payload json not null,
      headers json, created_at datetime default now());
    create table nameless (id varchar(64) primary key, other text not null);
    create user ${database.name} identified by '${PASSWORD}';
    grant insert, select on ${database.name}.* to ${database.name}`);
  const resources = undo.move();
  return {
    connection: {
      host: "127.0.0.1",
      port: proxy.port,
      database: database.name,
      user: database.name,
      password: PASSWORD,
    },
    config: { table: "events" },
    pythonPlace: { table: "crates" },
    secrets: [PASSWORD],
    failures: [
      {
        when: "the table does not exist",
        disposition: "retry",
        config: { table: "missing" },
        probed: /missing/,
      },
      {
        when: "the payload lacks a value that must be there",
        disposition: "dead_letter",
        config: {
          table: "numbers",
          storage_mode: "hybrid",
          schema: { fields: { number: { type: "integer" } } },
        },
      },
      {
        when: "the table has other columns",
        disposition: "retry",
        config: { table: "nameless" },
        probed: /payload/,
      },
      {
        when: "the user has no right to the table",
        disposition: "retry",
        config: { table: "mysql.user" },
        probed: /`mysql`\.`user`: the user may not/,
      },
      { when: "the server is down", disposition: "retry", arrange: () => takeDown(proxy) },
    ],
    received: async () => {
      const rows = await database.sql("select id, hex(payload) from events");
      return rows.map(([id = "", payload = ""]) => ({ id, body: Uint8Array.fromHex(payload) }));
    },
    stall: () => proxy.freeze("to_client"),
    goOn: () => proxy.thaw("to_client"),
    impatient: { config: { timeout: 0.5 } },
    takeDown: () => takeDown(proxy),
    restore: () => proxy.accept(),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

async function takeDown(proxy: TcpProxy): Promise<void> {
  await proxy.refuse();
  proxy.cut();
}
