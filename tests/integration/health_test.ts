import { assertEquals, assertStringIncludes } from "@std/assert";
import { eventually } from "../support/eventually.ts";
import { TestGateway } from "../support/gateway.ts";
import { RedisServer } from "../support/redis/server.ts";

const ADMIN_TOKEN = "an-admin-token-of-the-tests";

interface Status {
  readonly status: string;
  readonly troubles: readonly { readonly part: string; readonly name: string; readonly cause: string }[];
}

async function statusOf(gateway: TestGateway): Promise<Status> {
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
  return JSON.parse((await gateway.request("/admin/status", { headers })).text);
}

Deno.test("the status names a Redis that is down, and not any more when it is back", async () => {
  await using redis = await RedisServer.start({ persistent: false });
  await using gateway = await TestGateway.start({
    webhooks: {
      news: { module: "redis_publish", accept: "delivered", "module-config": { channel: "news" } },
    },
    connections: { redis_news: { type: "redis", host: "127.0.0.1", port: redis.port } },
    environment: { ADMIN_TOKEN, DELIVERY_BUDGET_MS: "3000" },
  });
  assertEquals((await gateway.post("/webhook/news", "{}")).status, 200);
  assertEquals((await statusOf(gateway)).status, "well");
  await redis.kill();
  await gateway.post("/webhook/news", "{}");
  await eventually(async () => {
    const { status, troubles } = await statusOf(gateway);
    assertEquals(status, "down");
    assertEquals(troubles.map(({ part, name }) => `${part} ${name}`).sort(), [
      "connection redis_news",
      "output redis_publish redis_news",
    ]);
    for (const { cause } of troubles) {
      assertStringIncludes(cause, `127.0.0.1:${redis.port} cannot be reached`);
    }
  });
  await redis.restart();
  await eventually(async () => assertEquals((await statusOf(gateway)).status, "well"));
});
