import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { EtcdServer } from "../support/etcd/server.ts";
import { eventually } from "../support/eventually.ts";
import { errorCode } from "../support/gateway.ts";
import { GatewayProcess, spawnProgram } from "../support/process/gateway_process.ts";
import { HttpTarget } from "../support/http/target.ts";
import { TempDir } from "../support/temp_dir.ts";

const ADMIN_TOKEN = "an-admin-token-of-the-tests";

function environment(etcd: EtcdServer, more: Record<string, string> = {}): Record<string, string> {
  return {
    CONFIG_BACKEND: "etcd",
    ETCD_HOST: "127.0.0.1",
    ETCD_PORT: String(etcd.port),
    ETCD_NAMESPACE: "production",
    ADMIN_TOKEN,
    ...more,
  };
}

async function start(etcd: EtcdServer, more: Record<string, string> = {}): Promise<GatewayProcess> {
  return await GatewayProcess.start({ env: environment(etcd, more) });
}

/** Sends what `curl -d` sends. */
async function post(
  gateway: GatewayProcess,
  path: string,
  body: string,
): Promise<{ status: number; text: string; headers: Headers }> {
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  const answer = await fetch(`${gateway.url}${path}`, { method: "POST", body, headers });
  return { status: answer.status, text: await answer.text(), headers: answer.headers };
}

async function getJson(gateway: GatewayProcess, path: string): Promise<Record<string, unknown>> {
  const answer = await fetch(`${gateway.url}${path}`, {
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
  });
  return await answer.json() as Record<string, unknown>;
}

Deno.test("the quick start of the requirements works as it is written", async () => {
  await using etcd = await EtcdServer.start();
  await etcd.ctl(
    "put",
    "/cwm/production/webhooks/github_events",
    `{"data_type":"json","module":"log","module-config":{"pretty_print":true}}`,
  );
  await etcd.ctl(
    "put",
    "/cwm/global/connections/redis_main",
    `{"type":"redis-rq","host":"localhost","port":6379}`,
  );
  await using gateway = await start(etcd);
  await gateway.waitUntilReady();

  const body = `{"action":"push","repo":"myapp"}`;
  assertEquals((await post(gateway, "/webhook/production/github_events", body)).status, 200);
  assertEquals((await post(gateway, "/webhook/github_events", body)).status, 200);

  await etcd.ctl("put", "/cwm/production/webhooks/stripe_events", `{"data_type":"json","module":"log"}`);
  await eventually(async () =>
    assertEquals((await post(gateway, "/webhook/stripe_events", body)).status, 200)
  );
  await etcd.ctl("del", "/cwm/production/webhooks/stripe_events");
  await eventually(async () =>
    assertEquals((await post(gateway, "/webhook/stripe_events", body)).status, 404)
  );
});

Deno.test("namespaces are kept apart: a webhook of one does not exist in another", async () => {
  await using first = await HttpTarget.start();
  await using second = await HttpTarget.start();
  await using etcd = await EtcdServer.start();
  const to = (target: HttpTarget) =>
    JSON.stringify({
      module: "http_webhook",
      "module-config": { url: target.url, allowed_hosts: ["127.0.0.1"] },
    });
  await etcd.ctl("put", "/cwm/team-a/webhooks/orders", to(first));
  await etcd.ctl("put", "/cwm/team-b/webhooks/orders", to(second));
  await etcd.ctl("put", "/cwm/team-a/webhooks/payments", `{"module":"log"}`);
  await using gateway = await start(etcd);
  await gateway.waitUntilReady();
  assertEquals((await post(gateway, "/webhook/team-a/orders", `{"order_id":"a"}`)).status, 200);
  assertEquals((await post(gateway, "/webhook/team-b/orders", `{"order_id":"b"}`)).status, 200);
  assertEquals((await post(gateway, "/webhook/team-b/payments", "{}")).status, 404);
  assertEquals((await post(gateway, "/webhook/orders", "{}")).status, 404);
  const bodies = (target: HttpTarget) => target.requests.map(({ body }) => new TextDecoder().decode(body));
  assertEquals([bodies(first), bodies(second)], [[`{"order_id":"a"}`], [`{"order_id":"b"}`]]);
});

