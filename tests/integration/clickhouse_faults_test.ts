import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { DeliveryError } from "../../src/errors.ts";
import type { VerifiedEvent } from "../../src/event/verified_event.ts";
import {
  allDelivered,
  assertFailed,
  ClickhouseOutput,
  numberedEvents,
} from "../support/clickhouse/output.ts";
import { CLICKHOUSE_USER, ClickhouseServer } from "../support/clickhouse/server.ts";
import { eventually } from "../support/eventually.ts";
import { TcpProxy } from "../support/http/tcp_proxy.ts";
import { TestGateway } from "../support/gateway.ts";
import { HttpTarget } from "../support/http/target.ts";
import { verifiedEvent } from "../support/verified_event.ts";

const ACCOUNT = { user: CLICKHOUSE_USER.name, password: CLICKHOUSE_USER.password };

Deno.test("clickhouse fails for now while the server is down, and goes on when it is back", async () => {
  await using server = await ClickhouseServer.start();
  await server.createTable("webhook_logs");
  await using output = await ClickhouseOutput.open({ http_port: server.port });
  const events = numberedEvents(4);
  assertEquals(await output.deliverAll(events.slice(0, 2), {}), ["delivered", "delivered"]);
  await server.kill();
  for (const result of await output.deliverAll(events.slice(2), {})) {
    assertStringIncludes(assertFailed(result, "output_unavailable").message, "ECONNREFUSED");
  }
  await server.restart();
  assertEquals(await output.deliverAll(events.slice(2), {}), ["delivered", "delivered"]);
  assertEquals(await server.query("SELECT count(), uniqExact(id) FROM webhook_logs"), "4\t4");
});

Deno.test("clickhouse holds nothing up while its server is frozen, and loses nothing it confirmed", async () => {
  await using server = await ClickhouseServer.start();
  await server.createTable("webhook_logs");
  await using gateway = await TestGateway.start({
    webhooks: { orders: { module: "clickhouse", accept: "delivered" }, other: { module: "log" } },
    connections: { main: { type: "clickhouse", host: "127.0.0.1", http_port: server.port } },
  });
  const post = (path: string, count: number) =>
    Promise.all(Array.from({ length: count }, (_, index) => gateway.post(path, `{"number":${index}}`)));
  assertEquals((await post("/webhook/orders", 10)).map(({ status }) => status), Array(10).fill(200));
  server.freeze();
  const frozen = post("/webhook/orders", 50);
  assertEquals((await post("/webhook/other", 50)).map(({ status }) => status), Array(50).fill(200));
  server.thaw();
  assertEquals((await frozen).map(({ status }) => status), Array(50).fill(200));
  assertEquals(await server.query("SELECT uniqExact(id) FROM webhook_logs"), "60");
});

Deno.test("clickhouse gives an insert up that a frozen server does not confirm, and repeats it later", async () => {
  await using server = await ClickhouseServer.start();
  await server.createTable("webhook_logs", { engine: "ReplacingMergeTree ORDER BY id" });
  await using output = await ClickhouseOutput.open({ http_port: server.port });
  const [first, ...events] = numberedEvents(20) as [VerifiedEvent, ...VerifiedEvent[]];
  assertEquals(await output.deliverAll([first], {}), ["delivered"]);
  server.freeze();
  for (const result of await output.deliverAll(events, { timeout: 0.1 })) {
    assertFailed(result, "output_timeout");
  }
  server.thaw();
  assertEquals(await output.deliverAll(events, {}), allDelivered(events));
  await eventually(async () => {
    await server.query("OPTIMIZE TABLE webhook_logs FINAL");
    assertEquals(await server.query("SELECT count(), uniqExact(id) FROM webhook_logs"), "20\t20");
  });
});

Deno.test("clickhouse takes a server again that was down, and then frozen as soon as it was back", async () => {
  await using server = await ClickhouseServer.start();
  await server.createTable("webhook_logs", { engine: "ReplacingMergeTree ORDER BY id" });
  await using output = await ClickhouseOutput.open({ http_port: server.port });
  const events = numberedEvents(20);
  await server.kill();
  for (const result of await output.deliverAll(events, {})) assertFailed(result, "output_unavailable");
  await server.restart();
  server.freeze();
  // The question whether it is back hangs, and whoever comes meanwhile.
  const hung = await Promise.all([1, 2, 3].map(() => output.deliverAll(events, { timeout: 0.1 })));
  for (const result of hung.flat()) assertFailed(result, "output_timeout");
  server.thaw();
  await eventually(async () => assertEquals(await output.deliverAll(events, {}), allDelivered(events)));
  await server.query("OPTIMIZE TABLE webhook_logs FINAL");
  assertEquals(await server.query("SELECT count(), uniqExact(id) FROM webhook_logs"), "20\t20");
});

