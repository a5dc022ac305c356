import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { eventually } from "../../../support/eventually.ts";
import { errorCode, TestGateway } from "../../../support/gateway.ts";

const ADMIN_TOKEN = "an-admin-token-of-the-tests";

async function start(environment: Record<string, string> = { ADMIN_TOKEN }): Promise<TestGateway> {
  return await TestGateway.start({ webhooks: { a: { module: "log" } }, environment });
}

const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

for (const path of ["/admin/config", "/admin/stats", "/admin/status"]) {
  Deno.test(`GET ${path} answers only with the admin token`, async () => {
    await using gateway = await start();
    assertEquals((await gateway.request(path, bearer(ADMIN_TOKEN))).status, 200);
    const none = await gateway.request(path);
    assertEquals([none.status, errorCode(none)], [401, "unauthorized"]);
    assertEquals(none.headers.get("www-authenticate"), "Bearer");
    assertEquals((await gateway.request(path, bearer(ADMIN_TOKEN + "x"))).status, 401);
    assertEquals((await gateway.request(path, bearer(""))).status, 401);
  });

  Deno.test(`GET ${path} is closed while no admin token is set`, async () => {
    await using gateway = await start({});
    const answer = await gateway.request(path, bearer("undefined"));
    assertEquals([answer.status, errorCode(answer)], [403, "forbidden"]);
  });
}

Deno.test("the admin token's scheme is known in any case, and requests without it are counted", async () => {
  await using gateway = await start();
  const ask = (authorization?: string) =>
    gateway.request("/admin/stats", authorization === undefined ? {} : { headers: { authorization } });
  for (const scheme of ["bearer", "BEARER", "Bearer "]) {
    assertEquals((await ask(`${scheme} ${ADMIN_TOKEN}`)).status, 200, scheme);
  }
  const counted = async () =>
    /^cwm_admin_unauthorized_total (\d+)$/m.exec((await gateway.request("/metrics")).text)?.[1];
  assertEquals(await counted(), "0");
  for (const wrong of [undefined, ADMIN_TOKEN, `Basic ${ADMIN_TOKEN}`, `Bearer ${ADMIN_TOKEN}x`]) {
    assertEquals((await ask(wrong)).status, 401, wrong);
  }
  assertEquals(await counted(), "4");
});

Deno.test("GET /admin/config shows the backend, how much is served and when it was last in step", async () => {
  await using gateway = await start();
  const { text } = await gateway.request("/admin/config", bearer(ADMIN_TOKEN));
  const { last_sync_at, snapshot, ...config } = JSON.parse(text) as Record<string, unknown> & {
    readonly snapshot: { readonly file: string };
  };
  assertEquals(snapshot.file, gateway.file("data/config/file.snapshot"));
  assertEquals(config, {
    backend: "file",
    connected: true,
    degraded: false,
    revision: "1",
    outage: null,
    webhooks: 1,
    connections: 0,
    keys: { ok: 1, stale: 0, invalid: 0 },
    unserved: { count: 0, keys: [] },
    problem_count: 0,
    problems: [],
    warning_count: 0,
    warnings: [],
  });
  assertEquals(Number.isNaN(Date.parse(String(last_sync_at))), false);
});

Deno.test("POST /admin/reload has changed files in service when it answers", async () => {
  await using gateway = await start();
  await gateway.writeWebhooks({ b: { module: "log" } });
  const answer = await gateway.request("/admin/reload", { method: "POST", ...bearer(ADMIN_TOKEN) });
  assertEquals(answer.status, 200);
  assertEquals((await gateway.post("/webhook/b", "{}")).status, 200);
});

Deno.test("an admin route answers a wrong method with the right one", async () => {
  await using gateway = await start();
  const answer = await gateway.request("/admin/reload", bearer(ADMIN_TOKEN));
  assertEquals([answer.status, answer.headers.get("allow")], [405, "POST"]);
});

Deno.test("HEAD is answered like GET, without a body", async () => {
  await using gateway = await start();
  const answer = await gateway.request("/health", { method: "HEAD" });
  assertEquals([answer.status, answer.text], [200, ""]);
});

Deno.test("metrics can be switched off", async () => {
  await using gateway = await start({ METRICS: "off" });
  assertEquals((await gateway.request("/metrics")).status, 404);
  await using other = await start({});
  assertStringIncludes((await other.request("/metrics")).text, "# TYPE cwm_requests_total counter");
});

Deno.test("GET /admin/status says that a gateway with nothing wrong is well", async () => {
  await using gateway = await start();
  const { text } = await gateway.request("/admin/status", bearer(ADMIN_TOKEN));
  const counts = { down: 0, impaired: 0, off: 0 };
  const { parts, ...status } = JSON.parse(text) as { parts: Record<string, unknown> };
  assertEquals(status, { status: "well", counts, unlisted: 0, troubles: [] });
  assertEquals(Object.values(parts), Array(6).fill({ state: "well", count: 0 }));
});

Deno.test("GET /admin/status says at which revision a webhook was removed that requests come for", async () => {
  await using gateway = await TestGateway.start({
    webhooks: { gone: { module: "log" }, kept: { module: "log" } },
    environment: { ADMIN_TOKEN },
  });
  await gateway.writeWebhooks({ kept: { module: "log" } });
  await eventually(async () => assertEquals((await gateway.post("/webhook/gone", "{}")).status, 404));
  const { text } = await gateway.request("/admin/status", bearer(ADMIN_TOKEN));
  const { troubles: [missing] } = JSON.parse(text) as {
    troubles: { kind: string; name: string; cause: string }[];
  };
  assertEquals([missing?.kind, missing?.name], ["missing", "default/gone"]);
  assertMatch(missing!.cause, /since it was removed at revision \d+/);
});
