import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { createHmac } from "node:crypto";
import { eventually } from "../support/eventually.ts";
import { errorCode, TestGateway } from "../support/gateway.ts";
import { HttpTarget, type RecordedRequest } from "../support/http/target.ts";
import { RedisServer } from "../support/redis/server.ts";

const NOTICES_TOKEN = "Bearer only-this-token-may";
const ADMIN_TOKEN = "an-admin-token-of-the-tests";

interface Notice {
  readonly type: string;
  readonly title: string;
  readonly items: readonly { readonly name: string; readonly state: string; readonly cause: string }[];
  readonly more: number;
}

function noticesWebhook(target: HttpTarget, notify?: unknown): unknown {
  return {
    module: "http_webhook",
    authorization: NOTICES_TOKEN,
    "module-config": { url: `${target.url}/hook/s3cret`, allowed_hosts: ["127.0.0.1"] },
    ...(notify === undefined ? {} : { notify }),
  };
}

function noticesAt(requests: readonly RecordedRequest[]): readonly Notice[] {
  return requests.map(({ text }) => JSON.parse(text));
}

/** What `/admin/status` says is wrong, by name. */
async function statusOf(gateway: TestGateway): Promise<{ status: string; troubles: readonly string[] }> {
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
  const { status, troubles } = JSON.parse((await gateway.request("/admin/status", { headers })).text) as {
    readonly status: string;
    readonly troubles: readonly { readonly part: string; readonly name: string; readonly kind: string }[];
  };
  return { status, troubles: troubles.map(({ part, name, kind }) => `${part} ${name} ${kind}`).sort() };
}

Deno.test("a Redis that is killed is a notice, and another one when it is back", async () => {
  await using redis = await RedisServer.start({ persistent: false });
  await using target = await HttpTarget.start();
  await using gateway = await TestGateway.start({
    webhooks: {
      news: { module: "redis_publish", "module-config": { channel: "news" } },
      notices: noticesWebhook(target),
    },
    connections: { redis_news: { type: "redis", host: "127.0.0.1", port: redis.port } },
    environment: { NOTIFY_WEBHOOK: "default/notices", ADMIN_TOKEN },
  });
  assertEquals(await statusOf(gateway), { status: "well", troubles: [] });
  await redis.kill();
  assertEquals((await gateway.post("/webhook/news", '{"card":"4111"}')).status, 200);
  const [request] = await target.waitForRequests(1);
  assertEquals(request?.headers.get("cwm-event-type"), "cwm.output.down");
  assertEquals(request?.headers.get("cwm-webhook"), "notices");
  assertEquals(request?.headers.get("content-type"), "application/json");
  const [down] = noticesAt(target.requests);
  assertEquals(down?.title, "An output is down");
  assertEquals(down?.items.map(({ name, state }) => [name, state]), [["redis_publish redis_news", "down"]]);
  assertStringIncludes(down!.items[0]!.cause, `Redis 127.0.0.1:${redis.port} cannot be reached`);
  assertEquals(await statusOf(gateway), {
    status: "down",
    troubles: ["connection redis_news unreachable", "output redis_publish redis_news unreachable"],
  });
  await redis.restart();
  await target.waitForRequests(2);
  assertEquals((await statusOf(gateway)).status, "well");
  assertEquals(noticesAt(target.requests).map(({ type }) => type), ["cwm.output.down", "cwm.output.up"]);
  assertEquals(noticesAt(target.requests)[1]?.items[0]?.state, "well");
});

