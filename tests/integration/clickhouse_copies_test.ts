/**
 * How often rows get into their table when the server says no with a code that tells nothing about them, or when a
 * view throws. Each test counts rows, in the table or in what was sent.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
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
import { errorCode, TestGateway } from "../support/gateway.ts";
import { type Alterations, HttpRecorder, type PassedRequest } from "../support/http/recorder.ts";
import { RecordedLog } from "../support/recorded_log.ts";
import { verifiedEvent } from "../support/verified_event.ts";

/** A code that no version has. */
const UNLISTED = 4242;

function refusal(code: number, name: string) {
  return {
    status: 500,
    text: `Code: ${code}. DB::Exception: It does not work. (${name}) (version 26.9.2.1 (official build))\n`,
    headers: { "x-clickhouse-exception-code": String(code) },
  };
}

/** A server, a recorder in front of it that may answer in its place, and an output that knows only the recorder. */
async function setUp(alterations: Alterations, columns?: string) {
  await using resources = new AsyncDisposableStack();
  const server = resources.use(await ClickhouseServer.start());
  await server.createTable("webhook_logs", columns === undefined ? {} : { columns });
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
 * Delivers events together, and those again one by one that may come again, as they do when their pauses differ.
 * Returns what each came to in the end.
 */
async function deliverWithTries(
  output: ClickhouseOutput,
  events: readonly VerifiedEvent[],
  tries: number,
): Promise<readonly DeliveryResult[]> {
  const results = [...await output.deliverAll(events, {})];
  for (let number = 2; number <= tries; number++) {
    for (const [index, event] of events.entries()) {
      const result = results[index]!;
      if (result === "delivered" || result.disposition !== "retry") continue;
      results[index] = (await output.deliverAll([event], {}))[0]!;
    }
  }
  return results;
}

/** How often each event was sent. */
function copiesOf(events: readonly VerifiedEvent[], inserts: readonly PassedRequest[]): number[] {
  return events.map(({ id }) => inserts.filter(({ text }) => text.includes(id)).length);
}

Deno.test("clickhouse sends a block once for each round of tries, whichever of its events come first", async () => {
  await using world = await setUp({
    instead: (request) => isInsert(request) ? refusal(241, "MEMORY_LIMIT_EXCEEDED") : undefined,
  });
  const events = numberedEvents(40);
  const first = await world.output.deliverAll(events, {});
  assertStringIncludes(
    assertFailed(first[0], "output_failed").message,
    ": code 241 (MEMORY_LIMIT_EXCEEDED)",
  );
  assert(!(first[0] as Error).message.includes("It does not work"));
  assertEquals(world.inserts().map(rowCount), [40]);
  // One more try of each, one by one: a single repeat.
  for (const event of events) assertFailed((await world.output.deliverAll([event], {}))[0], "output_failed");
  assertEquals(world.inserts().map(rowCount), [40, 40]);
  for (const event of events) assertFailed((await world.output.deliverAll([event], {}))[0], "output_failed");
  assertEquals(world.inserts().slice(2).map(rowCount), [20, 20]);
});

Deno.test("clickhouse asks for a longer pause each round, so that events of a block come together", async () => {
  await using world = await setUp({
    instead: (request) => isInsert(request) ? refusal(241, "MEMORY_LIMIT_EXCEEDED") : undefined,
  });
  const [event] = numberedEvents(1) as [VerifiedEvent];
  const pauses: (number | undefined)[] = [];
  for (let round = 0; round < 4; round++) {
    const [result] = await world.output.deliverAll([event], {});
    pauses.push(assertFailed(result, "output_failed").retryAfterSeconds);
  }
  assertEquals(pauses, [1, 2, 4, 8]);
});

Deno.test("clickhouse stores no event more often than it is tried while the server stores and says no", async () => {
  await using world = await setUp({
    answer: (request, answer) => isInsert(request) ? refusal(241, "MEMORY_LIMIT_EXCEEDED") : answer,
  });
  const events = numberedEvents(20);
  const tries = 3;
  const results = await deliverWithTries(world.output, events, tries);
  // The second answer is not believed: the rows are there.
  assertEquals(results, allDelivered(events));
  assertEquals(await world.server.query("SELECT count(), uniqExact(id) FROM webhook_logs"), "40\t20");
});

Deno.test("clickhouse rejects the one body that meets an unlisted code, and delivers the others", async () => {
  await using world = await setUp({
    instead: (request) =>
      isInsert(request) && request.text.includes("poison") ? refusal(UNLISTED, "ALIEN_ERROR") : undefined,
  });
  const events = [...numberedEvents(9), verifiedEvent({ body: "poison" })];
  const first = await world.output.deliverAll(events, {});
  for (const result of first) assertFailed(result, "output_failed");
  const second = await world.output.deliverAll(events, {});
  assertEquals(second.slice(0, 9), allDelivered(events.slice(0, 9)));
  const { message } = assertFailed(second[9], "output_rejected");
  assertStringIncludes(message, `code ${UNLISTED} (ALIEN_ERROR)`);
  assertEquals(await world.server.query("SELECT count(), uniqExact(id) FROM webhook_logs"), "9\t9");
});

Deno.test("clickhouse finds a body that meets an unlisted code without a right to read the table", async () => {
  const isLook = ({ text }: PassedRequest) =>
    text.includes("uniqExact(id)") || text.includes("system.tables");
  await using world = await setUp({
    instead: (request) =>
      isLook(request)
        ? refusal(497, "ACCESS_DENIED")
        : isInsert(request) && request.text.includes("poison")
        ? refusal(UNLISTED, "ALIEN_ERROR")
        : undefined,
  });
  const events = [...numberedEvents(9), verifiedEvent({ body: "poison" })];
  const tries = 7;
  const results = await deliverWithTries(world.output, events, tries);
  assertEquals(results.slice(0, 9), allDelivered(events.slice(0, 9)));
  // Nobody knows whether it is in the table, so it is not called rejected.
  assertFailed(results[9], "output_failed");
  assertEquals(await world.server.query("SELECT count(), uniqExact(id) FROM webhook_logs"), "9\t9");
  for (const copies of copiesOf(events, world.inserts())) assert(copies <= tries, `${copies} copies`);
});

Deno.test("clickhouse rejects no event for a condition of the server, however often it meets it alone", async () => {
  await using world = await setUp({
    instead: (request) =>
      isInsert(request) && request.text.includes("large") ? refusal(241, "MEMORY_LIMIT_EXCEEDED") : undefined,
  });
  const events = [...numberedEvents(3), verifiedEvent({ body: "large" })];
  const results = await deliverWithTries(world.output, events, 8);
  assertEquals(results.slice(0, 3), allDelivered(events.slice(0, 3)));
  assertFailed(results[3], "output_failed");
});

Deno.test("clickhouse delivers what computed columns take, and rejects a body that they throw for", async () => {
  const columns = `id String, webhook_id String, timestamp DateTime, payload String, headers String,
    n UInt64 MATERIALIZED toUInt64(JSONExtractString(payload, 'n'))`;
  const bodies = ["{}", '{"n":""}', '{"n":"x"}'];
  for (const [index, body] of bodies.entries()) {
    // 18.16 has no such function for JSON.
    const own = columns.replace("JSONExtractString(payload, 'n')", "visitParamExtractString(payload, 'n')");
    await using world = await setUp({}, own);
    const events = Array.from(
      { length: 10 },
      (_, place) => verifiedEvent({ body: place === index ? body : '{"n":"1"}' }),
    );
    const results = await world.output.deliverAll(events, {});
    assertFailed(results[index], "output_rejected");
    assertEquals(results.toSpliced(index, 1), allDelivered(events.slice(1)));
    assertEquals(await world.server.query("SELECT count(), uniqExact(id) FROM webhook_logs"), "9\t9");
  }
});

Deno.test("clickhouse stores each event once when a view throws, halves nothing and names the view", async () => {
  await using world = await setUp({});
  await world.server.query(`CREATE MATERIALIZED VIEW by_number ENGINE = MergeTree ORDER BY id
    AS SELECT id, toUInt8(visitParamExtractString(payload, 'n')) AS n FROM webhook_logs`);
  const events = Array.from(
    { length: 64 },
    (_, index) => verifiedEvent({ body: `{"n":"${index === 9 ? "x" : 1}"}` }),
  );
  await using log = RecordedLog.start("error");
  assertEquals(await world.output.deliverAll(events, {}), allDelivered(events));
  assertEquals(await world.server.query("SELECT count(), uniqExact(id) FROM webhook_logs"), "64\t64");
  assertEquals(world.inserts().map(rowCount), [64]);
  const [failure] = await log.records();
  assertStringIncludes(JSON.stringify(failure), "View default.by_number on");
  assertStringIncludes(JSON.stringify(failure), "it lacks rows that are in the table");
});

Deno.test("clickhouse does not take a body's words about a view for the server's", async () => {
  await using world = await setUp(
    {},
    "id String, webhook_id String, timestamp DateTime, payload UInt64, headers String",
  );
  const events = [
    ...Array.from({ length: 9 }, () => verifiedEvent({ body: "1" })),
    verifiedEvent({ body: "while pushing to view x" }),
  ];
  const results = await world.output.deliverAll(events, {});
  assertEquals(results.slice(0, 9), allDelivered(events.slice(0, 9)));
  assertFailed(results[9], "output_rejected");
});

Deno.test("clickhouse repeats what a view may have lost, unseen, no more often than it is tried", async () => {
  const isLook = ({ text }: PassedRequest) =>
    text.includes("uniqExact(id)") || text.includes("system.tables");
  const viewThrows = {
    ...refusal(6, "CANNOT_PARSE_TEXT"),
    text:
      "Code: 6. DB::Exception: Cannot parse: while pushing to view hooks.by_number. (CANNOT_PARSE_TEXT)\n",
  };
  await using world = await setUp({
    instead: (request) => isLook(request) ? refusal(497, "ACCESS_DENIED") : undefined,
    answer: (request, answer) => isInsert(request) ? viewThrows : answer,
  });
  const events = numberedEvents(8);
  const results = await deliverWithTries(world.output, events, 3);
  for (const result of results) {
    assertStringIncludes(assertFailed(result, "output_failed").message, "view hooks.by_number");
  }
  assertEquals(world.inserts().map(rowCount), [8, 8, 8]);
});

Deno.test("clickhouse delivers all events of a gateway after the server has refused them for a while", async () => {
  await using server = await ClickhouseServer.start();
  await server.createTable("webhook_logs");
  let isFull = true;
  await using recorder = await HttpRecorder.start(server.port, {
    instead: (request) => isFull && isInsert(request) ? refusal(241, "MEMORY_LIMIT_EXCEEDED") : undefined,
  });
  await using gateway = await TestGateway.start({
    webhooks: {
      orders: {
        module: "clickhouse",
        accept: "durable",
        retry: { max_attempts: 8, initial_delay: 0.05, max_delay: 0.2 },
      },
    },
    connections: { main: { type: "clickhouse", host: "127.0.0.1", http_port: recorder.port } },
  });
  const count = 200;
  const posts = Array.from(
    { length: count },
    (_, index) => gateway.post("/webhook/orders", `{"number":${index}}`),
  );
  for (const { status } of await Promise.all(posts)) assertEquals(status, 200);
  const refused = await recorder.waitFor(isInsert, 8);
  isFull = false;
  await eventually(async () => {
    assertEquals(await server.query("SELECT count(), uniqExact(id) FROM webhook_logs"), `${count}\t${count}`);
  });
  const rows = refused.reduce((sum, insert) => sum + rowCount(insert), 0);
  assert(rows <= 8 * count, `${rows} rows were sent for ${count} events`);
});

Deno.test("clickhouse lets nine senders have their 200 whose events came with one that nobody takes", async () => {
  await using server = await ClickhouseServer.start();
  await server.createTable("webhook_logs");
  await using recorder = await HttpRecorder.start(server.port, {
    instead: (request) =>
      isInsert(request) && request.text.includes("poison") ? refusal(UNLISTED, "ALIEN_ERROR") : undefined,
  });
  await using gateway = await TestGateway.start({
    webhooks: { orders: { module: "clickhouse", accept: "delivered" } },
    connections: {
      main: { type: "clickhouse", host: "127.0.0.1", http_port: recorder.port, batch_wait_ms: 1000 },
    },
  });
  const bodies = [...Array.from({ length: 9 }, (_, index) => `{"number":${index}}`), '"poison"'];
  const answers = await Promise.all(bodies.map((body) => gateway.post("/webhook/orders", body)));
  assertEquals(answers.slice(0, 9).map(({ status }) => status), Array(9).fill(200));
  assertEquals(errorCode(answers[9]!), "output_rejected");
  assertEquals(await server.query("SELECT count(), uniqExact(id) FROM webhook_logs"), "9\t9");
});
