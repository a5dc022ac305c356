import { assert, assertEquals, assertMatch, assertNotMatch, assertStringIncludes } from "@std/assert";
import { setImmediate } from "node:timers";
import { gunzipSync } from "node:zlib";
import type { CatalogEntry } from "../../../../src/config/entry.ts";
import { InFlight } from "../../../../src/http/in_flight.ts";
import { metricsRoute } from "../../../../src/http/routes/metrics.ts";
import { RequestMetrics } from "../../../../src/http/request_metrics.ts";
import { Metrics, METRICS_CONTENT_TYPE } from "../../../../src/observability/metrics.ts";
import { eventually } from "../../../support/eventually.ts";
import { TestGateway } from "../../../support/gateway.ts";

const INFO: Deno.ServeHandlerInfo = {
  remoteAddr: { transport: "tcp", hostname: "127.0.0.1", port: 1 },
  completed: Promise.resolve(),
};

const GUARDED = { module: "log", authorization: "Bearer a-token-of-the-sender" };

async function scrape(gateway: TestGateway): Promise<string> {
  return (await gateway.request("/metrics")).text;
}

Deno.test("a webhook has the counters that alerts wait for at 0 from its load on, valid or not", async () => {
  await using gateway = await TestGateway.start({
    webhooks: { guarded: GUARDED, broken: { module: "lgo" } },
  });
  const zeros = (id: string) =>
    ["accepted", "unauthorized", "webhook_misconfigured"].map((outcome) =>
      `cwm_requests_total{namespace="default",webhook="${id}",outcome="${outcome}"} 0`
    );
  const before = await scrape(gateway);
  for (const line of [...zeros("guarded"), ...zeros("broken")]) assertStringIncludes(before, line);
  assertStringIncludes(before, "\ncwm_dead_letters_total 0\n");
  assertStringIncludes(
    before,
    'cwm_output_errors_total{module="log",connection="log",code="output_failed"} 0',
  );
  await gateway.post("/webhook/guarded", "{}");
  const after = await scrape(gateway);
  assertStringIncludes(after, 'webhook="guarded",outcome="unauthorized"} 1\n');
  assertNotMatch(after, /webhook="guarded",outcome="unauthorized"\} 0/);
});

Deno.test("series of a webhook go when it is removed, and begin at 0 when it comes back", async () => {
  const durable = { module: "log", accept: "durable" };
  await using gateway = await TestGateway.start({ webhooks: { kept: durable, removed: durable } });
  for (const id of ["kept", "removed"]) await gateway.post(`/webhook/${id}`, "{}");
  await gateway.post("/webhook/removed", "{");
  const ended = 'cwm_events_ended_total{namespace="default",webhook="removed",outcome="delivered"} 1';
  await eventually(async () => assertStringIncludes(await scrape(gateway), ended));
  await gateway.writeWebhooks({ kept: durable });
  await gateway.reload();
  const without = await scrape(gateway);
  assertNotMatch(without, /webhook="removed"/);
  assertMatch(without, /webhook="kept",outcome="accepted"\} 1\n/);
  await gateway.writeWebhooks({ kept: durable, removed: durable });
  await gateway.reload();
  assertMatch(await scrape(gateway), /webhook="removed",outcome="accepted"\} 0\n/);
  await gateway.post("/webhook/removed", "{}");
  await eventually(async () => assertStringIncludes(await scrape(gateway), ended));
});

Deno.test("a destination of http_webhook that fails is the only one that is down", async () => {
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response(),
  );
  const config = (port: number) => ({
    module: "http_webhook",
    accept: "delivered",
    retry: { max_attempts: 1 },
    "module-config": { url: `http://127.0.0.1:${port}/a?key=secret`, allowed_hosts: ["127.0.0.1"] },
  });
  await using gateway = await TestGateway.start({
    webhooks: { good: config(server.addr.port), bad: config(1) },
  });
  for (const id of ["good", "bad"]) await gateway.post(`/webhook/${id}`, "{}");
  const text = await scrape(gateway);
  const up = (port: number) => `destination="http://127.0.0.1:${port}"}`;
  assertStringIncludes(text, `${up(server.addr.port)} 1\n`);
  assertStringIncludes(text, `${up(1)} 0\n`);
  assert(!text.includes("key=secret"));
});

