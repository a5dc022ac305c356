import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { DeliveryResult } from "../../src/modules/module.ts";
import { eventually } from "../support/eventually.ts";
import { codes, type ConfiguredEvent, KafkaOutputDriver } from "../support/kafka/output.ts";
import { KafkaServer } from "../support/kafka/server.ts";

const CONFIG = { topic: "orders" };

async function start(brokers = 1) {
  await using undo = new AsyncDisposableStack();
  const kafka = undo.use(await KafkaServer.start({ brokers }));
  await kafka.createTopic("orders", brokers);
  const output = undo.use(await KafkaOutputDriver.open({ bootstrap_servers: kafka.bootstrap }));
  const resources = undo.move();
  return { kafka, output, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}

async function bodies(kafka: KafkaServer): Promise<string[]> {
  return (await kafka.consume("orders")).map(({ value }) => new TextDecoder().decode(value));
}

/** Delivers until it is taken, as the host does. */
async function deliverAtLast(output: KafkaOutputDriver, body: string): Promise<void> {
  await eventually(async () => assertEquals(await output.deliver({ body }, CONFIG), "delivered"));
}

Deno.test("a cluster of which no broker answers fails deliveries, and says which broker it was", async () => {
  await using output = await KafkaOutputDriver.open({ bootstrap_servers: "127.0.0.1:1" });
  const result = await output.deliver({}, CONFIG);
  assertEquals(codes([result]), ["output_unavailable"]);
  assertStringIncludes(String(result), "Kafka broker 127.0.0.1:1 cannot be reached: ECONNREFUSED");
});

Deno.test("one broker of several is enough to begin with", async () => {
  await using world = await start();
  const servers = ["127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3", "127.0.0.1:4", world.kafka.bootstrap];
  await using output = await KafkaOutputDriver.open({ bootstrap_servers: servers.join(",") });
  assertEquals(await output.deliver({ body: "1" }, CONFIG), "delivered");
});

Deno.test("events fail while the brokers are down, and arrive when they are back", async () => {
  await using world = await start(2);
  assertEquals(await world.output.deliver({ body: "1" }, CONFIG), "delivered");
  await world.kafka.takeDown();
  assertEquals(codes([await world.output.deliver({ body: "2" }, CONFIG)]), ["output_unavailable"]);
  await world.kafka.bringUp();
  await deliverAtLast(world.output, "2");
  assertEquals((await bodies(world.kafka)).toSorted(), ["1", "2"]);
});

Deno.test("events for the other brokers arrive while one is down", async () => {
  await using world = await start(2);
  await world.kafka.setLeader("orders", 0, 1);
  await world.kafka.setLeader("orders", 1, 2);
  const batch = [0, 1].map((
    partition,
  ): ConfiguredEvent => [{ body: `${partition}` }, { ...CONFIG, partition }]);
  assertEquals(codes(await world.output.deliverBatch(batch)), ["delivered", "delivered"]);
  await world.kafka.takeDown(2);
  let batches = 1;
  await eventually(async () => {
    batches++;
    const results = await world.output.deliverBatch(batch, timeout());
    assertEquals(codes(results), ["delivered", "output_unavailable"]);
    assertStringIncludes(String(results[1]), `Kafka broker ${world.kafka.brokers[1]} cannot be reached`);
  });
  await world.kafka.bringUp(2);
  await eventually(async () => {
    assertEquals(codes(await world.output.deliverBatch(batch.slice(1))), ["delivered"]);
  });
  const { "0": ofFirst = [], "1": ofSecond = [] } = Object.groupBy(await bodies(world.kafka), (body) => body);
  // A batch whose time was up may have come to the first broker, too.
  assert(ofFirst.length >= 2 && ofFirst.length <= batches, `${ofFirst.length} of ${batches} have come`);
  assertEquals(ofSecond, ["1", "1"]);
});

Deno.test("events arrive when every answer takes long", async () => {
  await using world = await start();
  await world.kafka.setRoundTripTime(150);
  const pending = ["1", "2", "3"].map((body) => world.output.deliver({ body }, CONFIG));
  assertEquals(codes(await Promise.all(pending)), ["delivered", "delivered", "delivered"]);
  assertEquals(await bodies(world.kafka), ["1", "2", "3"]);
});

Deno.test("events wait for a frozen broker, and all arrive when it goes on", async () => {
  await using world = await start();
  assertEquals(await world.output.deliver({ body: "0" }, CONFIG), "delivered");
  await world.kafka.freeze();
  const events = Array.from(
    { length: 100 },
    (_, index): ConfiguredEvent => [{ body: `${index + 1}` }, CONFIG],
  );
  const pending = events.map((event) => world.output.deliverBatch([event]));
  world.kafka.thaw();
  assertEquals(new Set(codes((await Promise.all(pending)).flat())), new Set(["delivered"]));
  assertEquals(await bodies(world.kafka), ["0", ...events.map(([{ body }]) => body as string)]);
});

Deno.test("an event whose time is up before it was sent is not sent", async () => {
  await using world = await start();
  assertEquals(await world.output.deliver({ body: "1" }, CONFIG), "delivered");
  await world.kafka.freeze();
  const underway = world.output.deliver({ body: "2" }, CONFIG);
  const giveUp = new AbortController();
  const waiting = world.output.deliver({ body: "3" }, CONFIG, giveUp.signal);
  giveUp.abort();
  assertEquals(codes([await waiting]), ["output_timeout"]);
  const next = world.output.deliver({ body: "4" }, CONFIG);
  world.kafka.thaw();
  assertEquals(codes([await underway, await next]), ["delivered", "delivered"]);
  assertEquals(await bodies(world.kafka), ["1", "2", "4"]);
});

Deno.test("an event that was given up holds up the later ones with its key, and no others", async () => {
  await using world = await start();
  assertEquals(await world.output.deliver({ body: "1" }, CONFIG), "delivered");
  await world.kafka.freeze();
  const underway = world.output.deliver({ body: "2" }, CONFIG);
  const giveUp = new AbortController();
  const first = world.output.deliver({ body: "3" }, { ...CONFIG, key: "a" }, giveUp.signal);
  const follower = world.output.deliver({ body: "4" }, { ...CONFIG, key: "a" });
  const stranger = world.output.deliver({ body: "5" }, { ...CONFIG, key: "b" });
  giveUp.abort();
  assertEquals(codes([await first]), ["output_timeout"]);
  world.kafka.thaw();
  assertEquals(codes([await underway, await follower, await stranger]), [
    "delivered",
    "output_failed",
    "delivered",
  ]);
  assertEquals(await bodies(world.kafka), ["1", "2", "5"]);
});

Deno.test("what waits is bounded, and whoever comes on top is told to come back", async () => {
  await using world = await start();
  assertEquals(await world.output.deliver({ body: "1" }, CONFIG), "delivered");
  await world.kafka.freeze();
  const body = new Uint8Array(10 * 1024 * 1024);
  const pending = Array.from({ length: 8 }, () => world.output.deliver({ body }, CONFIG, timeout()));
  const results = await Promise.all(pending);
  assertEquals(codes(results), [...Array.from({ length: 7 }, () => "output_timeout"), "overloaded"]);
  assertEquals((results[7] as Exclude<DeliveryResult, "delivered">).retryAfterSeconds, 1);
});

Deno.test("a connection to a frozen broker can be closed, with events under way and waiting", async () => {
  await using world = await start();
  assertEquals(await world.output.deliver({ body: "1" }, CONFIG), "delivered");
  await world.kafka.freeze();
  const pending = ["2", "3"].map((body) => world.output.deliver({ body }, CONFIG));
  await world.output[Symbol.asyncDispose]();
  assertEquals(codes(await Promise.all(pending)), ["output_unavailable", "output_unavailable"]);
  assertEquals(codes([await world.output.deliver({ body: "4" }, CONFIG)]), ["output_unavailable"]);
});

Deno.test("a connection to a frozen broker can be closed while it is being made", async () => {
  await using world = await start();
  await world.kafka.freeze();
  const pending = world.output.deliver({ body: "1" }, CONFIG);
  await world.output[Symbol.asyncDispose]();
  assertEquals(codes([await pending]), ["output_unavailable"]);
});

Deno.test("a probe of a frozen broker ends when its time is up", async () => {
  await using world = await start();
  await world.kafka.freeze();
  const probe = await world.output.output.probe(timeout()).catch((error) => error);
  assertEquals(codes([probe]), ["output_unavailable"]);
});

function timeout(): AbortSignal {
  return AbortSignal.timeout(200);
}
