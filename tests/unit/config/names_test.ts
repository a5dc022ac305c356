import { assertEquals, assertMatch } from "@std/assert";
import { errorCode, TestGateway } from "../../support/gateway.ts";
import { TempDir } from "../../support/temp_dir.ts";

const LOG = { module: "log" };

Deno.test("a webhook whose id begins with x- is served from a file, and a remark that does is none", async () => {
  await using gateway = await TestGateway.start({
    webhooks: { "x-twitter": LOG, "x-note": { text: "ours" }, "x-broken": { module: "lgo" }, orders: LOG },
  });
  assertEquals((await gateway.post("/webhook/x-twitter", "{}")).status, 200);
  assertEquals((await gateway.post("/webhook/orders", "{}")).status, 200);
  assertEquals(errorCode(await gateway.post("/webhook/x-note", "{}")), "webhook_not_found");
  assertEquals(errorCode(await gateway.post("/webhook/x-broken", "{}")), "webhook_misconfigured");
});

Deno.test("remarks in files, webhooks, connections and their settings are left out", async () => {
  const remarks = {
    $schema: "https://example.com/s.json",
    "//": "ours",
    description: "ours",
    _old: 1,
    "x-a": 1,
  };
  await using gateway = await TestGateway.start({
    webhooks: {
      ...remarks,
      orders: { ...LOG, ...remarks, "module-config": { ...remarks, pretty_print: true }, retry: remarks },
      chained: { ...remarks, chain: [{ ...LOG, ...remarks, "module-config": remarks }, "log"] },
    },
    connections: { ...remarks, main: { type: "redis", host: "localhost", ...remarks } },
    environment: { ADMIN_TOKEN: "a-token-of-the-tests" },
  });
  assertEquals((await gateway.post("/webhook/orders", "{}")).status, 200);
  assertEquals((await gateway.post("/webhook/chained", "{}")).status, 200);
  const config = await gateway.request("/admin/config", {
    headers: { authorization: "Bearer a-token-of-the-tests" },
  });
  assertMatch(config.text, /"problems":\[\]/);
});

Deno.test("what looks like a remark among the headers of a destination is a header", async () => {
  await using target = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    const names = ["x-team", "_tenant", "description"];
    received.push(names.map((name) => request.headers.get(name)));
    return new Response();
  });
  const received: (string | null)[][] = [];
  await using gateway = await TestGateway.start({
    webhooks: {
      out: {
        accept: "delivered",
        module: "http_webhook",
        "module-config": {
          url: `http://127.0.0.1:${target.addr.port}/`,
          allowed_hosts: ["127.0.0.1"],
          headers: { "x-team": "a", "_tenant": "b", description: "c" },
        },
      },
    },
  });
  assertEquals((await gateway.post("/webhook/out", "{}")).status, 200);
  assertEquals(received, [["a", "b", "c"]]);
});

Deno.test("a webhook with a key that stands twice lets nobody in, whichever value they know", async () => {
  await using directory = await TempDir.create();
  const path = await directory.writeText(
    "webhooks.json",
    `{"hook": {"module": "log", "authorization": "Bearer a", "authorization": "Bearer b"},
      "sig": {"module": "log", "hmac": {"secret": "aaaa", "secret": "bbbb"}}}`,
  );
  await using gateway = await TestGateway.start({ environment: { WEBHOOKS_CONFIG_FILE: path } });
  for (const authorization of ["Bearer a", "Bearer b", ""]) {
    const answer = await gateway.post("/webhook/hook", "{}", { authorization });
    assertEquals(errorCode(answer), "webhook_misconfigured");
  }
  assertEquals(errorCode(await gateway.post("/webhook/sig", "{}")), "webhook_misconfigured");
});

Deno.test("a webhook id may hold dots, in URLs, files on disk, metrics and admin routes alike", async () => {
  await using directory = await TempDir.create();
  await using gateway = await TestGateway.start({
    webhooks: {
      "orders.v1": {
        module: "save_to_disk",
        accept: "durable",
        "module-config": { base_dir: directory.path, filename_pattern: "{webhook_id}-{event_id}.json" },
      },
      "orders.v2": LOG,
    },
    environment: { ADMIN_TOKEN: "a-token-of-the-tests" },
  });
  assertEquals((await gateway.post("/webhook/orders.v1", "{}")).status, 200);
  assertEquals((await gateway.post("/webhook/default/orders.v2", "{}")).status, 200);
  const { text } = await gateway.request("/metrics");
  assertMatch(text, /cwm_requests_total\{namespace="default",webhook="orders\.v1",outcome="accepted"\} 1/);
  const headers = { authorization: "Bearer a-token-of-the-tests" };
  const shown = await gateway.request("/admin/webhooks/default/orders.v1", { headers });
  assertEquals(shown.status, 200);
  const letters = await gateway.request("/admin/dead-letters?webhook=orders.v1", { headers });
  assertEquals(letters.status, 200);
  await gateway.drain();
  const names = [...Deno.readDirSync(directory.path)].map(({ name }) => name);
  assertEquals(names.map((name) => name.split("-")[0]), ["orders.v1"]);
});

Deno.test("an id with a dot where no id has one is refused, and leads nowhere", async () => {
  await using gateway = await TestGateway.start({ webhooks: { orders: LOG } });
  for (const id of ["orders.", ".orders", "a..b", "orders..", "%2e%2e%2forders"]) {
    const answer = await gateway.post(`/webhook/default/${id}`, "{}");
    assertEquals([answer.status, errorCode(answer)], [400, "invalid_webhook_id"], id);
  }
  assertEquals(errorCode(await gateway.post("/webhook/orders.v9", "{}")), "webhook_not_found");
});
