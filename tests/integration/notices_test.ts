import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { createHmac } from "node:crypto";
import { eventually } from "../support/eventually.ts";
import { errorCode, TestGateway } from "../support/gateway.ts";
import { HttpTarget, type RecordedRequest } from "../support/http/target.ts";
import { RedisServer } from "../support/redis/server.ts";

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
    authorization: "Bearer only-this-token-may",
    "module-config": { url: `${target.url}/hook/s3cret`, allowed_hosts: ["127.0.0.1"] },
    ...(notify === undefined ? {} : { notify }),
  };
}

function noticesAt(requests: readonly RecordedRequest[]): readonly Notice[] {
  return requests.map(({ text }) => JSON.parse(text));
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
    environment: { NOTIFY_WEBHOOK: "default/notices" },
  });
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
  await redis.restart();
  await target.waitForRequests(2);
  assertEquals(noticesAt(target.requests).map(({ type }) => type), ["cwm.output.down", "cwm.output.up"]);
  assertEquals(noticesAt(target.requests)[1]?.items[0]?.state, "well");
});

Deno.test("dead letters are one notice with their number, and another when none is left", async () => {
  await using target = await HttpTarget.start();
  await using shop = await HttpTarget.start();
  shop.answer({ status: 400, body: "a card 4111" });
  const forwards = { url: shop.url, allowed_hosts: ["127.0.0.1"] };
  await using gateway = await TestGateway.start({
    webhooks: {
      orders: { module: "http_webhook", "module-config": forwards },
      notices: noticesWebhook(target),
    },
    environment: { NOTIFY_WEBHOOK: "default/notices", ADMIN_TOKEN },
  });
  for (let number = 0; number < 12; number++) {
    assertEquals((await gateway.post("/webhook/orders", `{"card":"4111","number":${number}}`)).status, 200);
  }
  const [begun] = noticesAt(await target.waitForRequests(1));
  assertEquals([begun?.type, begun?.items.map(({ name }) => name)], [
    "cwm.dead_letters.begun",
    ["default/orders"],
  ]);
  assertMatch(
    begun!.items[0]!.cause,
    /^\d+ could not be delivered, the last one: output_rejected at http_webhook/,
  );
  assertEquals(target.requests[0]?.text.includes("4111"), false);
  const admin = { method: "POST", headers: { authorization: `Bearer ${ADMIN_TOKEN}` } };
  await eventually(async () => {
    assertStringIncludes(
      (await gateway.request("/admin/dead-letters/drop?all=true", admin)).text,
      '"dropped":',
    );
    assertEquals(
      (await gateway.request("/admin/status", { headers: admin.headers })).text.includes("dead_"),
      false,
    );
  });
  assertEquals(noticesAt(await target.waitForRequests(2)).map(({ type }) => type), [
    "cwm.dead_letters.begun",
    "cwm.dead_letters.gone",
  ]);
});

Deno.test("notices that cannot be delivered are dead letters of their webhook, and no notices", async () => {
  await using redis = await RedisServer.start({ persistent: false });
  await using target = await HttpTarget.start();
  target.answer({ status: 400 });
  await using gateway = await TestGateway.start({
    webhooks: {
      news: { module: "redis_publish", accept: "delivered", "module-config": { channel: "news" } },
      notices: noticesWebhook(target, { every: 1 }),
    },
    connections: { redis_news: { type: "redis", host: "127.0.0.1", port: redis.port } },
    environment: { NOTIFY_WEBHOOK: "default/notices", ADMIN_TOKEN, DELIVERY_BUDGET_MS: "1000" },
  });
  await redis.kill();
  await gateway.post("/webhook/news", "{}");
  await target.waitForRequests(1);
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
  await eventually(async () => {
    const { troubles } = JSON.parse((await gateway.request("/admin/status", { headers })).text);
    const names = troubles.map(({ kind, name }: { kind: string; name: string }) => `${kind} ${name}`);
    assertEquals(names.includes("dead_letters default/notices"), true, names.join());
  });
  await redis.restart();
  // What came of the dead letter is said before what comes later.
  const [, second] = noticesAt(await target.waitForRequests(2));
  assertEquals(second?.type, "cwm.output.up");
});

Deno.test("configuration that is refused is a notice, and so is that it is good again", async () => {
  await using target = await HttpTarget.start();
  const notices = noticesWebhook(target, { format: "slack", about: ["configuration"] });
  await using gateway = await TestGateway.start({
    webhooks: { orders: { module: "log" }, notices },
    environment: { NOTIFY_WEBHOOK: "default/notices" },
  });
  await gateway.writeWebhooks({ orders: { module: "log", hmca: { secret: "s3cret-of-the-shop" } }, notices });
  const [refused] = await target.waitForRequests(1);
  assertStringIncludes(refused!.text, "*webhook default/orders*: hmca: Key 'hmca' is not known");
  assertEquals(refused!.text.includes("s3cret"), false);
  await gateway.writeWebhooks({ orders: { module: "log" }, notices });
  const [, good] = await target.waitForRequests(2);
  assertEquals(good?.headers.get("cwm-event-type"), "cwm.configuration.good");
});

Deno.test("a webhook of notices that comes later gets those that are still true", async () => {
  await using target = await HttpTarget.start();
  await using gateway = await TestGateway.start({
    webhooks: { orders: { module: "log", hmca: {} } },
    environment: { NOTIFY_WEBHOOK: "default/notices", ADMIN_TOKEN },
  });
  const { text } = await gateway.request("/admin/config", {
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
  });
  assertStringIncludes(text, "It names a webhook that does not exist: nobody gets notices until it does");
  await gateway.writeWebhooks({ orders: { module: "log", hmca: {} }, notices: noticesWebhook(target) });
  const [notice] = noticesAt(await target.waitForRequests(1));
  assertEquals(notice?.items.map(({ name }) => name), ["webhook default/orders"]);
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
