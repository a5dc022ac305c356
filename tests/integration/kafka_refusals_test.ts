import { assertEquals, assertStringIncludes } from "@std/assert";
import { eventually } from "../support/eventually.ts";
import { codes, type ConfiguredEvent, KafkaOutputDriver } from "../support/kafka/output.ts";
import { KAFKA_API, KAFKA_ERROR, KafkaServer } from "../support/kafka/server.ts";

const { none, messageTooLarge, notEnoughReplicas, unknownTopicOrPartition } = KAFKA_ERROR;

/** Two brokers, and a topic of which each leads one partition. */
async function start() {
  await using undo = new AsyncDisposableStack();
  const kafka = undo.use(await KafkaServer.start({ brokers: 2 }));
  await kafka.createTopic("orders", 2);
  await kafka.setLeader("orders", 0, 1);
  await kafka.setLeader("orders", 1, 2);
  const output = undo.use(await KafkaOutputDriver.open({ bootstrap_servers: kafka.bootstrap }));
  const resources = undo.move();
  return { kafka, output, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}

async function bodies(kafka: KafkaServer, topic: string): Promise<string[]> {
  return (await kafka.consume(topic)).map(({ value }) => new TextDecoder().decode(value));
}

function toPartition(partition: number, ...numbers: number[]): ConfiguredEvent[] {
  return numbers.map((number) => [{ body: String(number) }, { topic: "orders", partition }]);
}

Deno.test("a record that is too large goes to the dead letters, its neighbours arrive once, in order", async () => {
  await using world = await start();
  // The brokers refuse the whole batch, the later half, the later half of that, and in the end the seventh alone.
  await world.kafka.failRequests(KAFKA_API.produce, [
    messageTooLarge,
    none,
    messageTooLarge,
    none,
    messageTooLarge,
    messageTooLarge,
  ]);
  const results = await world.output.deliverBatch(toPartition(0, 1, 2, 3, 4, 5, 6, 7, 8));
  const delivered = Array.from({ length: 6 }, () => "delivered");
  assertEquals(codes(results), [...delivered, "output_rejected", "delivered"]);
  assertStringIncludes(String(results[6]), "MESSAGE_TOO_LARGE");
  assertEquals(await bodies(world.kafka, "orders"), ["1", "2", "3", "4", "5", "6", "8"]);
});

Deno.test("a partition that refuses its part of a batch does not have the others sent again", async () => {
  await using world = await start();
  await world.kafka.failRequests(KAFKA_API.produce, [none, notEnoughReplicas]);
  const batch = [...toPartition(0, 1, 2), ...toPartition(1, 3, 4)];
  const results = codes(await world.output.deliverBatch(batch));
  assertEquals(results.toSorted(), ["delivered", "delivered", "output_failed", "output_failed"]);
  const again = batch.filter((_, index) => results[index] !== "delivered");
  assertEquals(codes(await world.output.deliverBatch(again)), ["delivered", "delivered"]);
  assertEquals(await bodies(world.kafka, "orders"), ["1", "2", "3", "4"]);
});

Deno.test("only the broker that drops the connection gets its part of a batch again", async () => {
  await using world = await start();
  await world.output.deliverBatch([...toPartition(0, 1), ...toPartition(1, 2)]);
  const { dropConnection } = KAFKA_ERROR;
  await world.kafka.failRequests(KAFKA_API.produce, [none, dropConnection]);
  const results = await world.output.deliverBatch([...toPartition(0, 3), ...toPartition(1, 4)]);
  assertEquals(codes(results), ["delivered", "delivered"]);
  assertEquals(await bodies(world.kafka, "orders"), ["1", "3", "2", "4"]);
});

Deno.test("a record that is refused for now holds up the later ones with its key", async () => {
  await using world = await start();
  const event = (body: string): ConfiguredEvent => [{ body }, { topic: "orders", key: "a" }];
  await world.kafka.failRequests(KAFKA_API.produce, [messageTooLarge, notEnoughReplicas]);
  // The batch is halved; when the first half is refused, the second must not overtake it.
  assertEquals(codes(await world.output.deliverBatch([event("1"), event("2")])), [
    "output_failed",
    "output_failed",
  ]);
  assertEquals(await bodies(world.kafka, "orders"), []);
});

Deno.test("a partition that has moved to another broker is found there", async () => {
  await using world = await start();
  assertEquals(codes(await world.output.deliverBatch(toPartition(0, 1))), ["delivered"]);
  await world.kafka.setLeader("orders", 0, 2);
  const results = await world.output.deliverBatch([...toPartition(0, 2), ...toPartition(1, 3)]);
  assertEquals(codes(results), ["delivered", "delivered"]);
  assertEquals(await bodies(world.kafka, "orders"), ["1", "2", "3"]);
});

Deno.test("a missing topic fails its own events only, and takes them when it has been made", async () => {
  await using world = await start();
  await world.kafka.setTopicError("missing", unknownTopicOrPartition);
  const missing: ConfiguredEvent = [{ body: "a" }, { topic: "missing" }];
  const results = await world.output.deliverBatch([
    missing,
    ...toPartition(0, 1),
    missing,
    ...toPartition(1, 2),
  ]);
  assertEquals(codes(results), ["output_failed", "delivered", "output_failed", "delivered"]);
  assertStringIncludes(String(results[0]), "UNKNOWN_TOPIC_OR_PARTITION");
  await world.kafka.setTopicError("missing", none);
  await eventually(async () =>
    assertEquals(codes(await world.output.deliverBatch([missing])), ["delivered"])
  );
  assertEquals(await bodies(world.kafka, "missing"), ["a"]);
  assertEquals(await bodies(world.kafka, "orders"), ["1", "2"]);
});

Deno.test("a topic that was removed does not take others down with it", async () => {
  await using world = await start();
  const removed: ConfiguredEvent = [{ body: "a" }, { topic: "removed" }];
  assertEquals(codes(await world.output.deliverBatch([removed, ...toPartition(0, 1)])), [
    "delivered",
    "delivered",
  ]);
  await world.kafka.setTopicError("removed", unknownTopicOrPartition);
  // The first event for a topic has the client ask for all that it knows, which now fails.
  const fresh: ConfiguredEvent = [{ body: "b" }, { topic: "fresh" }];
  assertEquals(codes(await world.output.deliverBatch([fresh])), ["delivered"]);
  assertEquals(codes(await world.output.deliverBatch([removed, ...toPartition(0, 2)])), [
    "output_failed",
    "delivered",
  ]);
  assertEquals(await bodies(world.kafka, "orders"), ["1", "2"]);
});

Deno.test("a partition that its topic lacks fails its own events only, and says how many there are", async () => {
  await using world = await start();
  const results = await world.output.deliverBatch([
    ...toPartition(2, 1),
    ...toPartition(0, 2),
    ...toPartition(7, 3),
  ]);
  assertEquals(codes(results), ["output_failed", "delivered", "output_failed"]);
  assertStringIncludes(
    String(results[0]),
    "Topic orders, partition 2: The topic has 2 partitions, numbered from 0",
  );
  assertStringIncludes(
    String(results[2]),
    "Topic orders, partition 7: The topic has 2 partitions, numbered from 0",
  );
  assertEquals(await bodies(world.kafka, "orders"), ["2"]);
});

Deno.test("a time that the brokers refuse is the gateway's clock to mend, and no event's fault", async () => {
  await using world = await start();
  await world.kafka.failRequests(KAFKA_API.produce, [KAFKA_ERROR.invalidTimestamp]);
  const results = await world.output.deliverBatch(toPartition(0, 1, 2));
  assertEquals(codes(results), ["output_unavailable", "output_unavailable"]);
  assertStringIncludes(String(results[0]), "INVALID_TIMESTAMP (32): the gateway's clock says 20");
  assertEquals(codes(await world.output.deliverBatch(toPartition(0, 1))), ["delivered"]);
});

Deno.test("a topic that is closed to the gateway is tried again, since its operator can open it", async () => {
  await using world = await start();
  await world.kafka.setTopicError("closed", KAFKA_ERROR.topicAuthorizationFailed);
  const [result] = await world.output.deliverBatch([[{}, { topic: "closed" }]]);
  assertEquals(codes([result!]), ["output_failed"]);
  assertStringIncludes(String(result), "TOPIC_AUTHORIZATION_FAILED");
});

Deno.test("every reason why an event was not taken names its topic, and its partition once it has one", async () => {
  await using world = await start();
  const { kafka, output } = world;
  await kafka.setTopicError("missing", unknownTopicOrPartition);
  await output.deliverBatch([...toPartition(0, 1), ...toPartition(1, 2)]);
  const reasons: string[] = [];
  const deliver = async (events: readonly ConfiguredEvent[], signal?: AbortSignal) => {
    for (const result of await output.deliverBatch(events, signal)) reasons.push(String(result));
  };
  const keyed: ConfiguredEvent = [{}, { topic: "orders", key: "a" }];
  await deliver([[{}, { topic: "missing" }], [{}, { topic: "missing", partition: 4 }], ...toPartition(5, 1)]);
  await kafka.failRequests(KAFKA_API.produce, [messageTooLarge]);
  await deliver(toPartition(0, 1));
  await kafka.failRequests(KAFKA_API.produce, [notEnoughReplicas]);
  await deliver([keyed]);
  await kafka.freeze();
  await deliver([...toPartition(1, 1), [{}, { topic: "new" }]], AbortSignal.timeout(300));
  kafka.thaw();
  await kafka.takeDown();
  await deliver(toPartition(0, 1));
  await deliver([[{}, { topic: "orders", partition: 1 }]], AbortSignal.abort());
  await output[Symbol.asyncDispose]();
  await deliver([keyed]);
  const partition = /partition (\d)/.exec(reasons[4]!)?.[1];
  assertEquals(
    reasons.map((reason) => /^DeliveryError: (Topic \w+(?:, partition \d)?): [A-Z]/.exec(reason)?.[1]),
    [
      "Topic missing",
      "Topic missing, partition 4",
      "Topic orders, partition 5",
      "Topic orders, partition 0",
      `Topic orders, partition ${partition}`,
      "Topic orders, partition 1",
      "Topic new",
      "Topic orders, partition 0",
      "Topic orders, partition 1",
      "Topic orders",
    ],
  );
});
