import { assertEquals, assertStringIncludes } from "@std/assert";
import type { VerifiedEvent } from "../../src/event/verified_event.ts";
import {
  allDelivered,
  assertFailed,
  ClickhouseOutput,
  numberedEvents,
} from "../support/clickhouse/output.ts";
import { ClickhouseServer } from "../support/clickhouse/server.ts";
import { verifiedEvent } from "../support/verified_event.ts";

/** 2026-01-02T03:04:05.678Z */
const RECEIVED_AT = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

/** Delivers events and expects all of them to be taken. */
async function insert(
  server: ClickhouseServer,
  events: readonly VerifiedEvent[],
  config: Readonly<Record<string, unknown>>,
  connection: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  await using output = await ClickhouseOutput.open({ http_port: server.port, ...connection });
  assertEquals(await output.deliverAll(events, config), allDelivered(events));
}

Deno.test("clickhouse fills the columns of the original and the namespace", async () => {
  await using server = await ClickhouseServer.start();
  await server.createTable("webhook_logs");
  const event = verifiedEvent({
    namespace: "team-a",
    webhook: "orders",
    receivedAt: RECEIVED_AT,
    body: '{"a":"tab\\t \\"quoted\\""}',
    headers: { "x-shop": "süß\t1", "content-type": "application/json" },
  });
  await insert(server, [event], {});
  assertEquals(JSON.parse(await server.query("SELECT * FROM webhook_logs FORMAT JSONEachRow")), {
    id: event.id,
    namespace: "team-a",
    webhook_id: "orders",
    timestamp: "2026-01-02 03:04:05",
    payload: '{"a":"tab\\t \\"quoted\\""}',
    headers: JSON.stringify({ "content-type": "application/json", "x-shop": event.headers.get("x-shop") }),
  });
});

Deno.test("clickhouse fills a table that the original has made, which has no namespace", async () => {
  await using server = await ClickhouseServer.start();
  await server.createTable("webhook_logs", {
    columns: `id String, webhook_id String, timestamp DateTime, payload String, headers String,
      created_at DateTime DEFAULT now()`,
    engine: "MergeTree() PARTITION BY toYYYYMM(timestamp) ORDER BY (webhook_id, timestamp)",
  });
  const events = numberedEvents(3);
  await insert(server, events, {});
  assertEquals(await server.rows("webhook_logs"), rowsOf(events));
  assertEquals(
    await server.query("SELECT count() FROM webhook_logs WHERE created_at > '2026-01-01 00:00:00'"),
    "3",
  );
});

Deno.test("clickhouse stores the instant of receipt whatever the time zones of server and column", async () => {
  await using server = await ClickhouseServer.start({ timezone: "America/New_York" });
  const types = [
    ...["DateTime", "DateTime('UTC')", "DateTime('Asia/Tokyo')", "Nullable(DateTime)"],
    ...["UInt32", "UInt64", "Int64", "Nullable(UInt64)", "Decimal(10, 0)"],
  ];
  for (const type of types) {
    await server.query("DROP TABLE IF EXISTS times");
    await server.createTable("times", {
      columns: `id String, webhook_id String, timestamp ${type}, payload String, headers String`,
    });
    await insert(server, [verifiedEvent({ receivedAt: RECEIVED_AT })], { table: "times" });
    const seconds = await server.query("SELECT toUInt32(timestamp) FROM times");
    assertEquals(Number(seconds), Math.floor(RECEIVED_AT / 1000), type);
  }
});

Deno.test("clickhouse stores the day of receipt in UTC, and milliseconds where they have room", async () => {
  await using server = await ClickhouseServer.start({ timezone: "America/New_York" });
  const expected = {
    "Date": "2026-01-02",
    "Nullable(Date)": "2026-01-02",
    "Float64": "1767323045.678",
    "Decimal(18, 3)": "1767323045.678",
    "Decimal(18, 6)": "1767323045.678",
    "FixedString(24)": "2026-01-02T03:04:05.678Z",
  };
  for (const [type, value] of Object.entries(expected)) {
    await server.query("DROP TABLE IF EXISTS times");
    await server.createTable("times", {
      columns: `id String, webhook_id String, timestamp ${type}, payload String, headers String`,
    });
    await insert(server, [verifiedEvent({ receivedAt: RECEIVED_AT })], { table: "times" });
    // Old versions write all digits after the point.
    const stored = await server.query("SELECT timestamp FROM times");
    assertEquals(stored.replace(/(\.\d{3})0+$/, "$1"), value, type);
  }
});

Deno.test("clickhouse writes the time of receipt into a text column as ISO 8601 in UTC", async () => {
  await using server = await ClickhouseServer.start();
  await server.createTable("texts", {
    columns: "id String, webhook_id String, timestamp String, payload String, headers String",
  });
  await insert(server, [verifiedEvent({ receivedAt: RECEIVED_AT })], { table: "texts" });
  assertEquals(await server.query("SELECT timestamp FROM texts"), "2026-01-02T03:04:05.678Z");
});

Deno.test("clickhouse stores no credential of the received headers", async () => {
  await using server = await ClickhouseServer.start();
  await server.createTable("webhook_logs");
  const headers = {
    authorization: "Bearer s3cret",
    "x-hub-signature-256": "sha256=s3cret",
    "x-kind": "order",
  };
  await insert(server, [verifiedEvent({ headers })], {});
  assertEquals(JSON.parse(await server.query("SELECT headers FROM webhook_logs FORMAT TabSeparatedRaw")), {
    authorization: "[REDACTED]",
    "x-hub-signature-256": "[REDACTED]",
    "x-kind": "order",
  });
});