Deno.test("clickhouse can be closed while its server is frozen, and fails what it had not confirmed", async () => {
  await using server = await ClickhouseServer.start();
  await server.createTable("webhook_logs");
  await using proxy = TcpProxy.start({ port: server.port });
  const output = await ClickhouseOutput.open({ http_port: proxy.port });
  assertEquals(await output.deliverAll(numberedEvents(1), {}), ["delivered"]);
  const before = proxy.acceptedCount;
  server.freeze();
  const tables = Array.from({ length: 20 }, (_, index) => `table_${index}`);
  const pending = [
    output.deliverAll(numberedEvents(5), {}),
    ...tables.map((table) => output.deliverAll(numberedEvents(1), { table })),
  ];
  await eventually(() => assertEquals(proxy.acceptedCount - before, pending.length));
  await output[Symbol.asyncDispose]();
  for (const result of (await Promise.all(pending)).flat()) assertFailed(result, "output_unavailable");
});

Deno.test("clickhouse ends a probe that a frozen server does not answer", async () => {
  await using server = await ClickhouseServer.start();
  await using output = await ClickhouseOutput.open({ http_port: server.port });
  server.freeze();
  const controller = new AbortController();
  const probe = output.probe(controller.signal);
  controller.abort();
  const error = await assertRejects(() => probe, DeliveryError);
  assertEquals(error.code, "output_timeout");
});

Deno.test("clickhouse authenticates with any characters in its password", async () => {
  await using server = await ClickhouseServer.start();
  await server.createTable("webhook_logs");
  await using output = await ClickhouseOutput.open({ http_port: server.port, ...ACCOUNT });
  await output.probe();
  assertEquals(await output.deliverAll(numberedEvents(1), {}), ["delivered"]);
});

Deno.test("clickhouse fails for now with a wrong password, which an administrator can put right", async () => {
  await using server = await ClickhouseServer.start();
  await server.createTable("webhook_logs");
  await using output = await ClickhouseOutput.open({
    http_port: server.port,
    ...ACCOUNT,
    password: "n0t it",
  });
  // Larger than what the server reads before it answers.
  const events = [verifiedEvent({ body: "x".repeat(4_000_000) })];
  const [result] = await output.deliverAll(events, {});
  const { message } = assertFailed(result, "output_unavailable");
  // Since 2021 servers do not say what was wrong.
  assertMatch(message, /code (?:193 \(WRONG_PASSWORD\)|516 \(AUTHENTICATION_FAILED\))/);
  assert(!message.includes("n0t it"));
  const error = await assertRejects(() => output.probe(), DeliveryError);
  assertEquals(error.code, "output_unavailable");
});

Deno.test("clickhouse names the server's code for what the configuration gets wrong", async () => {
  await using server = await ClickhouseServer.start();
  await server.createTable("nameless", { columns: "id String, payload String" });
  await server.query("CREATE VIEW a_view AS SELECT id, id AS webhook_id, payload FROM nameless");
  await using output = await ClickhouseOutput.open({ http_port: server.port });
  await using elsewhere = await ClickhouseOutput.open({ http_port: server.port, database: "nowhere" });
  const cases = [
    [output, "missing", "code 60 (UNKNOWN_TABLE)"],
    [output, "a_view", "code 48 (NOT_IMPLEMENTED)"],
    [elsewhere, "missing", "code 81 (UNKNOWN_DATABASE)"],
  ] as const;
  const bare = { include_headers: false, include_timestamp: false };
  for (const [subject, table, expected] of cases) {
    const [result] = await subject.deliverAll(numberedEvents(1), { table, ...bare });
    assertStringIncludes(assertFailed(result, "output_rejected").message, expected);
  }
});

Deno.test("clickhouse names each column that it cannot fill, and tries the events again", async () => {
  await using server = await ClickhouseServer.start();
  await server.createTable("unfit", {
    columns: `id UUID, webhook_id String, timestamp Array(DateTime), payload String,
      headers String ALIAS payload`,
  });
  await using output = await ClickhouseOutput.open({ http_port: server.port });
  const [result] = await output.deliverAll(numberedEvents(1), { table: "unfit" });
  assertEquals(assertFailed(result, "output_failed").message.split("; Column"), [
    "Column 'id' of table `default`.`unfit` is of type UUID, which cannot hold the event's id: String can",
    " 'timestamp' of table `default`.`unfit` is of type Array(DateTime), which cannot hold the time of receipt: " +
    "DateTime, DateTime64, Date, UInt32, UInt64, Int64, Float64 or String can; or set include_timestamp to false",
    " 'headers' of table `default`.`unfit` is ALIAS, so the headers as a JSON object cannot be inserted; " +
    "or set include_headers to false",
  ]);
});

Deno.test("clickhouse takes no answer for a confirmation that is not one of ClickHouse", async () => {
  await using target = await HttpTarget.start();
  await using output = await ClickhouseOutput.open({ url: `${target.url}/path` });
  target.answer({ status: 200, body: "<html>Please log in to this network</html>" });
  const [page] = await output.deliverAll(numberedEvents(1), {});
  assertFailed(page, "output_failed");
  target.answer({ status: 503, body: "Busy", headers: { "retry-after": "32.5" } });
  const [busy] = await output.deliverAll(numberedEvents(1), {});
  assertEquals(assertFailed(busy, "output_failed").retryAfterSeconds, 33);
  target.answer({ status: 502, body: "Bad gateway" });
  const [gateway] = await output.deliverAll(numberedEvents(1), {});
  assertStringIncludes(assertFailed(gateway, "output_failed").message, "HTTP 502");
  assertEquals(target.requests[0]?.target, "/path");
});
