import type { OutputUnderTest, OutputWorld, ReceivedEvent } from "../../contracts/output.ts";
import { eventually } from "../../support/eventually.ts";
import { RedisServer } from "../../support/redis/server.ts";

/** A Redis server, and somebody who listens to its channel. */
export const world: OutputWorld = { setUp };

const PASSWORD = "connection-s3cret";

/** As a blob, so that the envelope, which has the event's id, holds the body's very bytes. */
async function setUp(): Promise<OutputUnderTest> {
  const redis = await RedisServer.start({ persistent: false, password: PASSWORD });
  await redis.call("ACL", "SETUSER", "default", "resetchannels", "&shop:*");
  let messages = await redis.subscribe("shop:orders");
  return {
    connection: { host: "127.0.0.1", port: redis.port, password: PASSWORD },
    config: { channel: "shop:orders" },
    dataType: "blob",
    secrets: [PASSWORD],
    failures: [
      {
        when: "the user may not use the channel",
        disposition: "retry",
        config: { channel: "other" },
        probed: /NOPERM/,
      },
      { when: "Redis is down", disposition: "retry", arrange: () => redis.kill() },
    ],
    received: async () => {
      await redis.call("PUBLISH", "shop:orders", END);
      // Redis passes messages on in the order in which it got them.
      await eventually(() => messages.length > 0 && decode(messages.at(-1)!) === END);
      return messages.map(decode).filter((text) => text !== END).map(readMessage);
    },
    stall: () => redis.freeze(),
    goOn: () => redis.thaw(),
    impatient: { connection: { timeout: 0.5 } },
    takeDown: () => redis.kill(),
    restore: async () => {
      await redis.restart();
      messages = await redis.subscribe("shop:orders");
    },
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
