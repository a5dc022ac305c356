import type { OutputUnderTest, OutputWorld, ReceivedEvent } from "../../contracts/output.ts";
import { RedisServer } from "../../support/redis/server.ts";
import { streamEntries } from "../../support/redis/stream.ts";

/** A Redis server, whose stream is read as a consumer would. */
export const world: OutputWorld = { setUp };

const PASSWORD = "connection-s3cret";

async function setUp(): Promise<OutputUnderTest> {
  const redis = await RedisServer.start({ persistent: false, password: PASSWORD });
  await redis.call("SET", "taken", "not a stream");
  return {
    connection: { host: "127.0.0.1", port: redis.port, password: PASSWORD },
    config: { stream: "orders" },
    dataType: "blob",
    secrets: [PASSWORD],
    failures: [
      {
        when: "something else has the stream's key",
        disposition: "dead_letter",
        config: { stream: "taken" },
        probed: /\(WRONGTYPE taken\)/,
      },
      {
        when: "there is no stream and none may be made",
        disposition: "retry",
        config: { stream: "nowhere", create_stream: false },
        probed: /\(NOSTREAM nowhere\)/,
      },
      {
        when: "Redis is out of memory",
        disposition: "retry",
        arrange: async () => void await redis.call("CONFIG", "SET", "maxmemory", 1),
      },
      { when: "Redis is down", disposition: "retry", arrange: () => redis.kill() },
    ],
    received: async () => (await streamEntries(redis, "orders")).map(receivedOf),
    stall: () => redis.freeze(),
    goOn: () => redis.thaw(),
    impatient: { connection: { timeout: 0.5 } },
    takeDown: () => redis.kill(),
    restore: () => redis.restart(),
    [Symbol.asyncDispose]: () => redis[Symbol.asyncDispose](),
  };
}

function receivedOf(entry: ReadonlyMap<string, Uint8Array>): ReceivedEvent {
  return { id: new TextDecoder().decode(entry.get("event_id")), body: new Uint8Array(entry.get("payload")!) };
}
