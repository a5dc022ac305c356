import type { OutputUnderTest, OutputWorld } from "../../contracts/output.ts";
import { eventIdOf } from "../../support/nats/desk.ts";
import { DESK_USER, NatsServer } from "../../support/nats/server.ts";

/** A server with a stream, and a user who may publish on its subjects. */
export const world: OutputWorld = { setUp };

const PASSWORD = "connection-s3cret";
const STREAM = "ORDERS";

async function setUp(): Promise<OutputUnderTest> {
  const rights = '{ publish: ["orders.>", "other.>"], subscribe: ["_INBOX.>"] }';
  const server = await NatsServer.start({
    authorization: [
      `users: [ ${DESK_USER}, { user: gateway, password: "${PASSWORD}", permissions: ${rights} } ]`,
    ],
    lines: ["max_payload: 2MB"],
  });
  await (await server.desk()).createStream(STREAM, ["orders.>"]);
  const config = { subject: "orders.{webhook_id}", stream: STREAM };
  return {
    connection: { servers: `127.0.0.1:${server.port}`, username: "gateway", password: PASSWORD },
    config,
    secrets: [PASSWORD],
    failures: [
      {
        when: "no stream takes the subject",
        disposition: "retry",
        config: { subject: "other.{webhook_id}" },
      },
      { when: "another stream takes it", disposition: "retry", config: { ...config, stream: "OTHER" } },
      {
        when: "the user may not publish there",
        disposition: "retry",
        config: { subject: "closed" },
        probed: /not permit the user to publish on 'closed'/,
      },
      {
        when: "the event lacks a value for its subject",
        disposition: "dead_letter",
        config: { subject: "orders.{/customer/id}" },
      },
      { when: "the server is down", disposition: "retry", arrange: () => server.kill() },
    ],
    received: async () =>
      (await (await server.desk()).messages(STREAM)).map((message) => ({
        id: eventIdOf(message),
        body: message.body,
      })),
    stall: () => server.freeze(),
    goOn: () => server.thaw(),
    impatient: { connection: { timeout: 0.5 } },
    takeDown: () => server.kill(),
    restore: () => server.restart(),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
