import { assert, assertEquals } from "@std/assert";
import { clickhouseConfigSchema } from "../../../../src/modules/clickhouse/config.ts";
import {
  type ClickhouseConnection,
  clickhouseConnectionSchema,
} from "../../../../src/modules/clickhouse/connection.ts";

function connect(connection: unknown): ClickhouseConnection {
  return clickhouseConnectionSchema.parse(connection);
}

/** The paths and messages of what is wrong with a connection. */
function problemsOf(connection: unknown): readonly string[] {
  const { error } = clickhouseConnectionSchema.safeParse(connection);
  return (error?.issues ?? []).map(({ path, message }) => `${path.join(".")}: ${message}`);
}

/** `http://host:port/path` of a connection. */
function addressOf(connection: unknown): string {
  const { protocol, hostname, port, path } = connect(connection).endpoint;
  return `${protocol}//${hostname}:${port}${path}`;
}

Deno.test("clickhouse connects to its own HTTP ports unless told otherwise", () => {
  const cases: readonly [unknown, string][] = [
    [{}, "http://localhost:8123/"],
    [{ secure: true }, "https://localhost:8443/"],
    [{ secure: "true", host: "db.example" }, "https://db.example:8443/"],
    [{ http_port: 18123 }, "http://localhost:18123/"],
    [{ port: "8124" }, "http://localhost:8124/"],
    [{ port: 9000, http_port: 8125 }, "http://localhost:8125/"],
    [{ host: "[::1]" }, "http://::1:8123/"],
    [{ url: "https://db.example" }, "https://db.example:443/"],
    [{ url: "http://[::1]:8123/clickhouse/" }, "http://::1:8123/clickhouse/"],
  ];
  for (const [connection, address] of cases) assertEquals(addressOf(connection), address);
});

Deno.test("clickhouse reads a connection of the original, whose port is that of another protocol", () => {
  const original = { host: "clickhouse", database: "webhooks", user: "writer", password: "secret" };
  assertEquals(addressOf({ ...original, port: 9000, secure: false }), "http://clickhouse:8123/");
  assertEquals(addressOf({ ...original, port: 9000, secure: true }), "https://clickhouse:8443/");
  assertEquals(
    addressOf({ ...original, port: 9440, secure: true, verify: true }),
    "https://clickhouse:8443/",
  );
  const { database, user, password } = connect({ ...original, port: 9000 });
  assertEquals([database, user, password], ["webhooks", "writer", "secret"]);
});

Deno.test("clickhouse reads an empty password and no user as the server's default account", () => {
  const { database, user, password } = connect({ password: "" });
  assertEquals([database, user, password], ["default", "default", ""]);
  assertEquals(connect({ username: "writer" }).user, "writer");
});

Deno.test("clickhouse trusts any certificate only where the connection says so", () => {
  const insecure = (connection: unknown) => connect(connection).tls.insecure_skip_verify;
  assertEquals(insecure({ secure: true }), false);
  assertEquals(insecure({ secure: true, verify: false }), true);
  assertEquals(insecure({ secure: true, verify: "true", tls: { insecure_skip_verify: true } }), true);
});

Deno.test("clickhouse refuses connections that say two things, or nothing that it can use", () => {
  const cases: readonly [unknown, string][] = [
    [{ url: "http://db", port: 8123 }, "port: This says again what url says: give one of them"],
    [{ user: "a", username: "b" }, "username: Means the same as user: give one of them"],
    [{ tls: {} }, "tls: Files for TLS are of no use without HTTPS: set secure to true"],
    [{ secure: true, tls: { cert: "a" } }, "tls: cert and key belong together: give both or neither"],
    [{ url: "db:8123" }, "url: Only http and https are spoken here"],
    [{ url: "db" }, "url: Not a complete address, such as http://localhost:8123"],
    [{ url: "http://db/?user=x" }, "url: The address cannot have a query or a fragment"],
  ];
  for (const [connection, problem] of cases) assertEquals(problemsOf(connection), [problem]);
  for (
    const connection of [{ host: "http://db" }, { host: "" }, { user: "a:b" }, { port: 0 }, { hosts: "db" }]
  ) {
    assertEquals(problemsOf(connection).length, 1, JSON.stringify(connection));
  }
});

Deno.test("clickhouse shows no password in what it says about a connection", () => {
  const connections = [
    { url: "http://writer:s3cret@db/" },
    { password: "s3cret\n" },
    { password: ["s3cret"] },
    { password: "s3cret", unknown: 1 },
  ];
  for (const connection of connections) {
    const problems = problemsOf(connection);
    assertEquals(problems.length, 1);
    assert(!problems.join().includes("s3cret"), problems.join());
  }
});

Deno.test("clickhouse works without any configuration of its own", () => {
  const config = clickhouseConfigSchema.parse({});
  assertEquals(config, {
    batchKey: config.batchKey,
    table: "webhook_logs",
    includeHeaders: true,
    includeTimestamp: true,
    createTable: false,
    engine: "MergeTree",
    timeoutMs: 10_000,
  });
});

Deno.test("clickhouse shares inserts between webhooks whose rows go to the same columns of one table", () => {
  const keyOf = (config: unknown) => clickhouseConfigSchema.parse(config).batchKey;
  assertEquals(keyOf({ timeout: 1 }), keyOf({ table: "webhook_logs", include_headers: "true" }));
  const different = [
    {},
    { table: "other" },
    { include_headers: false },
    { include_timestamp: false },
    { create_table: true },
  ];
  assertEquals(new Set(different.map(keyOf)).size, different.length);
});