Deno.test("a webhook whose module does not exist is a problem of that key alone", async () => {
  await using etcd = await EtcdServer.start();
  await etcd.ctl(
    "put",
    "/cwm/team-a/webhooks/orders",
    `{"module":"pigeon_post","module-config":{"endpoint":"tcp://orders:5555"}}`,
  );
  await etcd.ctl("put", "/cwm/team-a/webhooks/payments", `{"module":"log"}`);
  await etcd.ctl(
    "put",
    "/cwm/global/connections/kafka_main",
    `{"type":"kafka","bootstrap_servers":"kafka:9092"}`,
  );
  await using gateway = await start(etcd);
  await gateway.waitUntilReady();
  const answer = await post(gateway, "/webhook/team-a/orders", `{"order_id":"123"}`);
  assertEquals([answer.status, errorCode(answer)], [503, "webhook_misconfigured"]);
  assertEquals((await post(gateway, "/webhook/team-a/payments", "{}")).status, 200);
  const { problems, connections } = await getJson(gateway, "/admin/config") as {
    problems: Record<string, string>[];
    connections: number;
  };
  assertEquals(problems.map(({ key, code }) => [key, code]), [[
    "webhook team-a/orders",
    "unknown_module",
  ]]);
  assertMatch(problems[0]?.["revision"] ?? "", /^\d+$/);
  assertEquals(connections, 1);
});

Deno.test("while etcd is down the gateway serves on and says so, and follows etcd again afterwards", async () => {
  await using etcd = await EtcdServer.start();
  await etcd.ctl("put", "/cwm/production/webhooks/a", `{"module":"log"}`);
  await using gateway = await start(etcd);
  await gateway.waitUntilReady();
  const { components } = await getJson(gateway, "/health") as { components: unknown };
  assertEquals(components, { config_manager: "healthy", etcd: "healthy" });
  await etcd.kill();
  await eventually(async () => {
    const { outage, status, components } = await getJson(gateway, "/health") as {
      readonly outage?: { readonly reason: string };
      readonly status: string;
      readonly components: unknown;
    };
    assertEquals(status, "healthy");
    assertEquals(components, { config_manager: "healthy", etcd: "disconnected" });
    assertEquals(outage?.reason, "unreachable");
  });
  assertEquals((await post(gateway, "/webhook/a", "{}")).status, 200);
  await etcd.restart();
  await etcd.ctl("put", "/cwm/production/webhooks/b", `{"module":"log"}`);
  await eventually(async () => assertEquals((await post(gateway, "/webhook/b", "{}")).status, 200), {
    timeoutMs: 30_000,
  });
});

Deno.test("a gateway that is started while etcd is down answers 503 and becomes ready when etcd comes", async () => {
  await using etcd = await EtcdServer.start();
  await etcd.ctl("put", "/cwm/production/webhooks/a", `{"module":"log"}`);
  await etcd.kill();
  await using gateway = await start(etcd);
  const early = await post(gateway, "/webhook/a", "{}");
  assertEquals([early.status, errorCode(early)], [503, "not_ready"]);
  assertMatch(early.headers.get("retry-after") ?? "", /^\d+$/);
  assertEquals(await fetch(`${gateway.url}/livez`).then((answer) => answer.text()), "ok\n");
  assertEquals(
    await fetch(`${gateway.url}/readyz`).then((answer) => answer.text().then(() => answer.status)),
    503,
  );
  await etcd.restart();
  await gateway.waitUntilReady({ timeoutMs: 30_000 });
  assertEquals((await post(gateway, "/webhook/a", "{}")).status, 200);
});

Deno.test("a gateway started from a snapshot while etcd is down serves it, and says it is degraded", async () => {
  await using directory = await TempDir.create();
  const snapshot = { CONFIG_SNAPSHOT_FILE: directory.file("snapshot") };
  await using etcd = await EtcdServer.start();
  await etcd.ctl("put", "/cwm/production/webhooks/a", `{"module":"log"}`);
  {
    await using gateway = await start(etcd, { ...snapshot, SHUTDOWN_GRACE_MS: "0" });
    await gateway.waitUntilReady();
    gateway.kill("SIGTERM");
    await gateway.exited;
  }
  assertEquals((await Deno.stat(snapshot.CONFIG_SNAPSHOT_FILE)).mode! & 0o777, 0o600);
  await etcd.kill();
  await using gateway = await start(etcd, snapshot);
  await gateway.waitUntilReady();
  const { outage, ...readiness } = await getJson(gateway, "/readyz") as { outage: { reason: string } };
  assertEquals(readiness, { status: "ready", configuration: "degraded" });
  assertEquals(outage.reason, "unreachable");
  assertEquals((await post(gateway, "/webhook/a", "{}")).status, 200);
  assertStringIncludes(await (await fetch(`${gateway.url}/metrics`)).text(), "\ncwm_config_degraded 1\n");
  await etcd.restart();
  await eventually(
    async () => assertEquals(await getJson(gateway, "/readyz"), { status: "ready", configuration: "loaded" }),
    {
      timeoutMs: 30_000,
    },
  );
});

