import { assert, assertEquals } from "@std/assert";
import { ClickhouseServer } from "../support/clickhouse/server.ts";
import { eventually } from "../support/eventually.ts";
import { TestGateway } from "../support/gateway.ts";

/** Longer than one write of the log waits, on a busy machine. */
const LONG = { timeoutMs: 60_000, intervalMs: 200 };

async function figures(gateway: TestGateway): Promise<readonly [written: number, dropped: number]> {
  const { text } = await gateway.request("/metrics");
  const of = (outcome: string) => {
    const line = text.split("\n").find((each) =>
      each.startsWith(`cwm_event_log_events_total{outcome="${outcome}"}`)
    );
    return Number(line?.split(" ")[1] ?? NaN);
  };
  return [of("written"), of("dropped")];
}

Deno.test("accepted events are noted in ClickHouse beside their deliveries, and nobody waits for it", async () => {
  await using server = await ClickhouseServer.start();
  await using gateway = await TestGateway.start({
    webhooks: {
      orders: { module: "log", filter: "!has(body.unwanted)" },
      guarded: { module: "log", authorization: "Bearer what-only-senders-know" },
      blob: { module: "log", data_type: "blob", accept: "durable" },
    },
    connections: { analytics: { type: "clickhouse", host: "127.0.0.1", http_port: server.port } },
    environment: { EVENT_LOG_CONNECTION: "analytics", EVENT_LOG_CREATE_TABLE: "on" },
  });
  const big = '{"id":12345678901234567890}';
  const authorization = "Bearer what-only-senders-know";
  const sent = [
    gateway.post("/webhook/orders", big),
    gateway.post("/webhook/orders", '{"unwanted":1}'),
    gateway.post("/webhook/orders", "{"),
    gateway.post("/webhook/guarded", '{"a":"ü"}', { authorization }),
    gateway.post("/webhook/guarded", "{}"),
    gateway.post("/webhook/blob", "any \u0001 bytes"),
    ...Array.from({ length: 1_200 }, (_, n) => gateway.post("/webhook/orders", JSON.stringify({ n }))),
  ];
  const answers = await Promise.all(sent);
  assertEquals(answers.slice(0, 6).map(({ status }) => status), [200, 200, 400, 200, 401, 200]);
  await eventually(async () => assertEquals(await figures(gateway), [1_203, 0]), LONG);
  const rows =
    (await server.query("SELECT webhook_id, payload, headers FROM webhook_logs FORMAT JSONEachRow"))
      .trim().split("\n").map((line) => JSON.parse(line));
  assertEquals(rows.length, 1_203);
  assert(rows.some(({ payload }) => payload === big));
  const [guarded] = rows.filter(({ webhook_id }) => webhook_id === "guarded");
  assertEquals(guarded.payload, '{"a":"ü"}');
  assert(!JSON.stringify(rows).includes("what-only-senders-know"));
  assert(rows.some(({ webhook_id, payload }) => webhook_id === "blob" && payload === "any \u0001 bytes"));
});

Deno.test("events are accepted where the log has no connection, and counted as dropped", async () => {
  await using gateway = await TestGateway.start({
    webhooks: { orders: { module: "log" } },
    environment: { EVENT_LOG_CONNECTION: "nobody" },
  });
  assertEquals((await gateway.post("/webhook/orders", "{}")).status, 200);
  await eventually(async () => assertEquals(await figures(gateway), [0, 1]), LONG);
});

Deno.test("what waits is noted when the gateway ends", async () => {
  await using server = await ClickhouseServer.start();
  {
    await using gateway = await TestGateway.start({
      webhooks: { orders: { module: "log" } },
      connections: { analytics: { type: "clickhouse", host: "127.0.0.1", http_port: server.port } },
      environment: {
        EVENT_LOG_CONNECTION: "analytics",
        EVENT_LOG_TABLE: "noted",
        EVENT_LOG_CREATE_TABLE: "on",
      },
    });
    assertEquals((await gateway.post("/webhook/orders", "{}")).status, 200);
  }
  assertEquals((await server.query("SELECT count() FROM noted")).trim(), "1");
});
