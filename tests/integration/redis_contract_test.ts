import { inflateSync } from "node:zlib";
import { redisPublishModule } from "../../src/modules/redis/redis_publish.ts";
import { redisRqModule } from "../../src/modules/redis/rq/redis_rq.ts";
import { eventually } from "../support/eventually.ts";
import { type OutputUnderTest, type ReceivedEvent, testOutputContract } from "../contracts/output.ts";
import { RedisServer } from "../support/redis/server.ts";

testOutputContract(redisRqModule, setUpRedisRq);

testOutputContract(redisPublishModule, setUpRedisPublish);

const PASSWORD = "connection-s3cret";

async function setUpRedisRq(): Promise<OutputUnderTest> {
  const redis = await RedisServer.start({ persistent: false, password: PASSWORD });
  await redis.call("SET", "rq:queue:taken", "not a list");
  const config = { function: "shop.tasks.record", serializer: "json" };
  return {
    connection: { host: "127.0.0.1", port: redis.port, password: PASSWORD },
    config,
    secrets: [PASSWORD],
    failures: [
      {
        when: "something else has the queue's key",
        disposition: "dead_letter",
        config: { ...config, queue_name: "taken" },
      },
      {
        when: "Redis is out of memory",
        disposition: "retry",
        arrange: async () => void await redis.call("CONFIG", "SET", "maxmemory", 1),
      },
      { when: "Redis is down", disposition: "retry", arrange: () => redis.kill() },
    ],
    received: () => queuedEvents(redis),
    takeDown: () => redis.kill(),
    [Symbol.asyncDispose]: () => redis[Symbol.asyncDispose](),
  };
}

/** The jobs of the queue, with the payload as JSON. */
async function queuedEvents(redis: RedisServer): Promise<readonly ReceivedEvent[]> {
  const ids = await redis.call("LRANGE", "rq:queue:default", 0, -1) as string[];
  return await Promise.all(ids.map(async (id) => {
    const data = await redis.callForBytes("HGET", `rq:job:${id}`, "data") as Uint8Array;
    const [, , [payload, headers]] = JSON.parse(new TextDecoder().decode(uncompressed(data)));
    return { id: headers["cwm-event-id"], body: new TextEncoder().encode(JSON.stringify(payload)) };
  }));
}

function uncompressed(data: Uint8Array): Uint8Array {
  return data[0] === "[".charCodeAt(0) ? data : inflateSync(data);
}

/** As a blob, so that the envelope, which has the event's id, holds the body's very bytes. */
async function setUpRedisPublish(): Promise<OutputUnderTest> {
  const redis = await RedisServer.start({ persistent: false, password: PASSWORD });
  await redis.call("ACL", "SETUSER", "default", "resetchannels", "&shop:*");
  const messages = await redis.subscribe("shop:orders");
  return {
    connection: { host: "127.0.0.1", port: redis.port, password: PASSWORD },
    config: { channel: "shop:orders" },
    dataType: "blob",
    secrets: [PASSWORD],
    failures: [
      { when: "the user may not use the channel", disposition: "retry", config: { channel: "other" } },
      { when: "Redis is down", disposition: "retry", arrange: () => redis.kill() },
    ],
    received: async () => {
      await redis.call("PUBLISH", "shop:orders", END);
      // Redis passes messages on in the order in which it got them.
      await eventually(() => messages.length > 0 && decode(messages.at(-1)!) === END);
      return messages.map(decode).filter((text) => text !== END).map(readMessage);
    },
    takeDown: () => redis.kill(),
    [Symbol.asyncDispose]: () => redis[Symbol.asyncDispose](),
  };
}

/** The last message so far. */
const END = "end";

function decode(message: Uint8Array): string {
  return new TextDecoder().decode(message);
}

function readMessage(message: string): ReceivedEvent {
  const { event_id, body_base64 } = JSON.parse(message);
  return { id: event_id, body: Uint8Array.fromBase64(body_base64) };
}
