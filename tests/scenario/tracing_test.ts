import { assert, assertEquals } from "@std/assert";
import { eventually } from "../support/eventually.ts";
import { GatewayProcess } from "../support/process/gateway_process.ts";
import { HttpTarget, type RecordedRequest } from "../support/http/target.ts";
import { OtlpCollector } from "../support/otlp_collector.ts";
import { TempDir } from "../support/temp_dir.ts";

const EVENTS = Array.from({ length: 40 }, (_, index) => index + 1);

/** A trace id of which the event's number can be read. */
function traceIdOf(n: number): string {
  return n.toString(16).padStart(32, "a");
}

async function writeWebhooks(directory: TempDir, target: HttpTarget): Promise<void> {
  await directory.writeJson("webhooks.json", {
    orders: { module: "http_webhook", "module-config": { url: target.url, allowed_hosts: ["127.0.0.1"] } },
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
    assertEquals(deliveries.length, 2 * EVENTS.length);
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
