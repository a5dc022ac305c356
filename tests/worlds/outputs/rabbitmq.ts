import type { OutputUnderTest, OutputWorld, ReceivedEvent } from "../../contracts/output.ts";
import { TcpProxy } from "../../support/http/tcp_proxy.ts";
import { RabbitmqDesk } from "../../support/rabbitmq/desk.ts";
import { RABBITMQ_USERS } from "../../support/rabbitmq/server.ts";
import { sharedRabbitmq } from "../../support/rabbitmq/shared.ts";

/** Queues of a RabbitMQ that all tests share, behind a network that may break. */
export const world: OutputWorld = { setUp };

async function setUp(): Promise<OutputUnderTest> {
  await using undo = new AsyncDisposableStack();
  const { port } = await sharedRabbitmq();
  const desk = undo.use(new RabbitmqDesk(port));
  const network = undo.use(TcpProxy.start({ port }));
  const queue = await desk.makeQueue();
  const full = await desk.makeQueue({ "x-max-length": 0, "x-overflow": "reject-publish" });
  const exchange = await desk.makeExchange("direct", RabbitmqDesk.name("open"));
  const closed = await desk.makeExchange("direct");
  const received: ReceivedEvent[] = [];
  const resources = undo.move();
  return {
    connection: { host: "127.0.0.1", port: network.port, user: "writer", pass: RABBITMQ_USERS.writer },
    config: { queue_name: queue },
    secrets: [RABBITMQ_USERS.writer],
    failures: [
      { when: "no queue takes it", disposition: "retry", config: { exchange, routing_key: "nobody" } },
      {
        when: "its routing key cannot be made",
        disposition: "dead_letter",
        config: { exchange, routing_key: "{/nowhere}" },
      },
      {
        when: "the exchange does not exist",
        disposition: "retry",
        config: { exchange: RabbitmqDesk.name("open") },
        probed: /has no exchange/,
      },
      { when: "the queue is full", disposition: "retry", config: { queue_name: full } },
      {
        when: "the user may not write there",
        disposition: "retry",
        config: { exchange: closed },
        probed: /not permit the user to write to exchange/,
      },
      {
        when: "the user may not make the queue",
        disposition: "retry",
        config: { queue_name: RabbitmqDesk.name() },
      },
      { when: "RabbitMQ is down", disposition: "retry", arrange: () => goDown(network) },
    ],
    received: async () => {
      for (const { content, properties } of await desk.take(queue)) {
        received.push({ id: properties.messageId, body: new Uint8Array(content) });
      }
      return received;
    },
    stall: () => network.freeze(),
    goOn: () => network.thaw(),
    impatient: { connection: { timeout: 0.5 } },
    takeDown: () => goDown(network),
    restore: () => network.accept(),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

async function goDown(network: TcpProxy): Promise<void> {
  await network.refuse();
  network.cut();
}
