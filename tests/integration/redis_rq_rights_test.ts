import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { DeliveryError } from "../../src/errors.ts";
import { redisRqModule } from "../../src/modules/redis/rq/redis_rq.ts";
import { ENQUEUE_SCRIPT } from "../../src/modules/redis/rq/job.ts";
import { eventually } from "../support/eventually.ts";
import { TestGateway } from "../support/gateway.ts";
import { OpenOutput } from "../support/open_output.ts";
import { RedisServer } from "../support/redis/server.ts";
import { RqWorker } from "../support/redis/rq_worker.ts";
import { verifiedEvent } from "../support/verified_event.ts";

const COMMANDS = ["exists", "sadd", "rpush", "hset", "expire", "set"];
const KEYS = ["rq:queues", "rq:queue:default", "rq:job:*", "cwm:rq:*"];
const LOGIN = { username: "gateway", password: "s3cret" };
/** With a `ttl`, so that EXPIRE is needed as well. */
const CONFIG = { function: "shop.tasks.record", ttl: 600 };

/** Lets the gateway's user do all that it needs, but for one command or keys of one kind. */
async function permit(redis: RedisServer, { without }: { readonly without?: string } = {}): Promise<void> {
  const keys = KEYS.filter((key) => key !== without).map((key) => `~${key}`);
  const commands = ["eval", "evalsha", ...COMMANDS].filter((name) => name !== without).map((name) =>
    `+${name}`
  );
  await redis.call("ACL", "SETUSER", "gateway", "reset", "on", ">s3cret", ...keys, ...commands);
}

/** Keys of jobs and marks, and ids in the queue: what a later attempt or a worker would find. */
async function leftovers(redis: RedisServer): Promise<unknown> {
  return [
    await redis.call("KEYS", "rq:job:*"),
    await redis.call("KEYS", "cwm:rq:*"),
    await redis.call("LRANGE", "rq:queue:default", 0, -1),
  ];
}

Deno.test("an event runs once whatever its user was not permitted meanwhile, and the refusal is named", async () => {
  await using redis = await RedisServer.start({ persistent: false });
  await permit(redis);
  await using output = await OpenOutput.open(redisRqModule, {
    host: "127.0.0.1",
    port: redis.port,
    ...LOGIN,
  });
  const missing = [...COMMANDS, ...KEYS];
  const events = missing.map(() => verifiedEvent());
  for (const [index, without] of missing.entries()) {
    await permit(redis, { without });
    const event = events[index]!;
    const before = await redis.call("LRANGE", "rq:queue:default", 0, -1);
    for (let attempt = 1; attempt <= 3; attempt++) {
      const [failure] = await output.deliver([event], CONFIG);
      assert(failure instanceof DeliveryError, `delivered without ${without}`);
      assertEquals(failure.disposition, "retry");
      assertStringIncludes(failure.message, "does not permit");
      // Redis itself refuses a script whose keys the user may not have, and does not say which.
      assertStringIncludes(failure.message, KEYS.includes(without) ? "EVALSHA" : without.toUpperCase());
      assertEquals(await redis.call("KEYS", `*${event.id}*`), [], without);
      assertEquals(await redis.call("LRANGE", "rq:queue:default", 0, -1), before, without);
    }
    await permit(redis);
    for (let repetition = 1; repetition <= 3; repetition++) {
      assertEquals(await output.attempt(event, CONFIG), "delivered", without);
    }
  }
  await using worker = await RqWorker.start(redis);
  const calls = await worker.waitForCalls(events.length);
  const last = verifiedEvent();
  assertEquals(await output.attempt(last, CONFIG), "delivered");
  await worker.waitForCalls(events.length + 1);
  assertEquals(calls.map(({ headers }) => headers["cwm-event-id"]), events.map(({ id }) => id));
  assertEquals((await worker.calls()).length, events.length + 1);
});

Deno.test("an accepted event that was retried while its user lacked +hset is run once by a worker", async () => {
  await using redis = await RedisServer.start({ persistent: false });
  await permit(redis, { without: "hset" });
  await using worker = await RqWorker.start(redis);
  await using gateway = await TestGateway.start({
    webhooks: {
      jobs: {
        module: "redis_rq",
        "module-config": { function: "shop.tasks.record" },
        retry: { initial_delay: 0.05, max_delay: 0.1 },
      },
    },
    connections: { main: { type: "redis-rq", host: "127.0.0.1", port: redis.port, ...LOGIN } },
  });
  const { text } = await gateway.post("/webhook/jobs", '{"a":1}');
  await eventually(async () => {
    const stats = String(await redis.call("INFO", "commandstats"));
    assert(Number(/cmdstat_evalsha:calls=(\d+)/.exec(stats)?.[1] ?? 0) >= 5, "too few attempts yet");
  });
  await permit(redis);
  const calls = await worker.waitForCalls(1);
  assertEquals(calls[0]?.headers["cwm-event-id"], JSON.parse(text).event_id);
  const { text: later } = await gateway.post("/webhook/jobs", '{"a":2}');
  const all = await worker.waitForCalls(2);
  assertEquals(all.map(({ headers }) => headers["cwm-event-id"]), [
    JSON.parse(text).event_id,
    JSON.parse(later).event_id,
  ]);
});

Deno.test("redis_rq undoes what it wrote where Redis cannot be asked for rights, as before 7.0", async () => {
  await using redis = await RedisServer.start({ persistent: false });
  await permit(redis);
  const user = redis.client();
  await user.auth("gateway", "s3cret");
  const script = ENQUEUE_SCRIPT.lua.replaceAll("redis.acl_check_cmd", "nil");
  const keys = ["rq:queues", "rq:queue:default", "rq:job:event-1", "cwm:rq:event-1"];
  for (const dedupTtl of [0, 60]) {
    for (const without of [...COMMANDS, ...KEYS]) {
      await permit(redis, { without });
      const run = () => user.eval(script, 4, ...keys, "data", `600\n${dedupTtl}\nstatus\nqueued`);
      for (let attempt = 1; attempt <= 3; attempt++) {
        const failure = await run().then(() => undefined, (error: Error) => error);
        assert(failure !== undefined, `succeeded without ${without}`);
        assertEquals(await leftovers(redis), [[], [], []], without);
      }
      await permit(redis);
      assertEquals(await run(), 1, without);
      assertEquals(await redis.call("LRANGE", "rq:queue:default", 0, -1), ["event-1"]);
      await redis.call("FLUSHALL");
    }
  }
});

Deno.test("redis_rq removes the job that it has written when something else has the queue's key", async () => {
  await using redis = await RedisServer.start({ persistent: false });
  await using output = await OpenOutput.open(redisRqModule, { host: "127.0.0.1", port: redis.port });
  await redis.call("SET", "rq:queue:default", "not a list");
  const event = verifiedEvent();
  assertEquals(await output.attempt(event, CONFIG), "output_rejected");
  assertEquals(await redis.call("KEYS", `*${event.id}*`), []);
  await redis.call("DEL", "rq:queue:default");
  assertEquals(await output.attempt(event, CONFIG), "delivered");
  assertEquals(await redis.call("LLEN", "rq:queue:default"), 1);
});
