import type { OutputUnderTest, OutputWorld } from "../../contracts/output.ts";
import { bodyOf, eventIdOf, type FoundMessage, QueueDesk } from "../../support/aws/queue_desk.ts";
import { startQueues } from "../../support/aws/queues.ts";
import { TcpProxy } from "../../support/http/tcp_proxy.ts";

const SECRETS = ["key-s3cret", "token-s3cret"] as const;

/** Queues of a server that speaks like SQS, behind a network that may break. */
export const world: OutputWorld = {
  exceptions: { mebibyte: "Messages of SQS have a mebibyte at most, their attributes included" },
  setUp,
};

async function setUp(): Promise<OutputUnderTest> {
  await using undo = new AsyncDisposableStack();
  const { port } = undo.use(await startQueues());
  const desk = undo.use(new QueueDesk(port));
  const network = undo.use(TcpProxy.start({ port }));
  const name = QueueDesk.name();
  const queue = await desk.make(name);
  const received: FoundMessage[] = [];
  const resources = undo.move();
  return {
    connection: {
      region: "us-east-1",
      endpoint_url: `http://127.0.0.1:${network.port}`,
      aws_access_key_id: "key-id",
      aws_secret_access_key: SECRETS[0],
      aws_session_token: SECRETS[1],
    },
    config: { queue_name: name },
    secrets: SECRETS,
    failures: [
      {
        when: "its group cannot be made",
        disposition: "dead_letter",
        config: { queue_name: name, message_group_id: "{/nowhere}" },
      },
      {
        when: "the queue does not exist",
        disposition: "retry",
        config: { queue_name: QueueDesk.name() },
        probed: /does not have it: queue/,
      },
      { when: "SQS is down", disposition: "retry", arrange: () => goDown(network) },
    ],
    received: async () => {
      received.push(...await desk.take(queue));
      return received.map((message) => ({ id: eventIdOf(message), body: bodyOf(message) }));
    },
    stall: () => network.freeze(),
    goOn: () => network.thaw(),
    impatient: { config: { timeout: 0.5 } },
    takeDown: () => goDown(network),
    restore: () => network.accept(),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

async function goDown(network: TcpProxy): Promise<void> {
  await network.refuse();
  network.cut();
}
