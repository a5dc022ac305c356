import { inflateSync } from "node:zlib";
import type { OutputUnderTest, OutputWorld, ReceivedEvent } from "../../contracts/output.ts";
import { RedisServer } from "../../support/redis/server.ts";

/** A Redis server, whose jobs are read as a worker would. */
export const world: OutputWorld = { setUp };

const PASSWORD = "connection-s3cret";

async function setUp(): Promise<OutputUnderTest> {
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
        probed: /\(WRONGTYPE rq:queue:taken\)/,
      },
      {
        when: "Redis is out of memory",
        disposition: "retry",
        arrange: async () => void await redis.call("CONFIG", "SET", "maxmemory", 1),
      },
      { when: "Redis is down", disposition: "retry", arrange: () => redis.kill() },
    ],
    received: () => queuedEvents(redis),
    stall: () => redis.freeze(),
    goOn: () => redis.thaw(),
    impatient: { connection: { timeout: 0.5 } },
    takeDown: () => redis.kill(),
    restore: () => redis.restart(),
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
