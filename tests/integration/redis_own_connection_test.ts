import { assert, assertEquals } from "@std/assert";
import { eventually } from "../support/eventually.ts";
import { TestGateway } from "../support/gateway.ts";
import { RedisServer } from "../support/redis/server.ts";

const ADMIN_TOKEN = "an-admin-token-of-the-tests";

interface ListedConnection {
  readonly name: string;
  readonly type: string;
  readonly in_webhook?: boolean;
  readonly outputs: readonly { readonly module: string; readonly state: string; readonly active: number }[];
}

async function connectionsOf(gateway: TestGateway): Promise<{ list: ListedConnection[]; text: string }> {
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
  const { text } = await gateway.request("/admin/connections", { headers });
  return { list: (JSON.parse(text) as { connections: ListedConnection[] }).connections, text };
}

function payloads(messages: readonly Uint8Array[]): unknown[] {
  return messages.map((message) => JSON.parse(new TextDecoder().decode(message)).payload);
}

Deno.test("webhooks of equal settings in the key redis share a connection, each with its channel", async () => {
  await using redis = await RedisServer.start({ persistent: false });
  const orders = await redis.subscribe("orders");
  const usual = await redis.subscribe("webhook_events");
  const address = { host: "127.0.0.1", port: redis.port };
  const publish = { module: "redis_publish", accept: "delivered" };
  await using gateway = await TestGateway.start({
    webhooks: {
      plain: { ...publish, redis: { ...address, channel: "orders" } },
      texts: {
        ...publish,
        redis: {
          host: "127.0.0.1",
          port: `${redis.port}`,
          db: "",
          password: "",
          allowed_hosts: ["127.0.0.1"],
        },
      },
      chained: {
        accept: "delivered",
        redis: address,
        chain: [
          "log",
          { module: "redis_publish", redis: { ...address, channel: "orders" } },
          "redis_publish",
        ],
      },
    },
    environment: { ADMIN_TOKEN },
  });
  for (const [index, id] of ["plain", "texts", "chained"].entries()) {
    assertEquals((await gateway.post(`/webhook/${id}`, `${index}`)).status, 200, id);
  }
  await eventually(() => {
    assertEquals(payloads(orders), [0, 2]);
    assertEquals(payloads(usual), [1, 2]);
  });
  assertEquals(await redis.foreignClients(), 1);
  const { list } = await connectionsOf(gateway);
  assertEquals(list, [{
    name: `redis://127.0.0.1:${redis.port}`,
    type: "redis",
    in_webhook: true,
    outputs: [{ module: "redis_publish", state: "open", active: 0 }],
  }]);
});

Deno.test("webhooks of one address and other settings have own connections, and show no password", async () => {
  await using redis = await RedisServer.start({ persistent: false });
  await redis.call("ACL", "SETUSER", "one", "on", ">s3cret-one", "allchannels", "+@all");
  await redis.call("ACL", "SETUSER", "two", "on", ">s3cret-two", "allchannels", "+@all");
  const messages = await redis.subscribe("webhook_events");
  const webhook = (user: string) => ({
    module: "redis_publish",
    accept: "delivered",
    redis: { host: "127.0.0.1", port: redis.port, username: user, password: `s3cret-${user}` },
  });
  await using gateway = await TestGateway.start({
    webhooks: { one: webhook("one"), two: webhook("two") },
    environment: { ADMIN_TOKEN },
  });
  for (const id of ["one", "two", "one"]) {
    assertEquals((await gateway.post(`/webhook/${id}`, `"${id}"`)).status, 200);
  }
  await eventually(() => assertEquals(payloads(messages), ["one", "two", "one"]));
  assertEquals(await redis.foreignClients(), 2);
  const { list, text } = await connectionsOf(gateway);
  assertEquals(list.length, 2);
  assert(!text.includes("s3cret"));

  await gateway.writeWebhooks({ one: webhook("one") });
  await eventually(async () => {
    assertEquals((await gateway.post("/webhook/two", "2")).status, 404);
    assertEquals(await redis.foreignClients(), 1);
    assertEquals((await connectionsOf(gateway)).list.length, 1);
  });
  assertEquals((await gateway.post("/webhook/one", `"still"`)).status, 200);
});

Deno.test("redis_rq takes a named connection of type redis, and redis_publish one of type redis-rq", async () => {
  await using redis = await RedisServer.start({ persistent: false });
  const messages = await redis.subscribe("news");
  const settings = { host: "127.0.0.1", port: redis.port };
  await using gateway = await TestGateway.start({
    webhooks: {
      jobs: {
        module: "redis_rq",
        accept: "delivered",
        connection: "plain",
        "module-config": { function: "shop.tasks.record" },
      },
      news: {
        module: "redis_publish",
        accept: "delivered",
        connection: "rq",
        "module-config": { channel: "news" },
      },
    },
    connections: { plain: { type: "redis", ...settings }, rq: { type: "redis-rq", ...settings } },
  });
  assertEquals((await gateway.post("/webhook/jobs", "1")).status, 200);
  assertEquals((await gateway.post("/webhook/news", "2")).status, 200);
  await eventually(() => assertEquals(payloads(messages), [2]));
  assertEquals(await redis.call("LLEN", "rq:queue:default"), 1);
});

Deno.test("events that wait for a webhook's own Redis go to the one that the webhook is changed to", async () => {
  await using gone = await RedisServer.start({ persistent: false });
  await using redis = await RedisServer.start({ persistent: false });
  const messages = await redis.subscribe("webhook_events");
  const webhook = (port: number) => ({ module: "redis_publish", redis: { host: "127.0.0.1", port } });
  const { port } = gone;
  await gone.kill();
  await using gateway = await TestGateway.start({ webhooks: { a: webhook(port) } });
  for (const body of ["1", "2", "3"]) assertEquals((await gateway.post("/webhook/a", body)).status, 200);
  await gateway.writeWebhooks({ a: webhook(redis.port) });
  await eventually(() => assertEquals(payloads(messages).toSorted(), [1, 2, 3]));
});
