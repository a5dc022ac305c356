/**
 * Settings of ClickHouse that a user's profile sets, fixes or limits. The servers of these tests are shown to the
 * module with the settings of current versions, and get none of those back that they do not know.
 *
 * @module
 */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import {
  assertFailed,
  ClickhouseOutput,
  isInsert,
  numberedEvents,
  rowCount,
} from "../support/clickhouse/output.ts";
import { ClickhouseServer } from "../support/clickhouse/server.ts";
import { spawnProgram } from "../support/process/gateway_process.ts";
import {
  type Alterations,
  HttpRecorder,
  type PassedAnswer,
  type PassedRequest,
} from "../support/http/recorder.ts";
import { RecordedLog } from "../support/recorded_log.ts";
import { TempDir } from "../support/temp_dir.ts";
import { verifiedEvent } from "../support/verified_event.ts";

/** What `system.settings` says of a setting. */
interface Shown {
  readonly value: string;
  readonly readonly?: 1;
  readonly min?: string;
  readonly max?: string;
}

/** Shows these settings to the module, and passes on what the real server understands. */
function showing(settings: Readonly<Record<string, Shown>>): Alterations {
  const meta = ["name", "value", "min", "max", "readonly"].map((name) => ({ name }));
  const data = Object.entries(settings)
    .map(([name, { value, min = null, max = null, readonly = 0 }]) => [name, value, min, max, readonly]);
  return {
    target: ({ target }) => {
      const query = new URL(target, "http://clickhouse").searchParams.get("query");
      return query === null ? "/" : `/?${new URLSearchParams({ query })}`;
    },
    answer: ({ text }, answer) =>
      text.includes("system.settings") ? { ...answer, text: JSON.stringify({ meta, data }) } : answer,
  };
}

