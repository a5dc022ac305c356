/**
 * Tables whose columns are not those that the module makes itself: each is filled rightly, or refused when the
 * webhook is configured.
 *
 * @module
 */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { check } from "../../src/cli/check.ts";
import { loadSettings } from "../../src/settings/load.ts";
import { CLICKHOUSE_READER, ClickhouseServer } from "../support/clickhouse/server.ts";
import { eventually } from "../support/eventually.ts";
import { errorCode, TestGateway } from "../support/gateway.ts";
import { spawnProgram } from "../support/process/gateway_process.ts";
import { TempDir } from "../support/temp_dir.ts";

const ADMIN_TOKEN = "an-admin-token-of-the-tests";

function configuration(server: ClickhouseServer, tables: readonly string[], config: object = {}) {
  const webhook = (table: string) => [
    table,
    { module: "clickhouse", auth: "none", accept: "durable", "module-config": { table, ...config } },
  ];
  return {
    webhooks: Object.fromEntries(tables.map(webhook)),
    connections: { analytics: { type: "clickhouse", host: "127.0.0.1", http_port: server.port } },
  };
}

/** A gateway with one webhook for each table, which has the table's name. */
async function start(
  server: ClickhouseServer,
  tables: readonly string[],
  config: object = {},
): Promise<TestGateway> {
  return await TestGateway.start({
    ...configuration(server, tables, config),
    environment: { ADMIN_TOKEN },
  });
}

/** The messages of the problems with webhooks, by the webhook. */
async function problems(gateway: TestGateway): Promise<Record<string, string[]>> {
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
  const { text } = await gateway.request("/admin/config", { headers });
  const { problems } = JSON.parse(text) as { problems: { key: string; code: string; message: string }[] };
  const found: Record<string, string[]> = {};
  for (const { key, code, message } of problems) {
    assertEquals(code, "output_mismatch");
    (found[key.replace("webhook default/", "")] ??= []).push(message);
  }
  return found;
}

async function createTimes(server: ClickhouseServer, types: Readonly<Record<string, string>>): Promise<void> {
  for (const [table, type] of Object.entries(types)) {
    await server.createTable(table, {
      columns: `id String, webhook_id String, timestamp ${type}, payload String, headers String`,
    });
  }
}

Deno.test("clickhouse fills days and integers with the time of receipt of events that were posted", async () => {
  await using server = await ClickhouseServer.start();
  const tables = { t_date: "Date", t_unix: "UInt64", t_signed: "Nullable(Int64)", t_float: "Float64" };
  await createTimes(server, tables);
  await using gateway = await start(server, Object.keys(tables));
  const before = Math.floor(Date.now() / 1000);
  for (const table of Object.keys(tables)) {
    assertEquals((await gateway.post(`/webhook/${table}`, "{}")).status, 200);
    await eventually(async () => assertEquals(await server.count(table), 1));
  }
  const after = Math.ceil(Date.now() / 1000);
  for (const table of ["t_unix", "t_signed", "t_float"]) {
    const seconds = Number(await server.query(`SELECT timestamp FROM ${table}`));
    assert(seconds >= before && seconds <= after, `${table} has ${seconds}`);
  }
  assertMatch(await server.query("SELECT timestamp FROM t_date"), /^20\d\d-\d\d-\d\d$/);
  assertEquals(await problems(gateway), {});
});

Deno.test("clickhouse refuses tables that it cannot fill at configuration, with the column's name", async () => {
  await using server = await ClickhouseServer.start();
  const times = { t_short: "UInt16", t_uuid: "UUID", t_list: "Array(DateTime)", t_enum: "Enum8('a' = 1)" };
  await createTimes(server, times);
  await server.createTable("no_payload", {
    columns: "id String, webhook_id String, timestamp DateTime, headers String",
  });
  await server.createTable("many", {
    columns:
      "id UUID, webhook_id UInt64, namespace Date, timestamp DateTime, payload String, headers Array(String)",
  });
  const tables = [...Object.keys(times), "no_payload", "many", "missing"];
  await using gateway = await start(server, tables);
  await eventually(async () => assertEquals(Object.keys(await problems(gateway)).sort(), tables.toSorted()));
  const found = await problems(gateway);
  for (const [table, type] of Object.entries(times)) {
    const beginning =
      `Column 'timestamp' of table \`default\`.\`${table}\` is of type ${type}, which cannot hold`;
    assertStringIncludes(found[table]!.join(), beginning);
  }
  assertStringIncludes(
    found["no_payload"]!.join(),
    "Column 'payload' of table `default`.`no_payload` does not exist",
  );
  const columns = found["many"]!.map((message) => /^Column '(\w+)'/.exec(message)?.[1]);
  assertEquals(columns, ["id", "webhook_id", "namespace", "headers"]);
  assertStringIncludes(found["missing"]!.join(), "code 60 (UNKNOWN_TABLE)");
  for (const table of tables) {
    const refused = await gateway.post(`/webhook/${table}`, "{}");
    assertEquals([refused.status, errorCode(refused)], [503, "webhook_misconfigured"]);
    assert(Number(refused.headers.get("retry-after")) > 0);
  }
});

