import { assertEquals } from "@std/assert";
import { redisRqModule } from "../../src/modules/redis/rq/redis_rq.ts";
import { OpenOutput } from "../support/open_output.ts";
import { RedisServer } from "../support/redis/server.ts";
import { RqWorker } from "../support/redis/rq_worker.ts";
import { verifiedEvent } from "../support/verified_event.ts";

const RELEASE = "3.0.0";

for (const serializer of ["pickle", "json"] as const) {
  Deno.test(`a worker of RQ ${RELEASE} runs jobs of serializer ${serializer} under a key prefix`, async () => {
    await using redis = await RedisServer.start({ persistent: false });
    await using output = await OpenOutput.open(redisRqModule, { host: "127.0.0.1", port: redis.port });
    const keyPrefix = "acme:rq";
    await using worker = await RqWorker.start(redis, { release: RELEASE, serializer, keyPrefix });
    const event = verifiedEvent({ body: '{"id":9007199254740993,"name":"Zoë 🎉"}' });
    const meta = { team: "shop" };
    const config = { function: "shop.tasks.fail_twice", serializer, key_prefix: keyPrefix, retries: 2, meta };
    assertEquals(await output.attempt(event, config), "delivered");
    const [call] = await worker.waitForCalls(1);
    assertEquals(JSON.parse(call!.payload).name, "Zoë 🎉");
    assertEquals(call?.payload.includes("9007199254740993"), true);
    assertEquals([call?.headers["cwm-event-id"], call?.job.meta], [event.id, meta]);
    assertEquals(await redis.call("KEYS", "rq:*"), []);
    assertEquals(await redis.call("KEYS", "cwm:*"), []);
  });
}

Deno.test(`a worker of RQ ${RELEASE} runs jobs on the nodes of a cluster, which the gateway finds`, async () => {
  await using one = await RedisServer.start({ args: ["--cluster-enabled", "yes"] });
  await using other = await RedisServer.start({ args: ["--cluster-enabled", "yes"] });
  await one.call("CLUSTER", "ADDSLOTSRANGE", 0, 8191);
  await other.call("CLUSTER", "ADDSLOTSRANGE", 8192, 16383);
  await one.call("CLUSTER", "MEET", "127.0.0.1", other.port);
  await Promise.all([one, other].map((server) => server.clusterIsUp()));
  // {rq} lies in slot 141, which `one` has, and {a} in 15495, which `other` has.
  await using output = await OpenOutput.open(redisRqModule, { host: "127.0.0.1", port: other.port });
  const event = verifiedEvent();
  const config = { function: "shop.tasks.record", key_prefix: "{rq}" };
  assertEquals(await output.attempt(event, config), "delivered");
  assertEquals(await output.attempt(event, config), "delivered");
  await using worker = await RqWorker.start(one, { release: RELEASE, keyPrefix: "{rq}" });
  const calls = await worker.waitForCalls(1);
  assertEquals(calls.map(({ headers }) => headers["cwm-event-id"]), [event.id]);
  await using elsewhere = await OpenOutput.open(redisRqModule, { host: "127.0.0.1", port: one.port });
  assertEquals(await elsewhere.attempt(verifiedEvent(), { ...config, key_prefix: "{a}" }), "delivered");
  assertEquals(await other.call("LLEN", "{a}:queue:default"), 1);
});
