import type { OutputUnderTest, OutputWorld, ReceivedEvent } from "../../contracts/output.ts";
import { TEST_CA } from "../../support/http/test_certificate.ts";
import { TcpProxy } from "../../support/http/tcp_proxy.ts";
import { PROJECT, sharedAccount } from "../../support/pubsub/account.ts";
import { EmulatedTopic } from "../../support/pubsub/emulator.ts";
import { PubsubServer } from "../../support/pubsub/server.ts";
import { TempDir } from "../../support/temp_dir.ts";

/** Google's emulator, where there is one; otherwise a server that refuses what the published limits refuse. */
export const world: OutputWorld = { setUp };

const emulator = Deno.env.get("PUBSUB_EMULATOR_HOST");

function setUp(): Promise<OutputUnderTest> {
  return emulator === undefined ? setUpServer() : setUpEmulator(emulator);
}

async function setUpServer(): Promise<OutputUnderTest> {
  await using undo = new AsyncDisposableStack();
  const account = sharedAccount();
  const server = undo.use(await PubsubServer.start({ account }));
  const network = undo.use(TcpProxy.start({ port: server.port }));
  const directory = undo.use(await TempDir.create());
  const ca = await directory.writeText("ca.crt", TEST_CA);
  server.setTopic("orders", "open");
  server.setTopic("closed", "closed");
  const resources = undo.move();
  return {
    connection: {
      endpoint: `https://127.0.0.1:${network.port}`,
      credentials: account.document(),
      tls: { ca, servername: "orders.test" },
    },
    config: { topic: "orders" },
    secrets: [account.secret],
    failures: [
      LACKS_TOPIC,
      {
        when: "the account may not publish there",
        disposition: "retry",
        config: { topic: "closed" },
        probed: /'closed'/,
      },
      LACKS_KEY,
      { when: "Pub/Sub is down", disposition: "retry", arrange: () => goDown(network) },
    ],
    received: () =>
      server.published.map(({ data, attributes }) => ({ id: attributes["cwm-event-id"]!, body: data })),
    ...faultsOf(network),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

async function setUpEmulator(host: string): Promise<OutputUnderTest> {
  const topic = await EmulatedTopic.create(host);
  const [hostname = "", port] = host.split(":");
  const network = TcpProxy.start({ hostname, port: Number(port) });
  const received: ReceivedEvent[] = [];
  return {
    connection: { project_id: PROJECT, emulator_host: network.address },
    config: { topic: topic.topic },
    failures: [
      LACKS_TOPIC,
      { ...LACKS_KEY, config: { ...LACKS_KEY.config, topic: topic.topic } },
      { when: "the emulator is down", disposition: "retry", arrange: () => goDown(network) },
    ],
    received: async () => {
      for (const { data = "", attributes = {} } of await topic.take()) {
        received.push({ id: attributes["cwm-event-id"]!, body: Uint8Array.fromBase64(data) });
      }
      return received;
    },
    ...faultsOf(network),
    [Symbol.asyncDispose]: () => network[Symbol.asyncDispose](),
  };
}

const LACKS_TOPIC = {
  when: "the topic is missing",
  disposition: "retry",
  config: { topic: "missing" },
  probed: /'missing'/,
} as const;

const LACKS_KEY = {
  when: "the event lacks a value for its ordering key",
  disposition: "dead_letter",
  config: { topic: "orders", ordering_key: "{/nowhere}" },
} as const;

function faultsOf(
  network: TcpProxy,
): Pick<OutputUnderTest, "stall" | "goOn" | "impatient" | "takeDown" | "restore"> {
  return {
    stall: () => network.freeze(),
    goOn: () => network.thaw(),
    impatient: { config: { timeout: 0.5 } },
    takeDown: () => goDown(network),
    restore: () => network.accept(),
  };
}

async function goDown(network: TcpProxy): Promise<void> {
  await network.refuse();
  network.cut();
}