async function setUp(alterations: Alterations) {
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

/** The settings that an insert was sent with. */
function settingsOf({ target }: PassedRequest): Record<string, string> {
  const { query: _, ...settings } = Object.fromEntries(new URL(target, "http://clickhouse").searchParams);
  return settings;
}

Deno.test("clickhouse sends each setting that changes what rows mean, as far as the server knows it", async () => {
  await using world = await setUp(showing({
    async_insert: { value: "1" },
    date_time_input_format: { value: "best_effort" },
    format_tsv_null_representation: { value: "null" },
    input_format: { value: "JSONEachRow" },
    input_format_tsv_empty_as_default: { value: "1" },
    input_format_tsv_skip_first_lines: { value: "1" },
  }));
  assertEquals(await world.output.deliverAll(numberedEvents(1), {}), ["delivered"]);
  assertEquals(settingsOf(world.inserts()[0]!), {
    async_insert: "0",
    date_time_input_format: "basic",
    format_tsv_null_representation: "\\N",
    input_format: "",
    input_format_tsv_empty_as_default: "0",
    input_format_tsv_skip_first_lines: "0",
  });
});

Deno.test("clickhouse leaves out what a profile fixes and does no harm", async () => {
  await using world = await setUp(showing({
    async_insert: { value: "0", readonly: 1 },
    date_time_input_format: { value: "best_effort_us", readonly: 1 },
    input_format_allow_errors_num: { value: "0", max: "0" },
    insert_deduplication_token: { value: "", readonly: 1 },
  }));
  await using log = RecordedLog.start("warning");
  assertEquals(await world.output.deliverAll(numberedEvents(1), {}), ["delivered"]);
  assertEquals(settingsOf(world.inserts()[0]!), { input_format_allow_errors_num: "0" });
  assertEquals(await log.records(), []);
});

Deno.test("clickhouse names a fixed setting that loses rows, and sends none until it may change it", async () => {
  let shown: Record<string, Shown> = { input_format_tsv_skip_first_lines: { value: "1", readonly: 1 } };
  await using world = await setUp({
    ...showing({}),
    answer: (request, answer) => showing(shown).answer!(request, answer),
  });
  const [event] = numberedEvents(1) as [ReturnType<typeof verifiedEvent>];
  const [result] = await world.output.deliverAll([event], {});
  assertEquals(
    assertFailed(result, "output_failed").message,
    "Setting 'input_format_tsv_skip_first_lines' is fixed at 1 for the connection's user, so the first rows are lost: " +
      "let its profile allow 0",
  );
  assertEquals(world.inserts(), []);
  shown = { input_format_tsv_skip_first_lines: { value: "1" } };
  assertEquals(await world.output.deliverAll([event], {}), ["delivered"]);
});

Deno.test("clickhouse waits for asynchronous inserts that a profile fixes, and says what follows", async () => {
  for (const fixed of [{ value: "1", readonly: 1 as const }, { value: "1", min: "1", max: "1" }]) {
    await using world = await setUp(showing({ async_insert: fixed, wait_for_async_insert: { value: "0" } }));
    await using log = RecordedLog.start("warning");
    assertEquals(await world.output.deliverAll(numberedEvents(1), {}), ["delivered"]);
    assertEquals(settingsOf(world.inserts()[0]!), { wait_for_async_insert: "1" });
    const [warning] = await log.records();
    assertStringIncludes(JSON.stringify(warning), "Setting 'async_insert' is fixed at 1");
  }
  await using world = await setUp(showing({
    async_insert: { value: "1", readonly: 1 },
    wait_for_async_insert: { value: "0", readonly: 1 },
  }));
  const [result] = await world.output.deliverAll(numberedEvents(1), {});
  assertStringIncludes(
    assertFailed(result, "output_failed").message,
    "'wait_for_async_insert' is fixed at 0",
  );
});

Deno.test("clickhouse learns the settings again when the server does not let it change one any more", async () => {
  const refused: PassedAnswer = {
    status: 500,
    text:
      "Code: 452. DB::Exception: Setting async_insert should not be changed. (SETTING_CONSTRAINT_VIOLATION)\n",
  };
  let shown: Record<string, Shown> = { async_insert: { value: "0" } };
  await using world = await setUp({
    ...showing({}),
    answer: (request, answer) => showing(shown).answer!(request, answer),
    instead: (request) => isInsert(request) && request.target.includes("async_insert") ? refused : undefined,
  });
  shown = { async_insert: { value: "0" } };
  const [result] = await world.output.deliverAll(numberedEvents(1), {});
  assertStringIncludes(
    assertFailed(result, "output_failed").message,
    "code 452 (SETTING_CONSTRAINT_VIOLATION): DB::Exception: Setting async_insert should not be changed",
  );
  shown = { async_insert: { value: "0", readonly: 1 } };
  assertEquals(await world.output.deliverAll(numberedEvents(1), {}), ["delivered"]);
});

Deno.test("clickhouse reads tables of users whose profile has an output format", async () => {
  const alterations = showing({});
  await using world = await setUp({
    ...alterations,
    answer: (request, answer) => {
      const isOverruled = request.text.includes("FORMAT JSONCompact") &&
        !request.target.includes("output_format=");
      return isOverruled
        ? { ...answer, text: '{"name":"id"}\n{"name":"payload"}\n' }
        : alterations.answer!(request, answer);
    },
  });
  assertEquals(await world.output.deliverAll(numberedEvents(2), {}), ["delivered", "delivered"]);
  assertEquals(await world.server.count("webhook_logs"), 2);
});

Deno.test("clickhouse does not take an empty answer without ClickHouse's headers for a confirmation", async () => {
  await using world = await setUp({
    instead: (request) => isInsert(request) ? { status: 200, text: "" } : undefined,
  });
  const [result] = await world.output.deliverAll(numberedEvents(1), {});
  assertStringIncludes(
    assertFailed(result, "output_failed").message,
    "does not answer as ClickHouse does: check host and port",
  );
});

/** Refuses inserts into too many partitions, in a table that is partitioned by the webhook. */
function limitingPartitions(most: number): Alterations {
  const tooMany: PassedAnswer = {
    status: 500,
    text:
      `Code: 252. DB::Exception: Too many partitions for single INSERT block (more than ${most}). (TOO_MANY_PARTS)\n`,
    headers: { "x-clickhouse-exception-code": "252" },
  };
  return {
    ...showing({ max_partitions_per_insert_block: { value: String(most) } }),
    instead: (request) => {
      const webhooks = new Set(request.text.split("\n").map((line) => line.split("\t")[1]));
      return isInsert(request) && webhooks.size > most + 1 ? tooMany : undefined;
    },
  };
}

Deno.test("clickhouse cuts blocks that belong to more partitions than the server takes", async () => {
  await using world = await setUp(limitingPartitions(10));
  const events = Array.from({ length: 150 }, (_, index) => verifiedEvent({ webhook: `hook-${index % 15}` }));
  const results = await world.output.deliverAll(events, {});
  assertEquals(results.filter((result) => result !== "delivered"), []);
  assertEquals(world.inserts().map(rowCount), [150, 75, 75]);
  // What is known is not tried again.
  await world.output.deliverAll(
    Array.from({ length: 15 }, (_, index) => verifiedEvent({ webhook: `w-${index}` })),
    {},
  );
  assertEquals(world.inserts().slice(3).map(rowCount), [10, 5]);
  assertEquals(await world.server.query("SELECT count(), uniqExact(id) FROM webhook_logs"), "165\t165");
});

Deno.test("clickhouse makes no smaller inserts when it is the table that has too many parts", async () => {
  const full: PassedAnswer = {
    status: 500,
    text:
      "Code: 252. DB::Exception: Too many parts (300). Merges are processing slower than inserts. (TOO_MANY_PARTS)\n",
    headers: { "x-clickhouse-exception-code": "252" },
  };
  await using world = await setUp({
    ...showing({ max_partitions_per_insert_block: { value: "100" } }),
    instead: (request) => isInsert(request) ? full : undefined,
  });
  const events = numberedEvents(1000);
  for (const result of await world.output.deliverAll(events, {})) {
    assertStringIncludes(assertFailed(result, "output_failed").message, "Too many parts (300)");
  }
  assertEquals(world.inserts().map(rowCount), [1000, 500, 250, 125, 63]);
});

Deno.test("cwm check --probe warns of views and fixed settings, and finds those that lose rows", async () => {
  let shown: Record<string, Shown> = { async_insert: { value: "1", readonly: 1 } };
  await using world = await setUp({
    ...showing({}),
    answer: (request, answer) => showing(shown).answer!(request, answer),
  });
  await world.server.query(
    "CREATE MATERIALIZED VIEW copies ENGINE = MergeTree ORDER BY id AS SELECT id FROM webhook_logs",
  );
  await using directory = await TempDir.create();
  await directory.writeJson("webhooks.json", {
    orders: { module: "clickhouse", auth: "none" },
    invoices: { module: "clickhouse", auth: "none" },
  });
  const connection = { type: "clickhouse", host: "127.0.0.1", http_port: world.recorder.port };
  await directory.writeJson("connections.json", { analytics: connection });
  const check = async (...options: string[]) => {
    await using program = spawnProgram({ args: ["check", ...options], cwd: directory.path });
    const { code } = await program.exited;
    return { code, lines: program.lines.filter(({ stream }) => stream === "stdout").map(({ text }) => text) };
  };
  assertEquals(await check(), { code: 0, lines: ["0 problems in 2 webhooks and 1 connection"] });
  const warned = await check("--probe");
  assertEquals(warned.code, 0);
  const expected = ["orders", "invoices"].flatMap((webhook) => [
    `warning: webhooks.json:1: webhook default/${webhook}: module-config: Setting 'async_insert' is fixed at 1 for the connection's ` +
    "user, so repeated inserts are not recognised, and rows come twice: let its profile allow 0 (output_notice)",
    `warning: webhooks.json:1: webhook default/${webhook}: module-config: Inserts into \`default\`.\`webhook_logs\` are pushed to view ` +
    "default.copies, too: when it throws, the rows are in the table all the same, and count as delivered " +
    "(output_notice)",
  ]);
  assertEquals(warned.lines.slice(0, 5), [
    ...expected,
    "0 problems, 4 warnings in 2 webhooks and 1 connection",
  ]);
  shown = { input_format_allow_errors_num: { value: "10", readonly: 1 } };
  const refused = await check("--probe");
  assertEquals(refused.code, 1);
  assertMatch(
    refused.lines[0]!,
    /Setting 'input_format_allow_errors_num' is fixed at 10 .* \(output_mismatch\)$/,
  );
});
