import { assertEquals, assertStringIncludes } from "@std/assert";
import { TestGateway } from "../support/gateway.ts";
import { HttpTarget } from "../support/http/target.ts";
import { RedisServer } from "../support/redis/server.ts";

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

function noticesAt(target: HttpTarget): readonly Notice[] {
  return target.requests.map(({ text }) => JSON.parse(text));
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
  const [down] = noticesAt(target);
  assertEquals(down?.title, "An output is down");
  assertEquals(down?.items.map(({ name, state }) => [name, state]), [["redis_publish redis_news", "down"]]);
  assertStringIncludes(down!.items[0]!.cause, `Redis 127.0.0.1:${redis.port} cannot be reached`);
  await redis.restart();
  await target.waitForRequests(2);
  assertEquals(noticesAt(target).map(({ type }) => type), ["cwm.output.down", "cwm.output.up"]);
  assertEquals(noticesAt(target)[1]?.items[0]?.state, "well");
});
