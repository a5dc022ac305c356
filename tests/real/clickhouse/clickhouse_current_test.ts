/** What only current versions of ClickHouse do, against their own engine. */

import { assertEquals } from "@std/assert";
import {
  allDelivered,
  assertFailed,
  ClickhouseOutput,
  isInsert,
  numberedEvents,
} from "../../support/clickhouse/output.ts";
import { ClickhouseServer, IS_OLD_CLICKHOUSE } from "../../support/clickhouse/server.ts";
import { HttpRecorder } from "../../support/http/recorder.ts";
import { verifiedEvent } from "../../support/verified_event.ts";

Deno.test("the server of these tests is a current one", () => {
  assertEquals(IS_OLD_CLICKHOUSE, false, "CHDB_PYTHON names the Python that has chdb");
});

Deno.test("clickhouse stores every row as it is, whatever the user's profile says of the format", async () => {
  const hostile = {
    input_format_tsv_skip_first_lines: "1",
    format_tsv_null_representation: "'null'",
    input_format_tsv_empty_as_default: "1",
    input_format_allow_errors_num: "10",
    input_format: "'JSONEachRow'",
    output_format: "'JSONEachRow'",
  };
  for (const [setting, value] of Object.entries(hostile)) {
    await using server = await ClickhouseServer.start();
    await server.createTable("webhook_logs", {
      columns:
        `id String, webhook_id String, timestamp DateTime, payload Nullable(String) DEFAULT 'a default',
        headers String`,
    });
    const known = await server.query(`SELECT count() FROM system.settings WHERE name = '${setting}'`);
    if (known === "0") continue; // 25.8 has no output_format.
    await server.query(`SET ${setting} = ${value}`);
    await using output = await ClickhouseOutput.open({ http_port: server.port });
    const bodies = ["null", "", "\\N", "x"];
    const events = bodies.map((body) => verifiedEvent({ body }));
    assertEquals(await output.deliverAll(events, {}), allDelivered(events), setting);
    const stored = await server.query(
      "SELECT count(), countIf(payload IN ('null', '', '\\\\N', 'x')) FROM webhook_logs",
    );
    assertEquals(stored.replace(/\D+/g, " ").trim(), "4 4", setting);
  }
});

Deno.test("clickhouse inserts the events of 150 webhooks into a table that is partitioned by them", async () => {
  await using server = await ClickhouseServer.start();
  await server.createTable("webhook_logs", { engine: "MergeTree PARTITION BY webhook_id ORDER BY id" });
  await using output = await ClickhouseOutput.open({ http_port: server.port });
  for (let round = 1; round <= 2; round++) {
    const events = Array.from(
      { length: 300 },
      (_, index) => verifiedEvent({ webhook: `hook-${index % 150}` }),
    );
    assertEquals(await output.deliverAll(events, { timeout: 60 }), allDelivered(events));
    assertEquals(await server.count("webhook_logs"), 300 * round);
  }
});

Deno.test("clickhouse inserts each event once into a deduplicating table, though the answer was lost", async () => {
  await using server = await ClickhouseServer.start();
  await server.createTable("webhook_logs", {
    engine: "MergeTree ORDER BY id SETTINGS non_replicated_deduplication_window = 1000",
  });
  await using recorder = await HttpRecorder.start(server.port);
  await using output = await ClickhouseOutput.open({ http_port: recorder.port });
  const events = numberedEvents(20);
  recorder.loseAnswers(isInsert, 1);
  for (const result of await output.deliverAll(events, {})) assertFailed(result, "output_unavailable");
  assertEquals(await output.deliverAll(events, {}), allDelivered(events));
  assertEquals(await server.query("SELECT count(), uniqExact(id) FROM webhook_logs"), "20\t20");
});

Deno.test("clickhouse finds the body that a computed column throws for with a code of conditions", async () => {
  await using server = await ClickhouseServer.start();
  await server.createTable("webhook_logs", {
    columns: `id String, webhook_id String, timestamp DateTime, payload String, headers String,
      t DateTime MATERIALIZED parseDateTime(JSONExtractString(payload, 't'), '%Y-%m-%d')`,
  });
  await using output = await ClickhouseOutput.open({ http_port: server.port });
  const good = Array.from({ length: 9 }, () => verifiedEvent({ body: '{"t":"2026-01-02"}' }));
  const events = [...good, verifiedEvent({ body: '{"t":"2026"}' })];
  let left = events;
  for (let number = 1; number <= 8 && left.length > 0; number++) {
    const results = await output.deliverAll(left, {});
    left = left.filter((_, index) => results[index] !== "delivered");
  }
  assertEquals(left, events.slice(9));
  assertEquals(await server.query("SELECT count(), uniqExact(id) FROM webhook_logs"), "9\t9");
});