Deno.test("every event that becomes a dead letter is counted, also when it is no longer kept", async () => {
  await using gateway = await TestGateway.start({
    environment: { ADMIN_TOKEN: "admin-token-0123456789" },
    webhooks: {
      orders: {
        module: "http_webhook",
        accept: "durable",
        retry: { max_attempts: 1 },
        "module-config": { url: "http://127.0.0.1:1/", allowed_hosts: ["127.0.0.1"] },
      },
    },
  });
  await gateway.post("/webhook/orders", "{}");
  await eventually(async () => assertMatch(await scrape(gateway), /^cwm_dead_letters_total 1$/m));
  await gateway.request("/admin/dead-letters/drop?all=true", {
    method: "POST",
    headers: { authorization: "Bearer admin-token-0123456789" },
  });
  await eventually(async () => assertMatch(await scrape(gateway), /^cwm_dead_letters 0$/m));
  assertMatch(await scrape(gateway), /^cwm_dead_letters_total 1$/m);
});

Deno.test("a channel that nobody is connected to shows 0 connections", async () => {
  await using gateway = await TestGateway.start({
    webhooks: {
      queued: {
        module: "webhook_connect",
        "module-config": { channel: "inbox", channel_token: "inbox-token-0123456789" },
      },
    },
  });
  assertStringIncludes(
    await scrape(gateway),
    'cwm_relay_connections{channel="inbox",transport="websocket"} 0\n',
  );
});

const encodings: readonly [accepts: string | undefined, gzip: boolean][] = [
  [undefined, false],
  ["", false],
  ["gzip", true],
  ["gzip, deflate, br", true],
  ["*", true],
  ["gzip;q=0", false],
  ["gzip;q=0, *", false],
  ["identity;q=1, gzip;q=0.5", false],
  ["identity;q=0.5, gzip;q=1", true],
  ["br", false],
];
Deno.test("large metrics are compressed for whoever takes gzip", async () => {
  const metrics = new Metrics();
  metrics.gaugeFrom("cwm_text", "Something to compress. ".repeat(200), () => 1);
  const { GET } = metricsRoute(metrics).methods;
  for (const [accepts, gzip] of encodings) {
    const headers = new Headers(accepts === undefined ? {} : { "accept-encoding": accepts });
    const answer = await GET!(new Request("http://localhost/metrics", { headers }), "id", "", INFO);
    const bytes = new Uint8Array(await answer.arrayBuffer());
    const name = String(accepts);
    assertEquals(answer.headers.get("content-type"), METRICS_CONTENT_TYPE, name);
    assertEquals(answer.headers.get("vary"), "accept-encoding", name);
    assertEquals(answer.headers.get("content-encoding"), gzip ? "gzip" : null, name);
    const text = new TextDecoder().decode(gzip ? gunzipSync(bytes) : bytes);
    assertEquals(text, metrics.render(), name);
  }
});

Deno.test("small metrics are not compressed", async () => {
  const metrics = new Metrics();
  metrics.gaugeFrom("cwm_text", "Too little to compress. ".repeat(150), () => 1);
  const { GET } = metricsRoute(metrics).methods;
  const request = new Request("http://localhost/metrics", { headers: { "accept-encoding": "gzip" } });
  const answer = await GET!(request, "id", "", INFO);
  assertEquals([answer.headers.get("content-encoding"), answer.headers.get("vary")], [
    null,
    "accept-encoding",
  ]);
  assertEquals(await answer.text(), metrics.render());
});

Deno.test("other work goes on while the metrics of 25,000 webhooks are rendered, once for all who ask", async () => {
  const webhooks = Array.from({ length: 25_000 }, (_, index) => {
    const id = `webhook-${index}`;
    return { namespace: "default", id, path: `default/${id}` } as CatalogEntry;
  });
  const byPath = new Map(webhooks.map((webhook) => [webhook.path, webhook]));
  const metrics = new Metrics();
  const requests = new RequestMetrics(metrics, new InFlight(1, 1), () => ({
    find: (path) => byPath.get(path),
    entries: () => webhooks,
  }));
  const { GET } = metricsRoute(metrics).methods;
  const request = new Request("http://localhost/metrics", { headers: { "accept-encoding": "gzip" } });
  let turns = 0;
  let ended = false;
  const turn = () => {
    turns++;
    // Counted while its series is being passed: it must still be there, once.
    if (turns === 3) requests.failed(webhooks.at(-1), { code: "unauthorized", cause: undefined });
    if (!ended) setImmediate(turn);
  };
  turn();
  const answers = await Promise.all([1, 2, 3].map(async () => {
    const answer = await GET!(request, "id", "", INFO);
    return gunzipSync(new Uint8Array(await answer.arrayBuffer())).toString();
  }));
  ended = true;
  await new Promise((resolve) => setImmediate(resolve));
  assert(turns > 20, `The event loop turned ${turns} times`);
  assertEquals(new Set(answers).size, 1);
  // One more is of requests to webhooks that do not exist.
  const lines = answers[0]!.split("\n").filter((line) => line.startsWith("cwm_requests_total{"));
  assertEquals(lines.length, 75_001);
  assertEquals(new Set(lines.map((line) => line.split(" ")[0])).size, 75_001);
});

