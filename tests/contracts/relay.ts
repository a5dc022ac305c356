/** What every transport and every delivery mode of the connector must do. */

import { assertEquals } from "@std/assert";
import { EtcdServer } from "../support/etcd/server.ts";
import { eventually } from "../support/eventually.ts";
import { RedisServer } from "../support/redis/server.ts";
import { RELAY_TOKEN, type RelayMode, type RelayTransport, RelayWorld } from "../support/relay/world.ts";

/** A way from the gateway to the target. */
export interface RelaySubject {
  readonly transport: RelayTransport;
  readonly mode: RelayMode;
  /** Where the channel stands; with Redis, two gateways take webhooks. @default "journal" */
  readonly queue?: "journal" | "redis";
}

/** Without the repetitions of one and the same event. */
function withoutRepeats(numbers: readonly number[]): number[] {
  return numbers.filter((n, index) => n !== numbers[index - 1]);
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, n) => n);
}

/** In the order that is promised: what a pulling consumer did not read comes again once its lease has ended. */
function inOrder(transport: RelayTransport, received: readonly number[]): number[] {
  return transport === "pull" ? [...new Set(received)].sort((a, b) => a - b) : withoutRepeats(received);
}

/** Registers the tests of the contract for one subject. */
export function testRelay({ transport, mode, queue = "journal" }: RelaySubject): void {
  const name = `relay by ${transport} in ${mode} mode${
    queue === "redis" ? " with two gateways on Redis" : ""
  }`;

  const arrived = (received: readonly number[]) => inOrder(transport, received);

  const test = (behaviour: string, run: (world: RelayWorld) => Promise<void>) =>
    Deno.test({
      name: `${name} ${behaviour}`,
      // The parser of ioredis keeps an interval of its own for a while after it has read a large answer.
      sanitizeOps: queue !== "redis",
      sanitizeResources: queue !== "redis",
      async fn() {
        await using etcd = mode === "etcd" ? await EtcdServer.start() : undefined;
        await using redis = queue === "redis" ? await RedisServer.start() : undefined;
        await using world = await RelayWorld.start({
          transport,
          mode,
          ...(etcd === undefined ? {} : { etcd }),
          ...(redis === undefined ? {} : { environment: { RELAY_QUEUE: redis.url }, hasPeer: true }),
        });
        await run(world);
      },
    });

  test("delivers what was queued before and what comes later, in order, and empties the channel", async (world) => {
    await world.send(20);
    await using connector = await world.connector();
    await connector.connected();
    await world.send(20, { from: 20 });
    await world.target.waitForRequests(40);
    assertEquals(world.received(), numbers(40));
    await world.empty();
  });

  test("delivers bodies byte for byte, be they text or not, with the id of the event", async (world) => {
    const bodies = [
      new TextEncoder().encode('{"text":"\u00fc\u2028\ud83d\ude00"}'),
      new Uint8Array([0xef, 0xbb, 0xbf, 0x7b, 0x7d]),
      Uint8Array.from({ length: 256 }, (_, index) => index),
      new Uint8Array(300_000).fill(0xfe),
      new Uint8Array(),
    ];
    const ids: string[] = [];
    for (const body of bodies) {
      ids.push(JSON.parse((await world.gateway.post("/webhook/orders", body)).text).event_id);
    }
    await using _connector = await world.connector();
    const requests = await world.target.waitForRequests(bodies.length);
    assertEquals(requests.map(({ body }) => body), bodies);
    assertEquals(requests.map(({ headers }) => headers.get("cwm-event-id")), ids);
  });

  test("gives an event back that the target fails to take, and goes on in order when it is well", async (world) => {
    await world.send(5);
    const failure = { status: 500 };
    world.target.answerNext(...Array.from({ length: 7 }, () => failure));
    await using _connector = await world.connector();
    await eventually(() => assertEquals(arrived(world.received()), numbers(5)));
    await world.empty();
    assertEquals(await world.deadLetters(), []);
  });

  test("puts an event that the target refuses for good into the gateway's dead letters", async (world) => {
    await world.send(3);
    world.target.answerNext({ status: 410 });
    await using _connector = await world.connector();
    await world.target.waitForRequests(3);
    await world.empty();
    assertEquals((await world.deadLetters()).map(({ reason }) => reason), ["output_rejected"]);
    assertEquals(world.received(), numbers(3));
    await world.replayDeadLetters();
    await world.target.waitForRequests(4);
    assertEquals(world.received(), [0, 1, 2, 0]);
    await world.empty();
    assertEquals(await world.deadLetters(), []);
  });

  test("delivers each event once although the connection is cut while it is delivered", async (world) => {
    const answered = Promise.withResolvers<void>();
    world.target.answerNext({ status: 200, after: answered.promise });
    await world.send(3);
    await using connector = await world.connector();
    await world.target.waitForRequests(1);
    const connections = world.proxy.acceptedCount;
    world.proxy.cut();
    await eventually(() => world.proxy.acceptedCount > connections);
    await connector.connected();
    answered.resolve();
    await world.target.waitForRequests(3);
    await world.empty();
    assertEquals(world.received(), numbers(3));
  });

  test("notices a line that has gone silent, and goes on over another one", async (world) => {
    await using connector = await world.connector();
    await connector.connected();
    await world.send(2);
    await world.target.waitForRequests(2);
    const connections = world.proxy.acceptedCount;
    world.proxy.freeze();
    await world.send(3, { from: 2 });
    await eventually(() => world.proxy.acceptedCount > connections && !connector.isConnected);
    world.proxy.thaw();
    await eventually(() => assertEquals(arrived(world.received()), numbers(5)));
    await world.empty();
  });

  test("goes on after the gateway was restarted", async (world) => {
    await using connector = await world.connector();
    await connector.connected();
    await world.send(2);
    await world.target.waitForRequests(2);
    await world.restartGateway();
    await world.send(2, { from: 2 });
    await eventually(() => assertEquals(arrived(world.received()), numbers(4)));
    await world.empty();
  });

  test("is shut out when its token is taken away, and another token of the list is not", async (world) => {
    await world.configure({ channel_token: [RELAY_TOKEN, "relay-token-2"] });
    await using former = await world.connector();
    await former.connected();
    await using later = await world.connector({ token: "relay-token-2", connector_id: "later" });
    await later.connected();
    await world.configure({ channel_token: "relay-token-2" });
    await eventually(() => !former.isConnected);
    assertEquals(later.isConnected, true);
    await world.send(1);
    await world.target.waitForRequests(1);
  });

  test("drains: finishes what is under way, and leaves the rest in the channel", async (world) => {
    const answered = Promise.withResolvers<void>();
    world.target.answerNext({ status: 200, after: answered.promise });
    await world.send(4);
    const connector = await world.connector();
    await world.target.waitForRequests(1);
    const drained = connector.drain();
    await eventually(async () => assertEquals((await world.status()).messages_queued, 3));
    answered.resolve();
    await drained;
    await connector[Symbol.asyncDispose]();
    await eventually(async () => {
      const { messages_queued, messages_in_flight } = await world.status();
      assertEquals({ messages_queued, messages_in_flight }, { messages_queued: 3, messages_in_flight: 0 });
    });
    assertEquals(world.received(), [0]);
  });
}
