import { assert, assertEquals } from "@std/assert";
import { eventually } from "../support/eventually.ts";
import { GatewayProcess } from "../support/process/gateway_process.ts";
import { HttpTarget, type RecordedRequest } from "../support/http/target.ts";
import { RedisServer } from "../support/redis/server.ts";
import { OtlpCollector } from "../support/otlp_collector.ts";
import { TempDir } from "../support/temp_dir.ts";

const EVENTS = Array.from({ length: 40 }, (_, index) => index + 1);

/** A trace id of which the event's number can be read. */
function traceIdOf(n: number): string {
  return n.toString(16).padStart(32, "a");
}

async function writeWebhooks(directory: TempDir, target: HttpTarget): Promise<void> {
  await directory.writeJson("webhooks.json", {
    orders: {
      module: "http_webhook",
      "module-config": { url: target.url, allowed_hosts: ["127.0.0.1"] },
      trust_traceparent: true,
    },
  });
}

/** Posts all events at once, each with a trace of its own. */
async function postAll(gateway: GatewayProcess): Promise<void> {
  await Promise.all(EVENTS.map(async (n) => {
    const answer = await fetch(`${gateway.url}/webhook/orders`, {
      method: "POST",
      body: JSON.stringify({ n }),
      headers: { traceparent: `00-${traceIdOf(n)}-00000000000000b1-01` },
    });
    assertEquals(answer.status, 200);
    await answer.body?.cancel();
  }));
}

/** The trace that a delivery was sent with, and the one of its event. */
function tracesOf({ headers, text }: RecordedRequest): { readonly sent: string; readonly own: string } {
  const { n } = JSON.parse(text) as { readonly n: number };
  return { sent: headers.get("traceparent")?.split("-")[1] ?? "", own: traceIdOf(n) };
}

Deno.test("deliveries out of the journal carry the traces of their own events", async () => {
  await using collector = await OtlpCollector.start();
  await using target = await HttpTarget.start();
  await using directory = await TempDir.create();
  await writeWebhooks(directory, target);
  await using gateway = await GatewayProcess.start({ cwd: directory.path, env: collector.environment });
  await postAll(gateway);
  await target.waitForRequests(EVENTS.length);
  // Once more, over connections that other deliveries have opened.
  await postAll(gateway);
  const traces = (await target.waitForRequests(2 * EVENTS.length)).map(tracesOf);
  assertEquals(traces.filter(({ sent, own }) => sent !== own), []);

  await eventually(() => {
    const servers = collector.spans.filter(({ name }) => name === "POST /webhook/{webhook_id}");
    assertEquals(servers.length, 2 * EVENTS.length);
    for (const { attributes } of servers) {
      assertEquals(attributes.get("http.route"), "/webhook/{webhook_id}");
      assertEquals(attributes.get("cwm.namespace"), "default");
      assertEquals(attributes.get("cwm.webhook"), "orders");
    }
    const ids = new Set(servers.map(({ attributes }) => attributes.get("cwm.event_id")));
    assertEquals(ids.size, 2 * EVENTS.length);
    const parents = new Set(servers.map(({ spanId }) => spanId));
    const deliveries = collector.spans.filter(({ parentSpanId }) => parents.has(parentSpanId ?? ""));
    assertEquals(deliveries.map(({ name }) => name), Array(2 * EVENTS.length).fill("deliver http_webhook"));
    const [{ attributes } = { attributes: new Map() }] = deliveries;
    assertEquals([attributes.get("cwm.output"), attributes.get("cwm.webhook")], ["http_webhook", "orders"]);
    const delivering = new Set(deliveries.map(({ spanId }) => spanId));
    const requests = collector.spans.filter(({ parentSpanId }) => delivering.has(parentSpanId ?? ""));
    assertEquals(requests.length, 2 * EVENTS.length);
    assert(collector.metrics.includes("/webhook/{webhook_id}"), "The duration has no route");
  });
});

Deno.test("deliveries after kill -9 and a restart carry the traces of their own events", async () => {
  await using collector = await OtlpCollector.start();
  await using target = await HttpTarget.start();
  target.answer("hang");
  await using directory = await TempDir.create();
  await writeWebhooks(directory, target);
  const options = { cwd: directory.path, env: collector.environment };
  {
    await using gateway = await GatewayProcess.start(options);
    await postAll(gateway);
    gateway.kill("SIGKILL");
    await gateway.exited;
  }
  const before = target.requests.length;
  target.answer({ status: 200 });
  await using _gateway = await GatewayProcess.start(options);
  const again = (await target.waitForRequests(before + EVENTS.length)).slice(before).map(tracesOf);
  assertEquals(new Set(again.map(({ own }) => own)).size, EVENTS.length);
  assertEquals(again.filter(({ sent, own }) => sent !== own), []);
});