Deno.test("dead letters are one notice with their number, those of notices themselves are none", async () => {
  await using target = await HttpTarget.start();
  await using shop = await HttpTarget.start();
  shop.answer({ status: 400, body: "a card 4111" });
  target.answer(({ text }) => ({ status: text.includes("outside") ? 400 : 200 }));
  const forwards = { url: shop.url, allowed_hosts: ["127.0.0.1"] };
  await using gateway = await TestGateway.start({
    webhooks: {
      orders: { module: "http_webhook", "module-config": forwards },
      notices: noticesWebhook(target),
    },
    environment: { NOTIFY_WEBHOOK: "default/notices", ADMIN_TOKEN },
  });
  const fromOutside = await gateway.post("/webhook/notices", '{"from":"outside"}', {
    authorization: NOTICES_TOKEN,
  });
  assertEquals(fromOutside.status, 200);
  for (let number = 0; number < 12; number++) {
    assertEquals((await gateway.post("/webhook/orders", `{"card":"4111","number":${number}}`)).status, 200);
  }
  const [, request] = await target.waitForRequests(2);
  const [begun] = noticesAt([request!]);
  assertEquals([begun?.type, begun?.items.map(({ name }) => name)], [
    "cwm.dead_letters.begun",
    ["default/orders"],
  ]);
  assertMatch(
    begun!.items[0]!.cause,
    /^\d+ could not be delivered, the last one: output_rejected at http_webhook/,
  );
  assertEquals(request?.text.includes("4111"), false);
  assertEquals((await statusOf(gateway)).troubles, [
    "webhook default/notices dead_letters",
    "webhook default/orders dead_letters",
  ]);
  const admin = { method: "POST", headers: { authorization: `Bearer ${ADMIN_TOKEN}` } };
  await eventually(async () => {
    await gateway.request("/admin/dead-letters/drop?all=true", admin);
    assertEquals((await statusOf(gateway)).troubles, []);
  });
  await target.waitForRequests(3);
  const types = target.requests.map(({ headers }) => headers.get("cwm-event-type"));
  assertEquals(types, [null, "cwm.dead_letters.begun", "cwm.dead_letters.gone"]);
});

Deno.test("configuration that is refused is a notice, also to a webhook that comes later", async () => {
  await using target = await HttpTarget.start();
  const refused = { orders: { module: "log", hmca: { secret: "s3cret-of-the-shop" } } };
  const notices = noticesWebhook(target, { format: "slack", about: ["configuration"] });
  await using gateway = await TestGateway.start({
    webhooks: { ...refused, other: { module: "log", notify: { every: 60 } } },
    environment: { NOTIFY_WEBHOOK: "default/notices", ADMIN_TOKEN },
  });
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
  const { text } = await gateway.request("/admin/config", { headers });
  assertStringIncludes(text, "It names a webhook that does not exist: nobody gets notices until it does");
  assertStringIncludes(text, "NOTIFY_WEBHOOK names the webhook that gets notices, and it is not this one");
  await gateway.writeWebhooks({ ...refused, notices });
  const [first] = await target.waitForRequests(1);
  assertStringIncludes(first!.text, "*webhook default/orders*: hmca: Key 'hmca' is not known");
  assertEquals(first!.text.includes("s3cret"), false);
  await gateway.writeWebhooks({ orders: { module: "log" }, notices });
  const [, second] = await target.waitForRequests(2);
  assertEquals(second?.headers.get("cwm-event-type"), "cwm.configuration.good");
  // From outside it is a webhook like any other.
  const answer = await gateway.post("/webhook/notices", "{}");
  assertEquals([answer.status, errorCode(answer)], [401, "unauthorized"]);
});

Deno.test("a secret that no longer matches is a notice, and what presents nothing is none", async () => {
  await using target = await HttpTarget.start();
  await using gateway = await TestGateway.start({
    webhooks: {
      orders: { module: "log", hmac: { secret: "the-old-one", header: "X-Signature" } },
      open: { module: "log", header_auth: { header_name: "X-Key", api_key: "a-key-of-the-test" } },
      notices: noticesWebhook(target),
    },
    environment: { NOTIFY_WEBHOOK: "default/notices" },
  });
  const send = (secret: string) => {
    const signature = createHmac("sha256", secret).update("{}").digest("hex");
    return gateway.post("/webhook/orders", "{}", { "x-signature": signature });
  };
  for (let number = 0; number < 3; number++) assertEquals((await send("the-old-one")).status, 200);
  assertEquals((await gateway.post("/webhook/open", "{}", { "x-key": "a-key-of-the-test" })).status, 200);
  await eventually(async () => {
    assertEquals((await gateway.post("/webhook/open", "{}")).status, 401);
    assertEquals((await send("the-new-one")).status, 401);
    return target.requests.length > 0;
  });
  assertEquals((await send("the-old-one")).status, 200);
  const notices = noticesAt(await target.waitForRequests(2));
  assertEquals(notices.map(({ type, items }) => [type, ...items.map(({ name }) => name)]), [
    ["cwm.secret.mismatch", "default/orders"],
    ["cwm.secret.match", "default/orders"],
  ]);
});
