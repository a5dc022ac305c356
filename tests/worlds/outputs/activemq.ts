import type { OutputUnderTest, OutputWorld, ReceivedEvent } from "../../contracts/output.ts";
import { ActivemqDesk } from "../../support/activemq/desk.ts";
import { ACTIVEMQ_USERS } from "../../support/activemq/server.ts";
import { sharedActivemq } from "../../support/activemq/shared.ts";
import { TcpProxy } from "../../support/http/tcp_proxy.ts";

/** Queues of an ActiveMQ that all tests share, behind a network that may break. */
export const world: OutputWorld = { setUp };

async function setUp(): Promise<OutputUnderTest> {
  await using undo = new AsyncDisposableStack();
  const { port } = await sharedActivemq();
  const desk = undo.use(await ActivemqDesk.open(port));
  const network = undo.use(TcpProxy.start({ port }));
  const queue = ActivemqDesk.name();
  await desk.subscribe(`/queue/${queue}`);
  const resources = undo.move();
  return {
    connection: {
      host: "127.0.0.1",
      port: network.port,
      user: "writer",
      password: ACTIVEMQ_USERS.writer,
    },
    config: { destination: queue },
    dataType: "blob",
    secrets: [ACTIVEMQ_USERS.writer],
    failures: [
      {
        when: "the user may not write there",
        disposition: "retry",
        config: { destination: ActivemqDesk.name("closed.") },
        probed: /closed\./,
      },
      { when: "ActiveMQ is down", disposition: "retry", arrange: () => goDown(network) },
    ],
    received: async (): Promise<readonly ReceivedEvent[]> =>
      (await desk.read(`/queue/${queue}`)).map(({ headers, body }) => ({
        id: headers["cwm-event-id"]!,
        body,
      })),
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