Deno.test("a stranger's trace is a link of the event's own, which goes on to those who read messages", async () => {
  await using collector = await OtlpCollector.start();
  await using redis = await RedisServer.start({ persistent: false });
  const messages = await redis.subscribe("events");
  await using directory = await TempDir.create();
  await directory.writeJson("webhooks.json", {
    orders: { module: "redis_publish", connection: "redis", "module-config": { channel: "events" } },
    known: {
      module: "redis_publish",
      connection: "redis",
      "module-config": { channel: "events" },
      trust_traceparent: true,
    },
  });
  await directory.writeJson("connections.json", {
    redis: { type: "redis", host: "127.0.0.1", port: redis.port },
  });
  await using gateway = await GatewayProcess.start({ cwd: directory.path, env: collector.environment });
  const post = async (id: string, headers: HeadersInit) => {
    const url = `${gateway.url}/webhook/${id}`;
    const answer = await fetch(url, { method: "POST", body: "{}", headers });
    assertEquals(answer.status, 200);
    await answer.body?.cancel();
  };
  const strangers = `00-${traceIdOf(1)}-00000000000000b1-01`;
  const headers = { traceparent: strangers, tracestate: "theirs=1", baggage: "secret=1" };
  await post("orders", headers);
  await post("orders", {});
  await post("known", headers);
  await eventually(() => assertEquals(messages.length, 3), { timeoutMs: 30_000 });
  const carried = messages.map((message) => JSON.parse(new TextDecoder().decode(message)).headers);
  const [own, usual, trusted] = carried.map(({ traceparent }) => traceparent.split("-")[1]);
  assert(own !== traceIdOf(1) && usual !== own);
  assertEquals(trusted, traceIdOf(1));
  assertEquals([carried[0].tracestate, carried[0].baggage], [undefined, undefined]);
  await eventually(() => {
    const { spans } = collector;
    const server = spans.find(({ traceId, attributes }) =>
      traceId === traceIdOf(1) && attributes.get("cwm.webhook") === "orders"
    );
    const root = spans.find(({ name, traceId }) => name === "event" && traceId === own);
    assert(server !== undefined && root !== undefined);
    assertEquals(root.links.map(({ spanId }) => spanId), [server.spanId]);
    assertEquals([root.parentSpanId, root.attributes.get("cwm.event_id")], [
      undefined,
      carried[0]["cwm-event-id"],
    ]);
    const delivered = spans.filter(({ name }) => name === "deliver redis_publish");
    assertEquals(delivered.length, 3);
  }, { timeoutMs: 30_000 });
});

Deno.test("no query of a request is in a trace, since it may hold a key", async () => {
  await using collector = await OtlpCollector.start();
  await using directory = await TempDir.create();
  const api_key = "right-key-of-the-tests";
  await directory.writeJson("webhooks.json", { orders: { module: "log", query_auth: { api_key } } });
  await using gateway = await GatewayProcess.start({ cwd: directory.path, env: collector.environment });
  const targets = [
    ["orders", 200],
    ["orders/", 200],
    ["strangers", 404],
  ] as const;
  for (const [webhook, status] of targets) {
    const url = `${gateway.url}/webhook/${webhook}?api_key=${api_key}`;
    const answer = await fetch(url, { method: "POST", body: "{}" });
    await answer.body?.cancel();
    assertEquals(answer.status, status);
  }
  await eventually(() => {
    const shown = collector.spans.map(({ attributes }) => Object.fromEntries(attributes));
    const addresses = shown.filter(({ "url.full": url }) => url?.includes("/webhook/") === true);
    assertEquals(addresses.length, targets.length);
    assert(!JSON.stringify(shown).includes(api_key), "The key is in a span");
    assert(addresses.every(({ "url.full": url }) => url?.endsWith("?[REDACTED]")));
  });
});

Deno.test("a collector that takes telemetry and never answers does not hold up the end", async () => {
  await using collector = await OtlpCollector.start();
  await using target = await HttpTarget.start();
  await using directory = await TempDir.create();
  await writeWebhooks(directory, target);
  await using gateway = await GatewayProcess.start({
    cwd: directory.path,
    env: {
      ...collector.environment,
      OTEL_EXPORTER_OTLP_TIMEOUT: "3600000",
      SHUTDOWN_GRACE_MS: "0",
      SHUTDOWN_TIMEOUT_MS: "1000",
    },
  });
  collector.fallSilent();
  await postAll(gateway);
  await target.waitForRequests(EVENTS.length);
  gateway.kill("SIGTERM");
  const status = await gateway.exited;
  assertEquals({ code: status.code, signal: status.signal }, { code: 0, signal: null });
});
