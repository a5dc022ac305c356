import { assertEquals, assertStringIncludes } from "@std/assert";
import type { PartitionData } from "../support/kafka/doorway.ts";
import { KafkaFront, type KafkaFrontOptions } from "../support/kafka/front.ts";
import { codes, type ConfiguredEvent, KafkaOutputDriver } from "../support/kafka/output.ts";
import { KAFKA_API, KAFKA_ERROR, KafkaServer } from "../support/kafka/server.ts";

/** The part of a batch by which brokers recognise it. */
function identityOf({ records }: PartitionData): string {
  const view = new DataView(records.buffer, records.byteOffset, records.byteLength);
  return `producer ${view.getBigInt64(43)}, epoch ${view.getInt16(51)}, from ${view.getInt32(53)}`;
}

/** Two brokers behind doors, each of which leads one partition of the topic. */
async function start(options: KafkaFrontOptions = {}) {
  await using undo = new AsyncDisposableStack();
  const kafka = undo.use(await KafkaServer.start({ brokers: 2 }));
  await kafka.createTopic("orders", 2);
  await kafka.setLeader("orders", 0, 1);
  await kafka.setLeader("orders", 1, 2);
  const batches: PartitionData[] = [];
  const front = undo.use(
    await KafkaFront.start(kafka, {
      ...options,
      onBatch: (batch) => batches.push({ ...batch, records: batch.records.slice() }),
    }),
  );
  const output = undo.use(await KafkaOutputDriver.open({ bootstrap_servers: front.bootstrap }));
  const resources = undo.move();
  return { kafka, front, output, batches, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}

function toPartition(partition: number, body: string): ConfiguredEvent {
  return [{ body }, { topic: "orders", partition }];
}

async function bodies(kafka: KafkaServer): Promise<string[]> {
  return (await kafka.consume("orders")).map(({ value }) => new TextDecoder().decode(value));
}

Deno.test("a broker that is silent costs its own events only, and takes them when it goes on", async () => {
  await using world = await start();
  await world.output.deliverBatch([toPartition(0, "a"), toPartition(1, "b")]);
  world.front.freeze(2);
  const held = world.output.deliverBatch([toPartition(1, "held")]);
  for (let number = 0; number < 20; number++) {
    assertEquals(codes(await world.output.deliverBatch([toPartition(0, `${number}`)])), ["delivered"]);
  }
  // Without a key, events go where they are taken.
  const anywhere = Array.from({ length: 4 }, (): ConfiguredEvent => [{ body: "any" }, { topic: "orders" }]);
  const pending = world.output.deliverBatch(anywhere);
  world.front.thaw(2);
  assertEquals(codes(await held), ["delivered"]);
  assertEquals(codes(await pending), anywhere.map(() => "delivered"));
  assertEquals((await bodies(world.kafka)).filter((body) => body === "held").length, 1);
});

Deno.test("one delivery for two brokers, of which one is silent, does not have the next one wait", async () => {
  await using world = await start();
  await world.output.deliverBatch([toPartition(0, "a"), toPartition(1, "b")]);
  world.front.freeze(2);
  const both = world.output.deliverBatch([toPartition(0, "c"), toPartition(1, "d")]);
  assertEquals(codes(await world.output.deliverBatch([toPartition(0, "e")])), ["delivered"]);
  world.front.thaw(2);
  assertEquals(codes(await both), ["delivered", "delivered"]);
  assertEquals(await bodies(world.kafka), ["a", "c", "e", "b", "d"]);
});

Deno.test("a batch that is tried again is the same bytes under the same numbers", async () => {
  await using world = await start();
  const { dropConnection, requestTimedOut, notEnoughReplicas } = KAFKA_ERROR;
  await world.output.deliverBatch([toPartition(0, "a")]);
  // Stored or not: after the first two nobody knows, and the third does not say that it was not.
  await world.kafka.failRequests(KAFKA_API.produce, [dropConnection, requestTimedOut, notEnoughReplicas]);
  assertEquals(codes(await world.output.deliverBatch([toPartition(0, "b")])), ["delivered"]);
  assertEquals(codes(await world.output.deliverBatch([toPartition(0, "c")])), ["delivered"]);
  const identities = world.batches.map(identityOf);
  assertEquals(identities.length, 6);
  assertEquals(new Set(identities.slice(1, 5)).size, 1);
  for (const { records } of world.batches.slice(1, 5)) assertEquals(records, world.batches[1]!.records);
  const producer = identities[0]!.split(",")[0];
  assertEquals(identities.map((identity) => identity.split(",")[0]), identities.map(() => producer));
  assertEquals(identities.map((identity) => Number(/\d+$/.exec(identity)![0])), [0, 1, 1, 1, 1, 2]);
});

Deno.test("a batch that is given up takes its producer id along: no number is used a second time", async () => {
  await using world = await start();
  await world.output.deliverBatch([toPartition(0, "a")]);
  world.front.freeze(1);
  const [given] = await world.output.deliverBatch([toPartition(0, "b")], AbortSignal.timeout(50));
  assertEquals(codes([given!]), ["output_timeout"]);
  world.front.thaw(1);
  assertEquals(codes(await world.output.deliverBatch([toPartition(0, "c")])), ["delivered"]);
  assertEquals(codes(await world.output.deliverBatch([toPartition(0, "d")])), ["delivered"]);
  const numbers = new Map(world.batches.map((batch) => [identityOf(batch), batch.records]));
  // Whether it arrived before it was given up or not: different records never have the same numbers.
  assertEquals(numbers.size, new Set(world.batches.map(({ records }) => String(records.slice(61)))).size);
  const stored = await bodies(world.kafka);
  assertEquals(stored.filter((body) => body !== "b"), ["a", "c", "d"]);
});

Deno.test("a batch that is refused for good takes its producer id with it, and so does each half", async () => {
  await using world = await start({ maxMessageBytes: 400 });
  const events = ["1", "x".repeat(500), "2"].map((body) => toPartition(0, body));
  assertEquals(codes(await world.output.deliverBatch(events)), ["delivered", "output_rejected", "delivered"]);
  // All three, the first two, the first one, the second one, and the third one.
  const identities = world.batches.map(identityOf);
  const producers = identities.map((identity) => identity.split(",")[0]);
  assertEquals(producers[2], producers[3]);
  assertEquals(new Set(producers).size, 4, identities.join("; "));
  assertEquals(identities.map((identity) => Number(/\d+$/.exec(identity)![0])), [0, 0, 0, 1, 0]);
  assertEquals(await bodies(world.kafka), ["1", "2"]);
});

Deno.test("brokers that give no producer id get events all the same", async () => {
  await using world = await start();
  // CLUSTER_AUTHORIZATION_FAILED: before version 3 it took a permission of its own.
  await world.kafka.failRequests(KAFKA_API.initProducerId, [31]);
  assertEquals(codes(await world.output.deliverBatch([toPartition(0, "a")])), ["delivered"]);
  assertEquals(world.batches.map(identityOf), ["producer -1, epoch -1, from -1"]);
});

Deno.test("brokers know the gateway by the connection's client id", async () => {
  await using kafka = await KafkaServer.start();
  const clientIds = new Set<string | null>();
  await using front = await KafkaFront.start(kafka, { onBatch: (_, clientId) => clientIds.add(clientId) });
  for (const settings of [{}, { client_id: "cwm-eu" }]) {
    await using output = await KafkaOutputDriver.open({ bootstrap_servers: front.bootstrap, ...settings });
    assertEquals(await output.deliver({}, { topic: "orders" }), "delivered");
  }
  assertEquals([...clientIds], ["core-webhook-module", "cwm-eu"]);
});

Deno.test("a broker that wants to be left alone is, and the time is counted", async () => {
  await using kafka = await KafkaServer.start();
  const throttleMs = 300;
  await using front = await KafkaFront.start(kafka, { throttleMs });
  const counted: number[] = [];
  await using output = await KafkaOutputDriver.open({ bootstrap_servers: front.bootstrap }, {
    throttled: (milliseconds) => counted.push(milliseconds),
  });
  assertEquals(await output.deliver({ body: "1" }, { topic: "orders" }), "delivered");
  const [late] = await output.deliverBatch([[{ body: "2" }, { topic: "orders" }]], AbortSignal.timeout(1));
  assertEquals(codes([late!]), ["output_timeout"]);
  assertStringIncludes(String(late), "the client is over its quota");
  assertEquals(await output.deliver({ body: "3" }, { topic: "orders" }), "delivered");
  assertEquals(counted, [throttleMs, throttleMs]);
  const stored = (await kafka.consume("orders")).map(({ value }) => new TextDecoder().decode(value));
  assertEquals(stored.toSorted(), ["1", "3"]);
});
