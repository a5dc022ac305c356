import type { OutputUnderTest, OutputWorld } from "../../contracts/output.ts";
import { TcpProxy } from "../../support/http/tcp_proxy.ts";
import { sharedPostgres } from "../../support/postgres/shared.ts";

const PASSWORD = "a-password-of-the-tests";

/** The server of the test process; each test has a database and a way to it of its own. */
export const world: OutputWorld = { setUp };

async function setUp(): Promise<OutputUnderTest> {
  await using undo = new AsyncDisposableStack();
  const database = undo.use(await (await sharedPostgres()).createDatabase());
  const proxy = undo.use(TcpProxy.start({ port: database.server.port }));
  await using session = await database.session();
  await session.query("create table events (id text primary key, payload bytea)");
  await session.query("create table numbers (id uuid primary key, payload json, number smallint not null)");
  await session.query(`create table crates (
    id uuid primary key, webhook_id text not null, timestamp timestamptz, payload jsonb not null, headers jsonb,
    created_at timestamptz default now())`);
  await session.query("create table nameless (id text primary key, other text not null)");
  const resources = undo.move();
  return {
    connection: { host: "127.0.0.1", port: proxy.port, database: database.name, password: PASSWORD },
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
        probed: /other/,
      },
      { when: "the server is down", disposition: "retry", arrange: () => takeDown(proxy) },
    ],
    received: async () => {
      const rows = await database.query("select id, payload from events");
      return rows.map(({ id, payload }) => ({ id: String(id), body: new Uint8Array(payload as Uint8Array) }));
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
