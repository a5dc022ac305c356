import { assertArrayIncludes, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
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

/** One that gets its notices soon. */
function noticesWebhook(target: HttpTarget, notify: Readonly<Record<string, unknown>> = {}): unknown {
  return {
    module: "http_webhook",
    authorization: NOTICES_TOKEN,
    "module-config": { url: `${target.url}/hook/s3cret`, allowed_hosts: ["127.0.0.1"] },
    notify: { gather: 0.05, ...notify },
  };
}

/** The notices of one kind, such as `output`, as soon as there are so many. */
async function noticesOf(target: HttpTarget, kind: string, count: number): Promise<readonly Notice[]> {
  return await eventually(() => {
    const notices = requestsOf(target, kind).map(({ text }): Notice => JSON.parse(text));
    assertEquals(notices.length, count, kind);
    return notices;
  });
}

function requestsOf(target: HttpTarget, kind: string): readonly RecordedRequest[] {
  return target.requests.filter(({ headers }) => headers.get("cwm-event-type")?.startsWith(`cwm.${kind}.`));
}

function typesOf(notices: readonly Notice[]): readonly string[] {
  return notices.map(({ type }) => type);
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

Deno.test("what goes wrong is a notice, and another one when it is over: at once, each by itself", async () => {
  await using redis = await RedisServer.start({ persistent: false });
  await using shop = await HttpTarget.start();
  await using target = await HttpTarget.start();
  shop.answer({ status: 400, body: "a card 4111" });
  target.answer(({ text }) => ({ status: text.includes("outside") ? 400 : 200 }));
  await using gateway = await TestGateway.start({
    webhooks: {
      news: { module: "redis_publish", "module-config": { channel: "news" } },
      orders: {
        module: "http_webhook",
        "module-config": { url: shop.url, allowed_hosts: ["127.0.0.1"] },
      },
      signed: { module: "log", hmac: { secret: "the-old-one", header: "X-Signature" } },
      open: { module: "log", header_auth: { header_name: "X-Key", api_key: "a-key-of-the-test" } },
      notices: noticesWebhook(target),
    },
    connections: { redis_news: { type: "redis", host: "127.0.0.1", port: redis.port } },
    environment: { NOTIFY_WEBHOOK: "default/notices", ADMIN_TOKEN },
  });
  assertEquals(await statusOf(gateway), { status: "well", troubles: [] });
  const world = { gateway, target };
  await Promise.all([redisIsKilled(world, redis), eventsAreRefused(world), aSecretIsChanged(world)]);
  assertEquals(await statusOf(gateway), { status: "well", troubles: [] });
  assertEquals(target.requests.length, 7, "six notices and what came from outside");
});

interface World {
  readonly gateway: TestGateway;
  readonly target: HttpTarget;
}

async function redisIsKilled({ gateway, target }: World, redis: RedisServer): Promise<void> {
  await redis.kill();
  assertEquals((await gateway.post("/webhook/news", '{"card":"4111"}')).status, 200);
  const [down] = await noticesOf(target, "output", 1);
  const [request] = requestsOf(target, "output");
  assertEquals(request?.headers.get("cwm-event-type"), "cwm.output.down");
  assertEquals(request?.headers.get("cwm-webhook"), "notices");
  assertEquals(request?.headers.get("content-type"), "application/json");
  assertEquals(down?.title, "An output is down");
  assertEquals(down?.items.map(({ name, state }) => [name, state]), [["redis_publish redis_news", "down"]]);
  assertStringIncludes(down!.items[0]!.cause, `Redis 127.0.0.1:${redis.port} cannot be reached`);
  const { status, troubles } = await statusOf(gateway);
  assertEquals(status, "down");
  for (const part of ["connection redis_news", "output redis_publish redis_news"]) {
    assertArrayIncludes(troubles, [`${part} unreachable`]);
  }
  await redis.restart();
  const notices = await noticesOf(target, "output", 2);
  assertEquals(typesOf(notices), ["cwm.output.down", "cwm.output.up"]);
  assertEquals(notices[1]?.items[0]?.state, "well");
}

async function eventsAreRefused({ gateway, target }: World): Promise<void> {
  const fromOutside = await gateway.post("/webhook/notices", '{"from":"outside"}', {
    authorization: NOTICES_TOKEN,
  });
  assertEquals(fromOutside.status, 200);
  for (let number = 0; number < 12; number++) {
    assertEquals((await gateway.post("/webhook/orders", `{"card":"4111","number":${number}}`)).status, 200);
  }
  const [begun] = await noticesOf(target, "dead_letters", 1);
  assertEquals([begun?.type, begun?.items.map(({ name }) => name)], [
    "cwm.dead_letters.begun",
    ["default/orders"],
  ]);
  assertMatch(
    begun!.items[0]!.cause,
    /^\d+ could not be delivered, the last one: output_rejected at http_webhook/,
  );
  assertEquals(requestsOf(target, "dead_letters")[0]?.text.includes("4111"), false);
  const ofDeadLetters = ["default/notices", "default/orders"].map((name) => `webhook ${name} dead_letters`);
  assertArrayIncludes((await statusOf(gateway)).troubles, ofDeadLetters);
  await eventually(async () => {
    assertMatch((await gateway.request("/metrics")).text, /^cwm_dead_letters 13$/m);
  });
  const admin = { method: "POST", headers: { authorization: `Bearer ${ADMIN_TOKEN}` } };
  await gateway.request("/admin/dead-letters/drop?all=true", admin);
  await eventually(async () => {
    const { troubles } = await statusOf(gateway);
    assertEquals(troubles.filter((trouble) => ofDeadLetters.includes(trouble)), []);
  });
  const types = typesOf(await noticesOf(target, "dead_letters", 2));
  assertEquals(types, ["cwm.dead_letters.begun", "cwm.dead_letters.gone"]);
}

async function aSecretIsChanged({ gateway, target }: World): Promise<void> {
  const send = (secret: string) => {
    const signature = createHmac("sha256", secret).update("{}").digest("hex");
    return gateway.post("/webhook/signed", "{}", { "x-signature": signature });
  };
  for (let number = 0; number < 3; number++) assertEquals((await send("the-old-one")).status, 200);
  assertEquals((await gateway.post("/webhook/open", "{}", { "x-key": "a-key-of-the-test" })).status, 200);
  await eventually(async () => {
    assertEquals((await gateway.post("/webhook/open", "{}")).status, 401);
    assertEquals((await send("the-new-one")).status, 401);
    return requestsOf(target, "secret").length > 0;
  });
  assertEquals((await send("the-old-one")).status, 200);
  const notices = await noticesOf(target, "secret", 2);
  assertEquals(notices.map(({ type, items }) => [type, ...items.map(({ name }) => name)]), [
    ["cwm.secret.mismatch", "default/signed"],
    ["cwm.secret.match", "default/signed"],
  ]);
}

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
