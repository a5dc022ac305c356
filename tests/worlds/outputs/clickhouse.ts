import type { OutputUnderTest, OutputWorld } from "../../contracts/output.ts";
import { CLICKHOUSE_USER, ClickhouseServer } from "../../support/clickhouse/server.ts";

/** A ClickHouse server, of which each test has its own tables. */
export const world: OutputWorld = { setUp };

async function setUp(): Promise<OutputUnderTest> {
  const server = await ClickhouseServer.start();
  await server.createTable("events");
  await server.createTable("numbers", {
    columns: "id String, webhook_id String, timestamp DateTime, payload UInt64, headers String",
  });
  await server.createTable("nameless", { columns: "id String, payload String, headers String" });
  return {
    connection: {
      host: "127.0.0.1",
      http_port: server.port,
      user: CLICKHOUSE_USER.name,
      password: CLICKHOUSE_USER.password,
    },
    config: { table: "events" },
    secrets: [CLICKHOUSE_USER.password],
    failures: [
      {
        when: "the table does not exist",
        disposition: "dead_letter",
        config: { table: "missing" },
        probed: /missing/,
      },
      { when: "the body does not fit the column", disposition: "dead_letter", config: { table: "numbers" } },
      {
        when: "the table lacks a column",
        disposition: "retry",
        config: { table: "nameless" },
        probed: /webhook_id/,
      },
      { when: "the server is down", disposition: "retry", arrange: () => server.kill() },
    ],
    received: () => server.rows("events"),
    stall: () => server.freeze(),
    goOn: () => server.thaw(),
    impatient: { config: { timeout: 0.5 } },
    takeDown: () => server.kill(),
    restore: () => server.restart(),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