Deno.test("webhooks beyond METRICS_WEBHOOKS are one in every metric, and have their own pages", async () => {
  const durable = { module: "log", accept: "durable" };
  await using gateway = await TestGateway.start({
    environment: { METRICS_WEBHOOKS: "1", ADMIN_TOKEN: "admin-token-0123456789" },
    webhooks: { first: durable, second: durable, third: { ...durable, ...GUARDED } },
  });
  await gateway.post("/webhook/first", "{}");
  await eventually(async () =>
    assertMatch(await scrape(gateway), /webhook="first",outcome="delivered"\} 1\n/)
  );
  await gateway.post("/webhook/second", "{}");
  await gateway.post("/webhook/third", "{}");
  await eventually(async () => {
    assertMatch(await scrape(gateway), /webhook="_others",outcome="delivered"\} 1\n/);
  });
  const text = await scrape(gateway);
  assertNotMatch(text, /webhook="(?:second|third)"/);
  const others = 'namespace="_others",webhook="_others"';
  assertStringIncludes(text, `cwm_requests_total{${others},outcome="unauthorized"} 1\n`);
  assertStringIncludes(text, `cwm_delivery_duration_seconds_count{${others}} 1\n`);
  assertMatch(
    text,
    /cwm_refusals_total\{namespace="_others",webhook="_others",code="unauthorized",reason=".+"\} 1\n/,
  );
  assertStringIncludes(text, `cwm_webhook_events_pending{${others}} 0\n`);
  const page = await gateway.request("/admin/webhooks/default/second", {
    headers: { authorization: "Bearer admin-token-0123456789" },
  });
  assertMatch(page.text, /"accepted":1\b/);
});

Deno.test("what waits, since when, and what failed can be seen of each webhook and destination", async () => {
  let isUp = false;
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response(null, { status: isUp ? 200 : 500 }),
  );
  const destination = `http://127.0.0.1:${server.addr.port}`;
  const forward = (path: string, more: object) => ({
    module: "http_webhook",
    "module-config": { url: `${destination}/${path}?key=secret`, allowed_hosts: ["127.0.0.1"] },
    accept: "durable",
    ...more,
  });
  await using gateway = await TestGateway.start({
    webhooks: {
      waits: forward("waits", { retry: { initial_delay: 0.1, max_delay: 0.1, max_attempts: 1_000 } }),
      dies: forward("dies", { retry: { max_attempts: 1 } }),
      idle: forward("idle", {}),
    },
  });
  for (const id of ["waits", "dies"]) await gateway.post(`/webhook/${id}`, "{}");
  const of = (id: string) => `{namespace="default",webhook="${id}"}`;
  await eventually(async () => {
    const text = await scrape(gateway);
    assertStringIncludes(text, `cwm_webhook_events_pending${of("waits")} 1\n`);
    assertMatch(text, /cwm_webhook_oldest_pending_seconds\{namespace="default",webhook="waits"\} (?!0\n)/);
    assertStringIncludes(text, `cwm_webhook_dead_letters${of("dies")} 1\n`);
    assertStringIncludes(text, `cwm_webhook_oldest_pending_seconds${of("dies")} 0\n`);
  });
  const place = `module="http_webhook",connection="http_webhook",destination="${destination}"`;
  assertMatch(
    await scrape(gateway),
    new RegExp(`cwm_output_attempts_total\\{${place},outcome="output_failed"\\} [1-9]`),
  );
  isUp = true;
  await eventually(async () => {
    const text = await scrape(gateway);
    assertStringIncludes(text, `cwm_webhook_events_pending${of("waits")} 0\n`);
    assertStringIncludes(text, `cwm_output_attempts_total{${place},outcome="delivered"} 1\n`);
    assertStringIncludes(text, `cwm_delivery_duration_seconds_count${of("waits")} 1\n`);
    assertMatch(text, new RegExp(`cwm_output_attempt_duration_seconds_count\\{${place}\\} [1-9]`));
    assert(!text.includes("key=secret"));
  });
});
