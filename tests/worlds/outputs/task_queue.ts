import type { OutputUnderTest, OutputWorld, ReceivedEvent } from "../../contracts/output.ts";
import { RedisServer } from "../../support/redis/server.ts";

/** A Redis server, whose tasks are read as a worker of Celery would. */
export const world: OutputWorld = { setUp };

const PASSWORD = "connection-s3cret";

async function setUp(): Promise<OutputUnderTest> {
  const redis = await RedisServer.start({ persistent: false, password: PASSWORD });
  await redis.call("SET", "taken", "not a list");
  const config = { protocol: "celery", function: "shop.tasks.record" };
  return {
    connection: { host: "127.0.0.1", port: redis.port, password: PASSWORD },
    config,
    secrets: [PASSWORD],
    failures: [
      {
        when: "something else has the queue's key",
        disposition: "dead_letter",
        config: { ...config, queue_name: "taken" },
        probed: /\(WRONGTYPE taken\)/,
      },
      {
        when: "Redis is out of memory",
        disposition: "retry",
        arrange: async () => void await redis.call("CONFIG", "SET", "maxmemory", 1),
      },
      { when: "Redis is down", disposition: "retry", arrange: () => redis.kill() },
    ],
    received: async () => (await redis.call("LRANGE", "celery", 0, -1) as string[]).map(receivedOf),
    stall: () => redis.freeze(),
    goOn: () => redis.thaw(),
    impatient: { connection: { timeout: 0.5 } },
    takeDown: () => redis.kill(),
    restore: () => redis.restart(),
    [Symbol.asyncDispose]: () => redis[Symbol.asyncDispose](),
  };
}

/** The event of a message, with the payload as JSON. */
function receivedOf(message: string): ReceivedEvent {
  const body = new TextDecoder().decode(Uint8Array.fromBase64(JSON.parse(message).body));
  const [[payload, headers]] = JSON.parse(body);
  return { id: headers["cwm-event-id"], body: new TextEncoder().encode(JSON.stringify(payload)) };
}
