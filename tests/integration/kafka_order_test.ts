import { assertEquals, assertGreater } from "@std/assert";
import { eventually } from "../support/eventually.ts";
import { codes, type ConfiguredEvent, KafkaOutputDriver } from "../support/kafka/output.ts";
import { KAFKA_API, KAFKA_ERROR, KafkaServer } from "../support/kafka/server.ts";

const KEYS = ["a", "b", "c", "d", "e", "f", "g", "h"];
const EVENTS_PER_KEY = 60;
const EVENTS_PER_CALL = 4;
const CALLS_BETWEEN_FAULTS = 6;

Deno.test("no fault of the brokers breaks the order of the events with one key, or loses one", async () => {
  await using kafka = await KafkaServer.start({ brokers: 3 });
  await kafka.createTopic("orders", 5);
  await using output = await KafkaOutputDriver.open({ bootstrap_servers: kafka.bootstrap });
  const faults = someFaults(kafka);
  let calls = 0;
  let failures = 0;
  const deliverAll = async (key: string) => {
    for (let next = 0; next < EVENTS_PER_KEY;) {
      if (calls++ % CALLS_BETWEEN_FAULTS === 0) await faults.shift()?.();
      const events = Array.from({ length: EVENTS_PER_CALL }, (_, index): ConfiguredEvent => {
        return [{ body: `${key}${next + index}` }, { topic: "orders", key }];
      });
      const results = codes(await output.deliverBatch(events));
      const delivered = results.indexOf(results.find((result) => result !== "delivered") ?? "");
      const count = delivered === -1 ? events.length : delivered;
      assertEquals(results.slice(count).includes("delivered"), false, `${key}${next}: ${results}`);
      failures += events.length - count;
      next += count;
    }
  };
  await Promise.all(KEYS.map(deliverAll));
  assertEquals(faults.length, 0, "faults that have not happened");
  assertGreater(failures, 0);
  const records = await kafka.consume("orders");
  for (const key of KEYS) {
    const arrived = records.map(({ value }) => new TextDecoder().decode(value)).filter((id) => id[0] === key);
    const expected = Array.from({ length: EVENTS_PER_KEY }, (_, number) => `${key}${number}`);
    assertEquals([...new Set(arrived)], expected, `first arrivals with key ${key}`);
  }
});

/** Each is in force until some requests have failed or the next one comes. */
function someFaults(kafka: KafkaServer): (() => Promise<unknown>)[] {
  const { none, dropConnection, notEnoughReplicas, notLeaderForPartition } = KAFKA_ERROR;
  const answers = (...errors: number[]) => () => kafka.failRequests(KAFKA_API.produce, errors);
  return [
    answers(none, notEnoughReplicas, none, dropConnection),
    () => kafka.takeDown(2),
    () => kafka.bringUp(2),
    () => kafka.setLeader("orders", 0, 3),
    answers(notLeaderForPartition, none, none, notLeaderForPartition),
    () => kafka.takeDown(),
    () => kafka.bringUp(),
    () => kafka.setLeader("orders", 1, 1),
    () => kafka.setLeader("orders", 2, 2),
    answers(dropConnection, none, dropConnection, none, notEnoughReplicas),
    () => kafka.failRequests(KAFKA_API.metadata, [dropConnection, none, dropConnection]),
    () => kafka.setLeader("orders", 3, -1),
    () => kafka.setLeader("orders", 3, 1),
  ];
}

Deno.test("a partition without a leader fails its own events only, until it has one", async () => {
  await using kafka = await KafkaServer.start({ brokers: 2 });
  await kafka.createTopic("orders", 2);
  await kafka.setLeader("orders", 1, -1);
  await using output = await KafkaOutputDriver.open({ bootstrap_servers: kafka.bootstrap });
  const toPartition = (partition: number): ConfiguredEvent => [{}, { topic: "orders", partition }];
  const results = codes(await output.deliverBatch([toPartition(0), toPartition(1), toPartition(0)]));
  assertEquals(results, ["delivered", "output_failed", "delivered"]);
  // Whatever has no key goes to the partitions that have a leader.
  const without = Array.from({ length: 4 }, (): ConfiguredEvent => [{}, { topic: "orders" }]);
  assertEquals(codes(await output.deliverBatch(without)), without.map(() => "delivered"));
  await kafka.setLeader("orders", 1, 2);
  await eventually(async () =>
    assertEquals(codes(await output.deliverBatch([toPartition(1)])), ["delivered"])
  );
});
