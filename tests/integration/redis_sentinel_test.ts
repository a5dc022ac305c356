import { assert, assertEquals, assertRejects } from "@std/assert";
import { DeliveryError } from "../../src/errors.ts";
import { redisRqModule } from "../../src/modules/redis/rq/redis_rq.ts";
import { eventually } from "../support/eventually.ts";
import { TestGateway } from "../support/gateway.ts";
import { OpenOutput } from "../support/open_output.ts";
import { MASTER, RedisSentinel } from "../support/redis/sentinel.ts";
import { freePort, RedisServer } from "../support/redis/server.ts";
import { verifiedEvent } from "../support/verified_event.ts";

const CONFIG = { function: "shop.tasks.record" };

async function queuedEvents(redis: RedisServer): Promise<string[]> {
  const ids = await redis.call("LRANGE", "rq:queue:default", 0, -1) as string[];
  return ids.map((id) => id.slice(0, id.lastIndexOf("-")));
}

Deno.test("no event that was answered 200 is lost when an old primary comes back after a failover", async () => {
  await using primary = await RedisServer.start();
  await using replica = await RedisServer.start({ replicaOf: primary });
  await replica.caughtUp();
  await using sentinel = await RedisSentinel.start(primary, 1);
  await using gateway = await TestGateway.start({
    webhooks: { jobs: { module: "redis_rq", accept: "delivered", "module-config": CONFIG } },
    connections: {
      main: { type: "redis-rq", sentinels: ["127.0.0.1:1", sentinel.address], master: MASTER },
    },
  });
  const ledger: string[] = [];
  const post = async () => {
    const { status, text } = await gateway.post("/webhook/jobs", "{}");
    if (status === 200) ledger.push(JSON.parse(text).event_id);
    return status;
  };
  assertEquals(await post(), 200);
  await eventually(async () => assertEquals(await queuedEvents(replica), ledger));
  await primary.kill();
  await sentinel.failedOver();
  await eventually(async () => assertEquals(await post(), 200));
  await primary.restart();
  // Until the Sentinel has found it, the old primary would take what it is given, and then lose it.
  await primary.call("SET", "taken", "by the old primary");
  for (let count = 0; count < 10; count++) assertEquals(await post(), 200);
  assertEquals(await queuedEvents(replica), ledger);
  assertEquals(await queuedEvents(primary), ledger.slice(0, 1));
});

Deno.test("redis_rq finds the primary again that was replaced while nothing was delivered", async () => {
  await using primary = await RedisServer.start();
  await using replica = await RedisServer.start({ replicaOf: primary });
  await replica.caughtUp();
  await using sentinel = await RedisSentinel.start(primary, 1);
  const settings = { sentinels: sentinel.address, master: MASTER };
  await using output = await OpenOutput.open(redisRqModule, settings);
  await output.probe();
  await primary.kill();
  await sentinel.failedOver();
  await primary.restart();
  const event = verifiedEvent();
  await eventually(async () => assertEquals(await output.attempt(event, CONFIG), "delivered"));
  assertEquals(await queuedEvents(replica), [event.id]);
});

Deno.test("redis_rq says what is wrong with Sentinels and with the name of the primary", async () => {
  await using primary = await RedisServer.start({ persistent: false });
  await using sentinel = await RedisSentinel.start(primary, 0);
  const { port } = sentinel;
  const cases: readonly [settings: Record<string, unknown>, message: string][] = [
    [{ sentinels: [{ host: "127.0.0.1", port: freePort() }], master: MASTER }, "ECONNREFUSED"],
    [{ sentinels: [sentinel.address], master: "other" }, "knows no master 'other'"],
    [{ sentinels: [sentinel.address], master: MASTER, sentinel_password: "wrong" }, "Sentinel 127.0.0.1"],
    [{ host: "127.0.0.1", port }, "is a Sentinel, which takes no events: put its address into sentinels"],
    [{ host: "127.0.0.1", port, password: "s3cret", db: 1 }, "is a Sentinel"],
  ];
  for (const [settings, message] of cases) {
    await using output = await OpenOutput.open(redisRqModule, settings);
    await assertRejects(() => output.probe(), DeliveryError, message);
    assertEquals(await output.attempt(verifiedEvent(), CONFIG), "output_unavailable");
  }
});

Deno.test("an event counts as delivered only when as many replicas have it as are asked for", async () => {
  await using redis = await RedisServer.start({ persistent: false });
  const settings = { host: "127.0.0.1", port: redis.port, replicas: 1, timeout: 0.4 };
  await using output = await OpenOutput.open(redisRqModule, settings);
  const event = verifiedEvent();
  const [failure] = await output.deliver([event], CONFIG);
  assert(failure instanceof DeliveryError && failure.message.includes("0 of 1 replicas"), String(failure));
  await assertRejects(() => output.probe(), DeliveryError, "0 of 1 replicas");
  await using replica = await RedisServer.start({ replicaOf: redis });
  await replica.caughtUp();
  await eventually(async () => assertEquals(await output.attempt(event, CONFIG), "delivered"));
  assertEquals(await queuedEvents(replica), [event.id]);
  await output.probe();
});