Deno.test("clickhouse serves a webhook as soon as its table is put right, its configuration unchanged", async () => {
  await using server = await ClickhouseServer.start();
  await createTimes(server, { orders: "UInt8" });
  await using gateway = await start(server, ["orders", "later"]);
  await eventually(async () =>
    assertEquals(Object.keys(await problems(gateway)).sort(), ["later", "orders"])
  );
  await server.query("ALTER TABLE orders MODIFY COLUMN timestamp UInt64");
  await server.createTable("later");
  for (const table of ["orders", "later"]) {
    await eventually(async () => assertEquals((await gateway.post(`/webhook/${table}`, "{}")).status, 200));
    await eventually(async () => assertEquals(await server.count(table), 1));
  }
  assertEquals(await problems(gateway), {});
});

Deno.test("clickhouse refuses no table for what the webhook does not fill, or makes itself", async () => {
  await using server = await ClickhouseServer.start();
  await server.createTable("bare", {
    columns: "id FixedString(40), webhook_id String, payload String, timestamp UUID, headers Array(UInt8)",
  });
  const config = { include_timestamp: false, include_headers: false, create_table: true };
  await using gateway = await start(server, ["bare", "made"], config);
  for (const table of ["bare", "made"]) {
    assertEquals((await gateway.post(`/webhook/${table}`, "{}")).status, 200);
    await eventually(async () => assertEquals(await server.count(table), 1));
  }
  assertEquals(await problems(gateway), {});
  assertEquals(await server.query("SELECT webhook_id, payload, headers FROM bare"), "bare\t{}\t[]");
});

Deno.test("cwm check --probe names the columns that cannot be filled, and cwm check asks no server", async () => {
  await using server = await ClickhouseServer.start();
  await createTimes(server, { good: "Date", bad: "UInt8" });
  await using directory = await TempDir.create();
  for (const [name, value] of Object.entries(configuration(server, ["good", "bad"]))) {
    await Deno.writeTextFile(directory.file(`${name}.json`), JSON.stringify(value));
  }
  const check = async (...options: string[]) => {
    await using program = spawnProgram({ args: ["check", ...options], cwd: directory.path });
    const { code } = await program.exited;
    return { code, lines: program.lines.filter(({ stream }) => stream === "stdout").map(({ text }) => text) };
  };
  assertEquals(await check(), { code: 0, lines: ["0 problems in 2 webhooks and 1 connection"] });
  const { code, lines } = await check("--probe");
  assertEquals(code, 1);
  assertMatch(
    lines[0]!,
    /^webhooks\.json:1: webhook default\/bad: module-config: Column 'timestamp' of table `default`\.`bad` is of type UInt8, .* \(output_mismatch\)$/,
  );
  assertEquals(lines[1], "1 problem in 2 webhooks and 1 connection");
  assertMatch(
    lines[2]!,
    /^connection analytics: Column 'timestamp' of table `default`\.`bad` .* \(output_failed\)$/,
  );
  assertEquals(lines.slice(3), ["1 connection of 1 cannot take events"]);
});

Deno.test("cwm check --probe names tables that are missing, or closed to the user, and leaves no row", async () => {
  await using server = await ClickhouseServer.start();
  await server.createTable("good");
  const probe = async (tables: readonly string[], config: object, login: object = {}) => {
    await using directory = await TempDir.create();
    const { webhooks, connections } = configuration(server, tables, config);
    await directory.writeJson("webhooks.json", webhooks);
    await directory.writeJson("connections.json", { analytics: { ...connections.analytics, ...login } });
    const settings = loadSettings({ CONFIG_DIR: directory.path }, { logIsTerminal: false });
    const lines: string[] = [];
    const code = await check(settings, {}, { probe: true, print: (line) => lines.push(line) });
    return { code, lines: lines.filter((line) => line.startsWith("connection analytics: ")) };
  };
  const takesAll = { code: 0, lines: ["connection analytics: clickhouse can take events"] };
  assertEquals(await probe(["good"], {}), takesAll);
  assertEquals(await probe(["good", "made_by_the_first"], { create_table: true }), takesAll);
  const missing = await probe(["good", "missing", "gone"], {});
  assertEquals([missing.code, missing.lines.length], [1, 2]);
  assertMatch(missing.lines[0]!, /refused the probe of `default`\.`missing`: code 60 \(UNKNOWN_TABLE\)/);
  assertMatch(missing.lines[1]!, /refused the probe of `default`\.`gone`/);
  const { name: user, password } = CLICKHOUSE_READER;
  const closed = await probe(["good"], {}, { user, password });
  assertEquals([closed.code, closed.lines.length], [1, 1]);
  assertMatch(closed.lines[0]!, /refused the probe of `default`\.`good`: code 164 \(READONLY\)/);
  assertEquals([await server.count("good"), await server.query("SHOW TABLES")], [0, "good"]);
});
