import { assertEquals } from "@std/assert";
import { eventually } from "../support/eventually.ts";
import { HttpTarget } from "../support/http/target.ts";
import { TcpProxy } from "../support/http/tcp_proxy.ts";
import { FirstConnector } from "../support/relay/version_1/first_connector.ts";
import { FirstGateway } from "../support/relay/version_1/first_gateway.ts";
import { RELAY_TOKEN, RelayWorld, TestConnector } from "../support/relay/world.ts";
import { TempDir } from "../support/temp_dir.ts";

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, n) => n);
}

/** Without the repetitions of one and the same event. */
function withoutRepeats(received: readonly number[]): number[] {
  return received.filter((n, index) => n !== received[index - 1]);
}

Deno.test("a connector of version 1 takes events of a gateway of today, in order, and settles them", async () => {
  await using world = await RelayWorld.start();
  await world.send(30);
  // The first is delivered in the end, after a pause; the one behind it is refused for good.
  const failures = numbers(4).map(() => ({ status: 500 }));
  world.target.answerNext(...failures, { status: 200 }, { status: 410 });
  await using _connector = new FirstConnector(
    `http://${world.proxy.address}`,
    RELAY_TOKEN,
    `${world.target.url}/in`,
  );
  await eventually(() => assertEquals(withoutRepeats(world.received()), numbers(30)));
  await world.send(30, { from: 30 });
  await eventually(() => assertEquals(withoutRepeats(world.received()), numbers(60)));
  await world.empty();
  assertEquals((await world.deadLetters()).map(({ reason }) => reason), ["output_rejected"]);
});

Deno.test("a connector of version 1 delivers each event once although its connection is cut", async () => {
  await using world = await RelayWorld.start();
  const answered = Promise.withResolvers<void>();
  world.target.answerNext({ status: 200, after: answered.promise });
  await world.send(3);
  await using _connector = new FirstConnector(
    `http://${world.proxy.address}`,
    RELAY_TOKEN,
    `${world.target.url}/in`,
  );
  await world.target.waitForRequests(1);
  const connections = world.proxy.acceptedCount;
  world.proxy.cut();
  await eventually(() => world.proxy.acceptedCount > connections);
  answered.resolve();
  await world.target.waitForRequests(3);
  await world.empty();
  assertEquals(world.received(), numbers(3));
});

/** A gateway of version 1, a line to it that fails on command, and a connector of today. */
async function startToday(target: HttpTarget) {
  await using resources = new AsyncDisposableStack();
  const gateway = resources.use(await FirstGateway.start(RELAY_TOKEN));
  const proxy = resources.use(TcpProxy.start({ port: gateway.port }));
  const directory = resources.use(await TempDir.create());
  const file = await directory.writeJson("connector.json", {
    cloud_url: `http://${proxy.address}`,
    channel: "inbox",
    token: RELAY_TOKEN,
    reconnect_delay: 0.02,
    max_reconnect_delay: 0.1,
    redelivery_delay: 0.05,
    max_redelivery_delay: 0.1,
    default_target: { url: target.url, timeout_seconds: 60, retry_delay_seconds: 0.01 },
  });
  const connector = resources.use(await TestConnector.start(file, directory));
  await connector.connected();
  const held = resources.move();
  return { gateway, proxy, connector, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

function receivedBy(target: HttpTarget): number[] {
  return target.requests.map(({ text }) => (JSON.parse(text) as { readonly n: number }).n);
}

Deno.test("a connector of today takes events of a gateway of version 1, in order, and settles them", async () => {
  await using target = await HttpTarget.start();
  target.answerNext(...numbers(4).map(() => ({ status: 500 })), { status: 200 }, { status: 410 });
  await using today = await startToday(target);
  await today.gateway.send(30);
  await eventually(() => assertEquals(withoutRepeats(receivedBy(target)), numbers(30)));
  await today.gateway.send(30, 30);
  await eventually(() => assertEquals(withoutRepeats(receivedBy(target)), numbers(60)));
  await eventually(async () => assertEquals(await today.gateway.depth(), 0));
  assertEquals(await today.gateway.deadLetters(), ["output_rejected"]);
});

Deno.test("a connector of today resumes at a gateway of version 1, and delivers each event once", async () => {
  await using target = await HttpTarget.start();
  const answered = Promise.withResolvers<void>();
  target.answerNext({ status: 200, after: answered.promise });
  await using today = await startToday(target);
  await today.gateway.send(3);
  await target.waitForRequests(1);
  const connections = today.proxy.acceptedCount;
  today.proxy.cut();
  await eventually(() => today.proxy.acceptedCount > connections);
  await today.connector.connected();
  answered.resolve();
  await target.waitForRequests(3);
  await eventually(async () => assertEquals(await today.gateway.depth(), 0));
  assertEquals(receivedBy(target), numbers(3));
});
