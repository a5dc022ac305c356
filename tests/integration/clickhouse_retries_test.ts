import { assert, assertEquals, assertNotEquals } from "@std/assert";
import type { VerifiedEvent } from "../../src/event/verified_event.ts";
import type { DeliveryResult } from "../../src/modules/module.ts";
import {
  allDelivered,
  assertFailed,
  ClickhouseOutput,
  isInsert,
  numberedEvents,
  rowCount,
} from "../support/clickhouse/output.ts";
import { ClickhouseServer } from "../support/clickhouse/server.ts";
import { eventually } from "../support/eventually.ts";
import { TestGateway } from "../support/gateway.ts";
import { type Alterations, HttpRecorder, type PassedRequest } from "../support/http/recorder.ts";
import { TcpProxy } from "../support/http/tcp_proxy.ts";

type Events = [VerifiedEvent, VerifiedEvent, VerifiedEvent];

/** A server, a recorder in front of it and an output that knows only the recorder. */
async function setUp(alterations: Alterations = {}) {
  await using resources = new AsyncDisposableStack();
  const server = resources.use(await ClickhouseServer.start());
  await server.createTable("webhook_logs");
  const recorder = resources.use(await HttpRecorder.start(server.port, alterations));
  const output = resources.use(await ClickhouseOutput.open({ http_port: recorder.port }));
  const stack = resources.move();
  return {
    server,
    recorder,
    output,
    inserts: () => recorder.requests.filter(isInsert),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/**
 * Servers since 22.2 know a token for repeated inserts, and Debian's does not. This shows the module a
 * server that does, and takes the token out before the real one sees it.
 */
const KNOWS_TOKENS: Alterations = {
  target: ({ target }) => {
    const url = new URL(target, "http://clickhouse");
    url.searchParams.delete("insert_deduplication_token");
    return url.pathname + url.search;
  },
  answer: ({ text }, answer) => {
    if (!text.includes("system.settings")) return answer;
    const { data, ...rest } = JSON.parse(answer.text);
    const settings = JSON.stringify({ ...rest, data: [...data, ["insert_deduplication_token"]] });
    return { ...answer, text: settings };
  },
};

function tokenOf({ target }: PassedRequest): string | null {
  return new URL(target, "http://clickhouse").searchParams.get("insert_deduplication_token");
}

function assertAllFailed(results: readonly DeliveryResult[]): void {
  for (const result of results) assertFailed(result, "output_unavailable");
}

Deno.test("clickhouse repeats an insert whose answer was lost byte for byte, in any order of events", async () => {
  await using world = await setUp();
  const events = numberedEvents(20);
  world.recorder.loseAnswers(isInsert, 1);
  assertAllFailed(await world.output.deliverAll(events, {}));
  assertEquals(await world.server.count("webhook_logs"), 20);
  const returning = [...events.slice(7), ...events.slice(0, 7)].reverse();
  assertEquals(await world.output.deliverAll(returning, {}), allDelivered(events));
  const [first, second, ...more] = world.inserts();
  assertEquals(second, first);
  assertEquals(rowCount(first!), 20);
  assertEquals(more, []);
});

Deno.test("clickhouse repeats a lost insert for one of its events, and then knows the others' results", async () => {
  await using world = await setUp();
  const events = numberedEvents(3) as Events;
  world.recorder.loseAnswers(isInsert, 1);
  assertAllFailed(await world.output.deliverAll(events, {}));
  assertEquals(await world.output.deliverAll([events[1]], {}), ["delivered"]);
  assertEquals(world.inserts().map(rowCount), [3, 3]);
  assertEquals(await world.output.deliverAll([events[2], events[0]], {}), ["delivered", "delivered"]);
  assertEquals(world.inserts().length, 2);
});

Deno.test("clickhouse keeps the events of a lost insert and new ones in inserts of their own", async () => {
  await using world = await setUp();
  const events = numberedEvents(3);
  world.recorder.loseAnswers(isInsert, 2);
  assertAllFailed(await world.output.deliverAll(events, {}));
  const late = numberedEvents(2);
  const results = world.output.deliverAll([...late, ...events], {});
  assertEquals((await results).filter((result) => result === "delivered").length, 2);
  assertEquals(await world.output.deliverAll(events, {}), allDelivered(events));
  assertEquals(world.inserts().map(rowCount), [3, 3, 2, 3]);
  const [one, two, , four] = world.inserts();
  assertEquals([two, four], [one, one]);
});

Deno.test("clickhouse gives a repeated insert the same token, and every other one another", async () => {
  await using world = await setUp(KNOWS_TOKENS);
  const events = numberedEvents(5);
  world.recorder.loseAnswers(isInsert, 1);
  assertAllFailed(await world.output.deliverAll(events, {}));
  assertEquals(await world.output.deliverAll(events, {}), allDelivered(events));
  assertEquals(await world.output.deliverAll(numberedEvents(5), {}), allDelivered(events));
  const [first, second, other] = world.inserts().map(tokenOf);
  assert(/^[0-9a-f]{64}$/.test(first ?? ""), `${first} is not a token`);
  assertEquals(second, first);
  assertNotEquals(other, first);
  assertEquals(world.inserts()[1], world.inserts()[0]);
});

Deno.test("clickhouse gives each part of a split insert a token, the same one in a repetition", async () => {
  await using world = await setUp(KNOWS_TOKENS);
  await world.server.createTable("numbers", {
    columns: "id String, webhook_id String, timestamp DateTime, payload UInt64, headers String",
  });
  const events = numberedEvents(2);
  for (const result of await world.output.deliverAll(events, { table: "numbers" })) {
    assertFailed(result, "output_rejected");
  }
  const tokens = world.inserts().map(tokenOf);
  assertEquals(new Set(tokens).size, 3);
  await world.output.deliverAll(events, { table: "numbers" });
  assertEquals(world.inserts().slice(3).map(tokenOf), tokens);
});

Deno.test("clickhouse forgets a lost insert once it was confirmed, so that a replay inserts again", async () => {
  await using world = await setUp();
  const events = numberedEvents(2);
  world.recorder.loseAnswers(isInsert, 1);
  assertAllFailed(await world.output.deliverAll(events, {}));
  assertEquals(await world.output.deliverAll(events, {}), allDelivered(events));
  assertEquals(await world.output.deliverAll(events.slice(0, 1), {}), ["delivered"]);
  assertEquals(world.inserts().map(rowCount), [2, 2, 1]);
});

Deno.test("clickhouse does not insert again what was confirmed after its attempt was given up", async () => {
  await using world = await setUp();
  const events = numberedEvents(3);
  world.recorder.hold(isInsert);
  const patient = world.output.deliverAll(numberedEvents(1), {});
  const results = world.output.deliverAll(events, { timeout: 0.1 });
  for (const result of await results) assertFailed(result, "output_timeout");
  await world.recorder.waitFor(isInsert, 1);
  const [first] = events as Events;
  const joined = world.output.deliverAll([first], {});
  world.recorder.release();
  assertEquals([await patient, await joined], [["delivered"], ["delivered"]]);
  assertEquals(await world.output.deliverAll(events.slice(1), {}), ["delivered", "delivered"]);
  assertEquals(world.inserts().map(rowCount), [4]);
});

Deno.test("clickhouse sends nothing of an attempt that was given up before its insert began", async () => {
  await using world = await setUp();
  world.recorder.hold(isInsert);
  const early = world.output.deliverAll(numberedEvents(1), {});
  await world.recorder.waitFor(isInsert, 1);
  const [kept, ...givenUp] = numberedEvents(3) as Events;
  const lateResults = world.output.deliverAll(givenUp, { timeout: 0.1 });
  const keptResult = world.output.deliverAll([kept], {});
  for (const result of await lateResults) assertFailed(result, "output_timeout");
  world.recorder.release();
  assertEquals([await early, await keptResult], [["delivered"], ["delivered"]]);
  assertEquals(world.inserts().map(rowCount), [1, 1]);
});

Deno.test("clickhouse puts events anew into inserts that the server has certainly not seen", async () => {
  await using server = await ClickhouseServer.start();
  await server.createTable("webhook_logs");
  await using proxy = TcpProxy.start({ port: server.port });
  await using output = await ClickhouseOutput.open({ http_port: proxy.port });
  const events = numberedEvents(4);
  await proxy.refuse();
  assertAllFailed(await output.deliverAll(events.slice(0, 2), {}));
  proxy.accept();
  await eventually(async () => assertEquals(await output.deliverAll(events, {}), allDelivered(events)));
  // One connection for each question and each insert: whether it is back, two about the table, one with all rows.
  assertEquals(proxy.acceptedCount, 4);
});

Deno.test("clickhouse repeats the same rows when the network breaks after the server inserted them", async () => {
  await using server = await ClickhouseServer.start();
  // Repeated rows of the same key replace each other here, as blocks do where the server deduplicates.
  const engine = "ReplacingMergeTree ORDER BY id";
  await server.createTable("webhook_logs", { engine });
  await using proxy = TcpProxy.start({ port: server.port });
  await using output = await ClickhouseOutput.open({ http_port: proxy.port });
  assertEquals(await output.deliverAll(numberedEvents(1), {}), ["delivered"]);
  const events = numberedEvents(100);
  proxy.freeze("to_client");
  const results = output.deliverAll(events, {});
  await eventually(async () => assertEquals(await server.count("webhook_logs"), 101));
  proxy.cut();
  proxy.thaw();
  assertAllFailed(await results);
  assertEquals(await output.deliverAll(events, {}), allDelivered(events));
  await server.query("OPTIMIZE TABLE webhook_logs FINAL");
  assertEquals(await server.query("SELECT count(), uniqExact(id) FROM webhook_logs"), "101\t101");
});

Deno.test("clickhouse lets the gateway's own retry confirm an insert whose answer was lost", async () => {
  await using server = await ClickhouseServer.start();
  await server.createTable("webhook_logs");
  await using recorder = await HttpRecorder.start(server.port);
  await using gateway = await TestGateway.start({
    webhooks: { orders: { module: "clickhouse", accept: "delivered" } },
    connections: { main: { type: "clickhouse", host: "127.0.0.1", http_port: recorder.port } },
  });
  recorder.loseAnswers(isInsert, 1);
  const answers = await Promise.all(
    Array.from({ length: 30 }, (_, index) => gateway.post("/webhook/orders", `{"number":${index}}`)),
  );
  assertEquals(answers.map(({ status }) => status), answers.map(() => 200));
  const inserts = recorder.requests.filter(isInsert);
  assertEquals(inserts.filter(({ text }) => text === inserts[0]?.text).length, 2);
  assertEquals(await server.query("SELECT uniqExact(id) FROM webhook_logs"), "30");
});

Deno.test("clickhouse repeats an insert whose answer was lost for events out of the journal", async () => {
  await using server = await ClickhouseServer.start();
  await server.createTable("webhook_logs");
  await using recorder = await HttpRecorder.start(server.port);
  await using gateway = await TestGateway.start({
    webhooks: { orders: { module: "clickhouse", accept: "durable" } },
    connections: { main: { type: "clickhouse", host: "127.0.0.1", http_port: recorder.port } },
  });
  recorder.loseAnswers(isInsert, 1);
  const answers = await Promise.all(
    Array.from({ length: 30 }, (_, index) => gateway.post("/webhook/orders", `{"number":${index}}`)),
  );
  assertEquals(answers.map(({ status }) => status), answers.map(() => 200));
  const first = (await recorder.waitFor(isInsert, 1))[0]!;
  // The lost insert comes twice and every other one once, so all rows but its own are there once.
  await eventually(async () => {
    const repeated = recorder.requests.filter(({ text }) => text === first.text);
    assertEquals(repeated.map(({ target }) => target), [first.target, first.target]);
    assertEquals(await server.query("SELECT uniqExact(id) FROM webhook_logs"), "30");
  });
  assertEquals(await server.count("webhook_logs"), 30 + rowCount(first));
});
