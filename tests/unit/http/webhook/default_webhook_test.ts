import { assertEquals, assertMatch, assertNotMatch } from "@std/assert";
import { RawHttpConnection } from "../../../support/http/raw_http.ts";
import { errorCode, TestGateway } from "../../../support/gateway.ts";
import { TempDir } from "../../../support/temp_dir.ts";

const ON = { DEFAULT_WEBHOOK: "on" };
const ADMIN_TOKEN = "a-token-of-the-tests";

/** The warnings in service, as `/admin/config` lists them. */
async function warnings(gateway: TestGateway): Promise<{ readonly key: string; readonly code: string }[]> {
  const { text } = await gateway.request("/admin/config", {
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
  });
  return (JSON.parse(text) as { warnings: { key: string; code: string }[] }).warnings
    .map(({ key, code }) => ({ key, code }));
}

Deno.test("the webhook default takes requests to unknown webhooks of its namespace as its own", async () => {
  await using gateway = await TestGateway.start({
    webhooks: { default: { module: "log" }, orders: { module: "log" } },
    environment: ON,
  });
  for (const id of ["unknown", "default/unknown.v1", "unknown/", "default", "orders"]) {
    assertEquals((await gateway.post(`/webhook/${id}`, "{}")).status, 200, id);
  }
  assertEquals(errorCode(await gateway.post("/webhook/other/unknown", "{}")), "webhook_not_found");
  const { text } = await gateway.request("/metrics");
  assertMatch(text, /cwm_requests_total\{namespace="default",webhook="default",outcome="accepted"\} 4/);
  assertMatch(text, /cwm_requests_total\{namespace="default",webhook="orders",outcome="accepted"\} 1/);
  assertNotMatch(text, /webhook="unknown/);
});

Deno.test("an id that cannot be one is refused, whatever takes the unknown ones", async () => {
  await using gateway = await TestGateway.start({
    webhooks: { default: { module: "log" } },
    environment: ON,
  });
  assertEquals(errorCode(await gateway.post("/webhook/_internal", "{}")), "invalid_webhook_id");
  assertEquals(errorCode(await gateway.post("/webhook/a%20b/c", "{}")), "invalid_namespace");
});

Deno.test("events of the webhook default name the webhook that was asked for, whatever is sent", async () => {
  await using directory = await TempDir.create();
  const disk = {
    module: "save_to_disk",
    "module-config": {
      base_dir: directory.path,
      include_headers: true,
      filename_pattern: "{webhook_id}-{event_id}",
    },
  };
  await using gateway = await TestGateway.start({
    webhooks: { default: disk, orders: disk },
    environment: ON,
  });
  const saved = async (path: string) => {
    const answer = await gateway.post(path, "{}", { "x-requested-webhook": "forged" });
    assertEquals(answer.status, 200);
    const [name = ""] = [...Deno.readDirSync(directory.path)].map(({ name }) => name);
    const { headers } = JSON.parse(await Deno.readTextFile(directory.file(name))) as {
      headers: Record<string, string>;
    };
    await Deno.remove(directory.file(name));
    return [name.split("-")[0], headers["x-requested-webhook"]];
  };
  assertEquals(await saved("/webhook/payments"), ["default", "payments"]);
  assertEquals(await saved("/webhook/default"), ["default", "default"]);
  assertEquals(await saved("/webhook/orders"), ["orders", "forged"]);
});

Deno.test("a header that is sent twice is refused by the webhook default too, whichever is empty", async () => {
  await using gateway = await TestGateway.start({
    webhooks: { default: { module: "log", header_auth: { api_key: "a-key-of-the-tests" } } },
    environment: ON,
  });
  const statusOf = async (...values: string[]) => {
    await using connection = await RawHttpConnection.open(gateway.port);
    const lines = values.map((value) => `X-API-Key: ${value}\r\n`).join("");
    await connection.write(`POST /webhook/any HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n${lines}\r\n{}`);
    return (await connection.readResponse({ method: "POST" })).status;
  };
  assertEquals(await statusOf("a-key-of-the-tests"), 200);
  assertEquals(await statusOf("", "a-key-of-the-tests"), 401);
  assertEquals(await statusOf("a-key-of-the-tests", ""), 401);
});

Deno.test("the webhook default guards what it takes, and lets nothing past a webhook that exists", async () => {
  await using gateway = await TestGateway.start({
    webhooks: {
      default: { module: "log", authorization: "Bearer default", methods: ["PUT"] },
      broken: { module: "lgo" },
      off: { module: "log", enabled: false },
    },
    environment: ON,
  });
  const put = (id: string, authorization: string) =>
    gateway.request(`/webhook/${id}`, { method: "PUT", body: "{}", headers: { authorization } });
  assertEquals((await put("unknown", "Bearer default")).status, 200);
  assertEquals(errorCode(await put("unknown", "Bearer other")), "unauthorized");
  assertEquals(errorCode(await gateway.post("/webhook/unknown", "{}")), "method_not_allowed");
  assertEquals(errorCode(await put("broken", "Bearer default")), "webhook_misconfigured");
  const off = await gateway.post("/webhook/off", "{}", { authorization: "Bearer default" });
  assertEquals(errorCode(off), "webhook_disabled");
});

Deno.test("the built-in webhook takes every id where that is switched on, without a warning", async () => {
  await using gateway = await TestGateway.start({ environment: { ...ON, ADMIN_TOKEN } });
  assertEquals((await gateway.post("/webhook/anything", "{}")).status, 200);
  await using off = await TestGateway.start({ environment: { ADMIN_TOKEN } });
  assertEquals(errorCode(await off.post("/webhook/anything", "{}")), "webhook_not_found");
  assertEquals([await warnings(gateway), await warnings(off)], [[], []]);
});

Deno.test("a webhook named default has a warning while it takes no other requests than its own", async () => {
  const webhooks = { default: { module: "log" }, orders: { module: "log" } };
  await using off = await TestGateway.start({ webhooks, environment: { ADMIN_TOKEN } });
  assertEquals(await warnings(off), [{ key: "webhook default/default", code: "default_webhook" }]);
  assertEquals(errorCode(await off.post("/webhook/unknown", "{}")), "webhook_not_found");
  await off.writeWebhooks({ orders: { module: "log" } });
  await off.reload();
  assertEquals(await warnings(off), []);

  await using on = await TestGateway.start({ webhooks, environment: { ...ON, ADMIN_TOKEN } });
  assertEquals(await warnings(on), []);
});