Deno.test("metrics show the watch, the revision and how the keys are", async () => {
  await using etcd = await EtcdServer.start();
  await etcd.ctl("put", "/cwm/production/webhooks/a", `{"module":"log"}`);
  await etcd.ctl("put", "/cwm/production/webhooks/b", `{"module":`);
  await using gateway = await start(etcd);
  await gateway.waitUntilReady();
  await etcd.ctl("put", "/cwm/production/webhooks/c", `{"module":"log"}`);
  await eventually(async () => {
    const metrics = await (await fetch(`${gateway.url}/metrics`)).text();
    for (
      const line of [
        "cwm_etcd_watch_connected 1",
        "cwm_etcd_events_total 1",
        `cwm_etcd_relists_total{reason="start"} 1`,
        `cwm_config_keys{state="ok"} 2`,
        `cwm_config_keys{state="invalid"} 1`,
      ]
    ) assertStringIncludes(metrics, `\n${line}\n`);
    assertMatch(metrics, /\ncwm_etcd_last_applied_revision [1-9]\d*\n/);
    assertMatch(metrics, /\ncwm_etcd_last_sync_timestamp_seconds [1-9]/);
  });
});

Deno.test("cwm check finds the problems of what is in etcd, and says when etcd cannot be reached", async () => {
  await using directory = await TempDir.create();
  await using etcd = await EtcdServer.start();
  await etcd.ctl("put", "/cwm/team-a/webhooks/typo", `{"module":"log","hmca":{"secret":"s"}}`);
  await etcd.ctl("put", "/cwm/team-a/webhooks/good", `{"module":"log"}`);
  const check = async () => {
    await using program = spawnProgram({ args: ["check"], cwd: directory.path, env: environment(etcd) });
    const { code } = await program.exited;
    return { code, lines: program.lines.map(({ text }) => text) };
  };
  const found = await check();
  assertEquals(found.code, 1);
  assertStringIncludes(
    found.lines[0] ?? "",
    "webhook team-a/typo: hmca: Key 'hmca' is not known: nearest is 'hmac'",
  );
  assertEquals(found.lines.at(-1), "1 problem in 2 webhooks and 0 connections");
  await etcd.kill();
  const unreachable = await check();
  assertEquals(unreachable.code, 1);
  assertStringIncludes(unreachable.lines.at(-1) ?? "", "connection refused: nothing listens there");
});

Deno.test("a gateway that etcd has locked out serves on, says so, and is unready where that is asked", async () => {
  await using etcd = await EtcdServer.start();
  await etcd.ctl("put", "/cwm/production/webhooks/orders", `{"module":"log"}`);
  await etcd.enableAuth("/cwm/");
  const login = { ETCD_USERNAME: "reader", ETCD_PASSWORD: "reader", CONFIG_DEGRADED_AFTER_SECONDS: "1" };
  await using gateway = await start(etcd, login);
  await using strict = await start(etcd, { ...login, UNREADY_WHEN_DEGRADED: "on" });
  await gateway.waitUntilReady();
  await strict.waitUntilReady();
  await etcd.ctl("--user", "root:root", "user", "delete", "reader");
  const readiness = async ({ url }: GatewayProcess) => {
    const answer = await fetch(`${url}/readyz`);
    const body: unknown = await answer.json();
    return {
      code: answer.status,
      body: body as { configuration: string; status: string; outage?: { reason: string } },
    };
  };
  const seen = await eventually(async () => {
    const answer = await readiness(gateway);
    assertEquals(answer.body.configuration, "degraded");
    return answer;
  }, { timeoutMs: 60_000 });
  assertEquals([seen.code, seen.body.status, seen.body.outage?.reason], [200, "ready", "denied"]);
  await eventually(async () => assertEquals((await readiness(strict)).code, 503), { timeoutMs: 60_000 });
  const health = await getJson(gateway, "/health");
  assertEquals(health["status"], "healthy");
  assertEquals((health["outage"] as Record<string, unknown>)["reason"], "denied");
  const { outage } = await getJson(gateway, "/admin/config") as { outage: Record<string, string> };
  assertEquals(outage["reason"], "denied");
  assertStringIncludes(outage["message"]!, "authentic");
  for (const { url } of [gateway, strict]) {
    const answer = await fetch(`${url}/webhook/orders`, { method: "POST", body: "{}" });
    await answer.body?.cancel();
    assertEquals(answer.status, 200);
  }
});
