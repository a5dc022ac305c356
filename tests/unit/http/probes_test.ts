import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { errorCode, TestGateway } from "../../support/gateway.ts";
import { ProbeModule } from "../../support/probe_module.ts";
import { formatRequest, RawHttpConnection } from "../../support/http/raw_http.ts";

async function start(environment: Record<string, string> = {}) {
  const probe = new ProbeModule();
  const gateway = await TestGateway.start({
    webhooks: {
      open: { module: "probe", probes: true, methods: ["POST", "PUT"] },
      guarded: { module: "probe", probes: true, authorization: "Bearer a-token-of-the-tests" },
      plain: { module: "probe" },
      off: { module: "probe", probes: true, enabled: false },
      unconnected: { module: "kafka", probes: true, "module-config": { topic: "t" } },
      broken: { module: "probe", probse: true },
    },
    modules: [probe.module],
    environment,
  });
  return { probe, gateway, [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose]() };
}

for (const method of ["HEAD", "GET", "OPTIONS"]) {
  Deno.test(`${method} on a webhook with probes gets an empty 200, and there is no event`, async () => {
    await using context = await start();
    const { gateway, probe } = context;
    for (const path of ["/webhook/open", "/webhook/default/open/", "/webhook/open?challenge=1"]) {
      const answer = await gateway.request(path, { method });
      assertEquals([answer.status, answer.text], [200, ""]);
      assertEquals(answer.headers.get("content-type"), null);
      assertEquals(
        answer.headers.get("allow"),
        method === "OPTIONS" ? "POST, PUT, GET, HEAD, OPTIONS" : null,
      );
      assertMatch(answer.headers.get("x-request-id") ?? "", /^[a-z0-9-]{1,40}$/);
    }
    assertEquals(probe.events, []);
  });

  Deno.test(`${method} on a webhook without probes gets 405 with the methods that it takes`, async () => {
    await using context = await start();
    const answer = await context.gateway.request("/webhook/plain", { method });
    assertEquals([answer.status, answer.headers.get("allow")], [405, "POST"]);
  });
}

Deno.test("probes are counted apart from events and from refusals", async () => {
  await using context = await start();
  const { gateway } = context;
  for (const method of ["HEAD", "GET", "OPTIONS"]) await gateway.request("/webhook/open", { method });
  await gateway.post("/webhook/open", "{}");
  const { text } = await gateway.request("/metrics");
  assertStringIncludes(
    text,
    `cwm_requests_total{namespace="default",webhook="open",outcome="probe"} 3\n`,
  );
  assertStringIncludes(
    text,
    `cwm_requests_total{namespace="default",webhook="open",outcome="accepted"} 1\n`,
  );
});

Deno.test("a probe is not authenticated, while events of the same webhook are", async () => {
  await using context = await start();
  const { gateway } = context;
  assertEquals((await gateway.request("/webhook/guarded")).status, 200);
  assertEquals((await gateway.post("/webhook/guarded", "{}")).status, 401);
});

Deno.test("other methods get 405 with the webhook's methods and those of probes", async () => {
  await using context = await start();
  const answer = await context.gateway.request("/webhook/open", { method: "DELETE" });
  assertEquals([answer.status, errorCode(answer)], [405, "method_not_allowed"]);
  assertEquals(answer.headers.get("allow"), "POST, PUT, GET, HEAD, OPTIONS");
});

Deno.test("a probe of a webhook that takes no events is answered as an event would be", async (t) => {
  await using context = await start();
  const { gateway } = context;
  const cases: readonly [webhook: string, status: number, code: string][] = [
    ["off", 404, "webhook_disabled"],
    ["unconnected", 503, "connection_unresolved"],
    ["broken", 503, "webhook_misconfigured"],
  ];
  for (const [webhook, status, code] of cases) {
    await t.step(`${webhook} gets ${status} ${code}`, async () => {
      const answer = await gateway.request(`/webhook/${webhook}`);
      assertEquals([answer.status, errorCode(answer)], [status, code]);
    });
  }
});

Deno.test("a webhook that was never valid answers 503 to every method, so that senders come again", async () => {
  await using context = await start();
  for (const method of ["PUT", "PATCH", "GET", "OPTIONS", "DELETE"]) {
    const answer = await context.gateway.request("/webhook/broken", { method });
    assertEquals([answer.status, errorCode(answer)], [503, "webhook_misconfigured"], method);
  }
});

Deno.test("a connection stays usable after a probe that brought a body", async () => {
  await using context = await start();
  const { gateway, probe } = context;
  await using connection = await RawHttpConnection.open(gateway.port);
  await connection.write(formatRequest("OPTIONS", "/webhook/open", { body: "x".repeat(1000) }));
  assertEquals((await connection.readResponse()).status, 200);
  await connection.write(formatRequest("HEAD", "/webhook/open"));
  assertEquals((await connection.readResponse({ method: "HEAD" })).status, 200);
  await connection.write(formatRequest("POST", "/webhook/open", { body: "{}" }));
  assertEquals((await connection.readResponse()).status, 200);
  assertEquals(probe.events.length, 1);
});

Deno.test("REQUEST_ID_HEADER=errors leaves the id out of the answer to a probe too", async () => {
  await using context = await start({ REQUEST_ID_HEADER: "errors" });
  assertEquals((await context.gateway.request("/webhook/open")).headers.get("x-request-id"), null);
});

Deno.test("a probe counts as a request under way, and its place is free again afterwards", async () => {
  await using context = await start({ MAX_INFLIGHT: "1" });
  const { gateway } = context;
  for (let count = 0; count < 3; count++) {
    assertEquals((await gateway.request("/webhook/open")).status, 200);
  }
  assertEquals((await gateway.post("/webhook/open", "{}")).status, 200);
});