Deno.test("clickhouse leaves out headers and time of receipt where the webhook says so", async () => {
  await using server = await ClickhouseServer.start();
  await server.createTable("webhook_logs", {
    columns: `id String, webhook_id String, timestamp DateTime DEFAULT toDateTime(86400), payload String,
      headers String`,
  });
  await insert(server, [verifiedEvent()], { include_headers: false, include_timestamp: false });
  assertEquals(await server.query("SELECT toUInt32(timestamp), headers FROM webhook_logs"), "86400\t{}");
});

Deno.test("clickhouse needs no column for headers and time that it does not store", async () => {
  await using server = await ClickhouseServer.start();
  await server.createTable("short", { columns: "id String, webhook_id String, payload String" });
  const events = numberedEvents(2);
  await insert(server, events, { table: "short", include_headers: false, include_timestamp: false });
  assertEquals(await server.rows("short"), rowsOf(events));
});

Deno.test("clickhouse takes any name of a database and a table for a name", async () => {
  await using server = await ClickhouseServer.start();
  const name = "we`ird\\ \"table'; DROP TABLE x -- é";
  const quoted = "`we\\`ird\\\\ \"table\\'; DROP TABLE x -- é`";
  await server.query(`CREATE DATABASE ${quoted}`);
  await server.createTable(`${quoted}.${quoted}`);
  const events = numberedEvents(1);
  await insert(server, events, { table: name }, { database: name });
  assertEquals(await server.rows(`${quoted}.${quoted}`), rowsOf(events));
});

Deno.test("clickhouse creates a missing table where the webhook says so, in its connection's database", async () => {
  await using server = await ClickhouseServer.start();
  await server.query("CREATE DATABASE hooks");
  const events = numberedEvents(2);
  await insert(server, events, { table: "made", create_table: true }, { database: "hooks" });
  assertEquals(await server.rows("hooks.made"), rowsOf(events));
  const shown = await server.query("SHOW CREATE TABLE hooks.made FORMAT TabSeparatedRaw");
  // Current versions write it in several lines.
  const statement = shown.replaceAll("\n", " ");
  assertStringIncludes(statement, "ENGINE = MergeTree PARTITION BY toYYYYMM(timestamp)");
  assertStringIncludes(statement, "ORDER BY (namespace, webhook_id, timestamp, id)");
});

Deno.test("clickhouse creates no table unasked", async () => {
  await using server = await ClickhouseServer.start();
  await using output = await ClickhouseOutput.open({ http_port: server.port });
  const [result] = await output.deliverAll([verifiedEvent()], { table: "made" });
  assertFailed(result, "output_rejected");
  assertEquals(await server.query("EXISTS TABLE made"), "0");
});

Deno.test("clickhouse makes ReplacingMergeTree drop repeated rows and keep different ones", async () => {
  await using server = await ClickhouseServer.start();
  const [first, second] = numberedEvents(2) as [VerifiedEvent, VerifiedEvent];
  const config = { table: "made", create_table: true, engine: "ReplacingMergeTree" };
  await insert(server, [first, second], config);
  await insert(server, [first], config);
  assertEquals(await server.count("made"), 3);
  await server.query("OPTIMIZE TABLE made FINAL");
  assertEquals(await server.rows("made"), rowsOf([first, second]));
});

Deno.test("clickhouse goes on when a column that it filled is dropped, and says what it misses", async () => {
  await using server = await ClickhouseServer.start();
  await server.createTable("webhook_logs");
  await using output = await ClickhouseOutput.open({ http_port: server.port });
  const events = numberedEvents(3);
  assertEquals(await output.deliverAll(events.slice(0, 1), {}), ["delivered"]);
  await server.query("ALTER TABLE webhook_logs DROP COLUMN namespace");
  assertEquals(await output.deliverAll(events.slice(1, 2), {}), ["delivered"]);
  await server.query("ALTER TABLE webhook_logs DROP COLUMN payload");
  const [result] = await output.deliverAll(events.slice(2), {});
  const { message } = assertFailed(result, "output_failed");
  assertStringIncludes(message, "Column 'payload' of table `default`.`webhook_logs` does not exist");
  await server.query("ALTER TABLE webhook_logs ADD COLUMN payload String");
  assertEquals(await output.deliverAll(events.slice(2), {}), ["delivered"]);
  assertEquals(await server.count("webhook_logs"), 3);
});

Deno.test("clickhouse inserts 100,000 events, each once and unchanged", async () => {
  await using server = await ClickhouseServer.start();
  await server.createTable("webhook_logs");
  await using output = await ClickhouseOutput.open({ http_port: server.port });
  const events = Array.from(
    { length: 100_000 },
    (_, index) => verifiedEvent({ body: `{"number":${index},"name":"Zoë\\t${"x".repeat(index % 50)}"}` }),
  );
  const batches = Array.from({ length: 100 }, (_, index) => events.slice(index * 1000, (index + 1) * 1000));
  const results = await Promise.all(batches.map((batch) => output.deliverAll(batch, { timeout: 3600 })));
  assertEquals(results.flat().every((result) => result === "delivered"), true);
  const expected = new Map(events.map(({ id, body }) => [id, body.text]));
  const stored = (await server.rows("webhook_logs")).map((
    { id, body },
  ) => [id, new TextDecoder().decode(body)]);
  assertEquals(stored.length, events.length);
  assertEquals(stored.filter(([id = "", body]) => expected.get(id) !== body), []);
  assertEquals(new Set(stored.map(([id]) => id)).size, events.length);
});

/** The rows of events as the server gives them back. */
function rowsOf(events: readonly VerifiedEvent[]) {
  return events.map(({ id, body }) => ({ id, body: body.bytes })).toSorted((one, other) =>
    one.id < other.id ? -1 : 1
  );
}
