import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { VerifiedEvent } from "../../src/event/verified_event.ts";
import {
  allDelivered,
  assertFailed,
  ClickhouseOutput,
  isInsert,
  numberedEvents,
  rowCount,
} from "../support/clickhouse/output.ts";
import { ClickhouseServer } from "../support/clickhouse/server.ts";
import { HttpRecorder, type PassedRequest } from "../support/http/recorder.ts";
import { verifiedEvent } from "../support/verified_event.ts";

/** A server, a recorder in front of it and an output that knows only the recorder. */
async function setUp(connection: Readonly<Record<string, unknown>> = {}) {
  await using resources = new AsyncDisposableStack();
  const server = resources.use(await ClickhouseServer.start());
  await server.createTable("webhook_logs");
  const recorder = resources.use(await HttpRecorder.start(server.port));
  const output = resources.use(await ClickhouseOutput.open({ http_port: recorder.port, ...connection }));
  const stack = resources.move();
  return {
    server,
    recorder,
    output,
    /** The numbers of rows of all inserts so far. */
    insertedCounts: () => recorder.requests.filter(isInsert).map(rowCount),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

Deno.test("clickhouse puts the rows of concurrent deliveries and of several webhooks into one insert", async () => {
  await using world = await setUp({ batch_wait_ms: 5000, batch_rows: 300 });
  const events = Array.from({ length: 300 }, (_, index) => verifiedEvent({ webhook: `hook-${index % 7}` }));
  assertEquals(await world.output.deliverAll(events, {}), allDelivered(events));
  assertEquals(world.insertedCounts(), [300]);
  assertEquals(await world.server.query("SELECT uniqExact(webhook_id) FROM webhook_logs"), "7");
});

Deno.test("clickhouse gathers rows while an insert is under way, and inserts them together", async () => {
  await using world = await setUp({ batch_wait_ms: 0 });
  world.recorder.hold(isInsert);
  const [first, ...others] = numberedEvents(50) as [VerifiedEvent, ...VerifiedEvent[]];
  const early = world.output.deliverAll([first], {});
  await world.recorder.waitFor(isInsert, 1);
  const late = world.output.deliverAll(others, {});
  world.recorder.release();
  assertEquals(await early, ["delivered"]);
  assertEquals(await late, allDelivered(others));
  assertEquals(world.insertedCounts(), [1, 49]);
});

Deno.test("clickhouse sends no more rows in one insert than the connection allows", async () => {
  await using world = await setUp({ batch_rows: 10 });
  const events = numberedEvents(25);
  assertEquals(await world.output.deliverAll(events, {}), allDelivered(events));
  assertEquals(world.insertedCounts(), [10, 10, 5]);
  assertEquals(await world.server.count("webhook_logs"), 25);
});

Deno.test("clickhouse sends no more bytes in one insert than the connection allows, but a large event", async () => {
  await using world = await setUp({ batch_bytes: 10_000 });
  const sizes = [...Array(7).fill(2000), 50_000];
  const events = sizes.map((size) => verifiedEvent({ body: "x".repeat(size) }));
  assertEquals(await world.output.deliverAll(events, {}), allDelivered(events));
  assertEquals(world.insertedCounts(), [1, 5, 2]);
});

Deno.test("clickhouse keeps webhooks apart whose rows have different columns", async () => {
  await using world = await setUp();
  const [one, other] = numberedEvents(2) as [VerifiedEvent, VerifiedEvent];
  const results = await Promise.all([
    world.output.deliverAll([one], {}),
    world.output.deliverAll([other], { include_headers: false }),
  ]);
  assertEquals(results, [["delivered"], ["delivered"]]);
  const headers = await world.server.query(
    "SELECT headers FROM webhook_logs ORDER BY id FORMAT TabSeparatedRaw",
  );
  assertEquals(headers.split("\n"), ['{"content-type":"application/json"}', "{}"]);
});

Deno.test("clickhouse keeps a row that does not fit from the others of its insert", async () => {
  await using world = await setUp();
  await world.server.createTable("narrow", {
    columns: "id String, webhook_id String, timestamp DateTime, payload FixedString(16), headers String",
  });
  const bodies = Array.from(
    { length: 200 },
    (_, index) => [13, 77, 199].includes(index) ? "x".repeat(17) : "short",
  );
  const events = bodies.map((body) => verifiedEvent({ body }));
  const results = await world.output.deliverAll(events, { table: "narrow" });
  const failed = results.flatMap((result, index) => result === "delivered" ? [] : [index]);
  assertEquals(failed, [13, 77, 199]);
  for (const index of failed) {
    const { message } = assertFailed(results[index], "output_rejected");
    assertStringIncludes(message, "code 131 (TOO_LARGE_STRING_SIZE)");
    assert(!message.includes("xxx"), "The message must not show what the event holds");
  }
  assertEquals(await world.server.query("SELECT count(), uniqExact(id) FROM narrow"), "197\t197");
});

Deno.test("clickhouse rejects rows of the wrong type one by one, with at most 500 queries at once", async () => {
  await using world = await setUp();
  await world.server.createTable("numbers", {
    columns: "id String, webhook_id String, timestamp DateTime, payload UInt64, headers String",
  });
  const events = numberedEvents(600);
  const results = await world.output.deliverAll(events, { table: "numbers", timeout: 300 });
  const codes = results.map((result) => result === "delivered" ? result : result.code);
  // 500 inserts are enough for about half of that many rows: each is split off by two.
  const rejected = codes.filter((code) => code === "output_rejected").length;
  assert(rejected > 200 && rejected < 300, `${rejected} rejected`);
  assertEquals(codes.filter((code) => code === "output_failed").length, 600 - rejected);
  assertEquals(world.insertedCounts().length, 500);
  assertEquals(await world.server.count("numbers"), 0);
});

Deno.test("clickhouse confirms good rows before all bad ones of their insert are found", async () => {
  await using world = await setUp();
  await world.server.createTable("narrow", {
    columns: "id String, webhook_id String, timestamp DateTime, payload FixedString(16), headers String",
  });
  const good = verifiedEvent({ body: "short" });
  const bad = verifiedEvent({ body: "x".repeat(17) });
  const isLastInsert = (request: PassedRequest) => isInsert(request) && !request.text.includes(good.id);
  world.recorder.hold(isLastInsert);
  const goodResult = world.output.deliverAll([good], { table: "narrow" });
  const badResult = world.output.deliverAll([bad], { table: "narrow" });
  assertEquals(await goodResult, ["delivered"]);
  await world.recorder.waitFor(isLastInsert, 1);
  world.recorder.release();
  assertFailed((await badResult)[0], "output_rejected");
});
