/** That pages of browsers may send where the configuration says so, and read every answer then. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { type Answer, errorCode, TestGateway } from "../../support/gateway.ts";

const SHOP = "https://shop.example";
const ADMIN = "https://admin.example:8443";

function headersOf({ headers }: Answer): Record<string, string> {
  const names = [...headers.keys()].filter((name) => name.startsWith("access-control-") || name === "vary");
  return Object.fromEntries(names.map((name) => [name, headers.get(name)!]));
}

function ask(gateway: TestGateway, path: string, origin: string, further: HeadersInit = {}): Promise<Answer> {
  const headers = { origin, "access-control-request-method": "POST", ...further };
  return gateway.request(path, { method: "OPTIONS", headers });
}

const READABLE = {
  "access-control-allow-origin": SHOP,
  "access-control-expose-headers": "RateLimit, RateLimit-Policy, Retry-After, X-Request-Id",
  vary: "Origin",
};

Deno.test("a browser's question is answered from the configuration, without authentication", async () => {
  const webhooks = {
    orders: {
      module: "log",
      methods: ["POST", "PUT"],
      header_auth: { header_name: "X-Shop-Key", api_key: "right" },
      hmac: { secret: "s", header: "X-Signature" },
      cors: { origins: [SHOP, ADMIN], headers: ["X-Trace", "content-type"], max_age: "60" },
    },
    signed: { module: "log", cors: { origins: [SHOP], credentials: true } },
  };
  await using gateway = await TestGateway.start({ webhooks });
  const answer = await ask(gateway, "/webhook/orders", ADMIN);
  assertEquals([answer.status, answer.text], [204, ""]);
  assertEquals(headersOf(answer), {
    "access-control-allow-origin": ADMIN,
    "access-control-allow-methods": "POST, PUT",
    "access-control-allow-headers":
      "Authorization, Content-Type, Idempotency-Key, X-API-Key, X-Recaptcha-Token, X-Requested-With, X-Trace, X-Shop-Key, X-Signature",
    "access-control-max-age": "60",
    vary: "Origin",
  });
  const signed = headersOf(await ask(gateway, "/webhook/signed", SHOP));
  assertEquals([signed["access-control-allow-credentials"], signed["access-control-max-age"]], [
    "true",
    "600",
  ]);
  const { text } = await gateway.request("/metrics");
  assertStringIncludes(text, 'webhook="orders",outcome="probe"} 1');
});

Deno.test("an origin that is not listed to the letter gets 403, and no header that would let it in", async () => {
  await using gateway = await TestGateway.start({
    webhooks: { orders: { module: "log", cors: { origins: [SHOP] } } },
  });
  for (
    const origin of [
      "https://shop.example.evil.example",
      "http://shop.example",
      "https://www.shop.example",
      "https://shop.example:8443",
      "HTTPS://SHOP.EXAMPLE",
      "null",
      "*",
      "",
    ]
  ) {
    const answer = await ask(gateway, "/webhook/orders", origin);
    assertEquals([answer.status, errorCode(answer)], [403, "forbidden"], origin);
    assertEquals(headersOf(answer), { vary: "Origin" }, origin);
  }
});

Deno.test("every answer to a listed page can be read, whatever its status", async () => {
  const cors = { origins: [SHOP] };
  const webhooks = {
    accepted: { module: "log", cors },
    durable: { module: "log", accept: "durable", cors },
    fixed: { module: "log", cors, response: { status: 202 } },
    guarded: { module: "log", cors, authorization: "Bearer right" },
    limited: { module: "log", cors, rate_limit: { max_requests: 1, window_seconds: 1_000 } },
    small: { module: "log", cors, max_body_bytes: 1 },
    matched: { module: "log", cors, json_schema: { type: "null" } },
    disabled: { module: "log", cors, enabled: false },
    unconnected: { module: "kafka", connection: "none", "module-config": { topic: "t" }, cors },
  };
  await using gateway = await TestGateway.start({ webhooks });
  await gateway.post("/webhook/limited", "{}");
  const statuses: Record<string, number> = {};
  for (const id of Object.keys(webhooks)) {
    const answer = await gateway.post(`/webhook/${id}`, id === "accepted" ? "{}" : '{"a":1}', {
      origin: SHOP,
    });
    assertEquals(headersOf(answer), READABLE, id);
    statuses[id] = answer.status;
    if (id !== "disabled" && id !== "unconnected") continue;
    assertEquals(
      (await ask(gateway, `/webhook/${id}`, SHOP)).status,
      204,
      "the page learns the reason afterwards",
    );
  }
  assertEquals(statuses, {
    accepted: 200,
    durable: 200,
    fixed: 202,
    guarded: 401,
    limited: 429,
    small: 413,
    matched: 422,
    disabled: 404,
    unconnected: 503,
  });
  const put = await gateway.request("/webhook/accepted", {
    method: "PUT",
    body: "{}",
    headers: { origin: SHOP },
  });
  assertEquals([put.status, headersOf(put)], [405, READABLE]);
});

Deno.test("requests of other pages and of no page are taken, and get no header that lets a page read", async () => {
  await using gateway = await TestGateway.start({
    webhooks: { orders: { module: "log", cors: { origins: [SHOP] } } },
  });
  for (const headers of [{}, { origin: "https://other.example" }]) {
    const answer = await gateway.post("/webhook/orders", "{}", headers);
    assertEquals([answer.status, headersOf(answer)], [200, { vary: "Origin" }]);
  }
});

Deno.test("CORS_ALLOWED_ORIGINS is for all webhooks that do not say otherwise, and for none at all", async () => {
  const webhooks = {
    plain: { module: "log" },
    own: { module: "log", cors: { origins: [ADMIN] } },
    none: { module: "log", cors: { origins: [] } },
  };
  const environment = { CORS_ALLOWED_ORIGINS: `${SHOP}, http://localhost:3000` };
  await using gateway = await TestGateway.start({ webhooks, environment });
  const allowed = async (path: string, origin: string) =>
    (await ask(gateway, path, origin)).headers.get("access-control-allow-origin");
  assertEquals(await allowed("/webhook/plain", SHOP), SHOP);
  assertEquals(await allowed("/webhook/plain", "http://localhost:3000"), "http://localhost:3000");
  assertEquals(await allowed("/webhook/own", SHOP), null);
  assertEquals(await allowed("/webhook/own", ADMIN), ADMIN);
  assertEquals(await allowed("/webhook/none", SHOP), null);
  const missing = await gateway.post("/webhook/missing", "{}", { origin: SHOP });
  assertEquals([missing.status, headersOf(missing)], [404, READABLE]);
});

Deno.test("without any of it, OPTIONS is no method, and answers have no such header", async () => {
  const webhooks = { orders: { module: "log" }, probed: { module: "log", probes: true } };
  await using gateway = await TestGateway.start({ webhooks });
  for (const [id, status] of [["orders", 405], ["probed", 200]] as const) {
    const question = await ask(gateway, `/webhook/${id}`, SHOP);
    assertEquals([question.status, headersOf(question)], [status, {}]);
    assertEquals(headersOf(await gateway.post(`/webhook/${id}`, "{}", { origin: SHOP })), {});
  }
});

for (
  const cors of [
    {},
    null,
    "",
    { origins: "https://shop.example" },
    { origins: ["*"] },
    { origins: ["null"] },
    { origins: ["shop.example"] },
    { origins: ["https://shop.example/"] },
    { origins: ["https://shop.example:443"] },
    { origins: ["https://Shop.example"] },
    { origins: ["ftp://shop.example"] },
    { origins: [SHOP], headers: ["X Y"] },
    { origins: [SHOP], origin: SHOP },
  ]
) {
  Deno.test(`a value of cors that is not exact blocks the webhook: ${JSON.stringify(cors)}`, async () => {
    await using gateway = await TestGateway.start({ webhooks: { orders: { module: "log", cors } } });
    assertEquals((await gateway.post("/webhook/orders", "{}")).status, 503);
  });
}
