import type { OutputUnderTest, OutputWorld } from "../../contracts/output.ts";
import { eventIdOf, MosquittoServer } from "../../support/mqtt/server.ts";

/** A Mosquitto that asks for a password, and somebody who reads everything. */
export const world: OutputWorld = { setUp };

const PASSWORD = "connection-s3cret";

async function setUp(): Promise<OutputUnderTest> {
  const broker = await MosquittoServer.start({
    users: { gateway: PASSWORD },
    access: ["user gateway", "topic readwrite orders/#"],
  });
  let reader = await broker.read();
  return {
    connection: { host: "127.0.0.1", port: broker.port, username: "gateway", password: PASSWORD },
    config: { topic: "orders/{webhook_id}" },
    secrets: [PASSWORD],
    failures: [
      { when: "the user may not use the topic", disposition: "retry", config: { topic: "closed" } },
      {
        when: "the event lacks a value for its topic",
        disposition: "dead_letter",
        config: { topic: "orders/{/customer/id}" },
      },
      { when: "the broker is down", disposition: "retry", arrange: () => broker.kill() },
    ],
    received: async () =>
      (await reader.messages()).map((message) => ({ id: eventIdOf(message), body: message.payload })),
    stall: () => broker.freeze(),
    goOn: () => broker.thaw(),
    impatient: { connection: { timeout: 0.5 } },
    takeDown: () => broker.kill(),
    restore: async () => {
      await broker.restart();
      reader = await broker.read();
    },
    [Symbol.asyncDispose]: () => broker[Symbol.asyncDispose](),
  };
}
