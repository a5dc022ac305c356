import { assertEquals, assertRejects } from "@std/assert";
import { getLogger } from "@logtape/logtape";
import { RedisChannelQueues } from "../../src/channels/redis/redis_channel_queues.ts";
import { ENQUEUE, LEASE } from "../../src/channels/redis/scripts.ts";
import { GatewayError } from "../../src/errors.ts";
import { RedisServer } from "../support/redis/server.ts";
import { verifiedEvent } from "../support/verified_event.ts";

const OPTIONS = { ttlMs: 60_000, maxSize: 100 };
const DEAD_LETTERS = { bury: () => Promise.reject(new Error("No event is to be buried")) };

async function permitAll(redis: RedisServer, without: readonly string[] = []): Promise<void> {
  const rules = ["reset", "on", ">s3cret", "allkeys", "allchannels", "allcommands"];
  await redis.call("ACL", "SETUSER", "relay", ...rules, ...without.map((command) => `-${command}`));
}

/** Runs a step of the queues without each of the commands, which must fail, and then with all of them. */
async function whateverIsMissing<Result>(
  redis: RedisServer,
  commands: readonly string[],
  step: () => Promise<Result>,
): Promise<Result> {
  for (const command of commands) {
    await permitAll(redis, [command]);
    await assertRejects(step, GatewayError);
  }
  await permitAll(redis);
  return await step();
}

Deno.test("an event of a channel is there once, whatever the user of Redis was not permitted", async () => {
  await using redis = await RedisServer.start({ persistent: false });
  await permitAll(redis);
  await using queues = await RedisChannelQueues.open({
    url: redis.url.replace("127.0.0.1", "relay:s3cret@127.0.0.1"),
    deadLetters: DEAD_LETTERS,
    logger: getLogger(["cwm", "test", "relay"]),
  });
  const event = verifiedEvent();
  const writes = ["publish", "sadd", "xgroup", "xadd", "hset", "zadd", "time"];
  await whateverIsMissing(redis, writes, () => queues.enqueue("orders", event, OPTIONS));
  const leases = ["zadd", "zrem", "zscore", "xclaim", "xpending", "xreadgroup", "time"];
  const [leased, ...others] = await whateverIsMissing(
    redis,
    leases,
    () => queues.lease("orders", 10, 60_000),
  );
  assertEquals([leased?.event.id, leased?.delivery, others], [event.id, 1, []]);
  await whateverIsMissing(redis, ["zadd", "publish"], () => queues.release("orders", [{ tag: event.id }], 0));
  const [again] = await queues.lease("orders", 10, 60_000);
  assertEquals([again?.event.id, again?.delivery], [event.id, 2]);
  const returns = ["xpending", "xclaim", "zadd", "publish"];
  await whateverIsMissing(redis, returns, () => queues.takeBack("orders", [event.id]));
  const [unseen] = await queues.lease("orders", 10, 60_000);
  assertEquals([unseen?.event.id, unseen?.delivery], [event.id, 2]);
  await queues.release("orders", [{ tag: event.id }], 0);
  const [timed] = await queues.lease("orders", 10, 60_000, { isTimed: true });
  const { tag, delivery } = timed!;
  await whateverIsMissing(redis, ["xpending", "zadd"], () => queues.extend("orders", [timed!], 60_000));
  const ends = ["xpending", "xclaim", "zadd", "publish"];
  assertEquals(await whateverIsMissing(redis, ends, () => queues.release("orders", [{ tag, delivery }], 0)), [
    tag,
  ]);
  const removals = ["xack", "xdel", "hdel", "zrem"];
  assertEquals(await whateverIsMissing(redis, removals, () => queues.acknowledge("orders", [event.id])), [
    tag,
  ]);
  assertEquals(await queues.depth("orders"), { ready: 0, leased: 0, oldestReceivedAt: undefined });
  assertEquals((await redis.call("KEYS", "cwm:relay:*") as string[]).sort(), [
    "cwm:relay:channels",
    "cwm:relay:{orders}:stream",
  ]);
});

Deno.test("an event of a channel is there once also where Redis has no rights to ask for, before 7.0", async () => {
  await using redis = await RedisServer.start({ persistent: false });
  await permitAll(redis);
  const user = redis.client();
  await user.auth("relay", "s3cret");
  const [enqueue, lease] = [ENQUEUE, LEASE].map(({ lua }) => lua.replaceAll("redis.acl_check_cmd", "nil"));
  const keys = ["stream", "ids", "leases", "expiry"].map((name) => `cwm:relay:{orders}:${name}`);
  const [stream, ids, leases, expiry] = keys as [string, string, string, string];
  const step = async (...args: Parameters<typeof user.eval>) => {
    try {
      return await user.eval(...args);
    } catch (cause) {
      throw new GatewayError("journal_unavailable", undefined, { cause });
    }
  };
  const stored = ["event-1", 100, 60_000, "head", "body", 1, "orders", "cwm:relay:wake"];
  const writes = ["publish", "sadd", "xgroup", "xadd", "hset", "zadd", "time"];
  await whateverIsMissing(
    redis,
    writes,
    () => step(enqueue!, 4, stream, ids, expiry, "cwm:relay:channels", ...stored),
  );
  assertEquals(await redis.call("XLEN", stream), 1);
  const reads = ["zadd", "zscore", "xpending", "xreadgroup", "time"];
  const leased = await whateverIsMissing(
    redis,
    reads,
    () => step(lease!, 3, stream, leases, expiry, 10, 60_000, 1_000, "gateways"),
  );
  assertEquals((leased as unknown[]).length, 1);
});
