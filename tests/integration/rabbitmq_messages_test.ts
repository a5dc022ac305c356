import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { DeliveryError } from "../../src/errors.ts";
import type { DeliveryResult } from "../../src/modules/module.ts";
import { rabbitmqModule } from "../../src/modules/rabbitmq/rabbitmq.ts";
import { OpenOutput } from "../support/open_output.ts";
import { RabbitmqDesk } from "../support/rabbitmq/desk.ts";
import { RABBITMQ_USERS } from "../support/rabbitmq/server.ts";
import { sharedRabbitmq } from "../support/rabbitmq/shared.ts";
import { verifiedEvent } from "../support/verified_event.ts";

/** A desk at the shared server, and an output that leads there. */
async function open(settings: Readonly<Record<string, unknown>> = {}) {
  await using undo = new AsyncDisposableStack();
  const { port } = await sharedRabbitmq();
  const desk = undo.use(new RabbitmqDesk(port));
  const output = undo.use(await OpenOutput.open(rabbitmqModule, { host: "127.0.0.1", port, ...settings }));
  const resources = undo.move();
  return { desk, output, port, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}

function codes(results: readonly DeliveryResult[]): string[] {
  return results.map((result) => result instanceof DeliveryError ? result.code : result);
}

function numbered(count: number) {
  return Array.from({ length: count }, (_, number) => verifiedEvent({ body: `{"number":${number}}` }));
}

Deno.test("pika reads a message's body, properties and headers as the documentation has them", async () => {
  await using world = await open();
  const queue = await world.desk.makeQueue();
  const event = verifiedEvent({
    namespace: "shop",
    type: "order.created",
    headers: {
      "content-type": "application/json; by=Zo\u00c3\u00ab",
      "x-shop": "Zo\u00c3\u00ab",
      "x-latin": "Zo\u00eb",
      authorization: "Bearer s3cret",
    },
    body: '{"id":12345678901234567890, "name":"Zo\u00eb \ud83c\udf89"}',
  });
  assertEquals(await world.output.attempt(event, { queue_name: queue, forward_headers: true }), "delivered");
  const [message, ...others] = await world.desk.takeWithPika(queue);
  assertEquals(others, []);
  assertEquals(message, {
    body: event.body.bytes,
    exchange: "",
    routing_key: queue,
    redelivered: false,
    properties: {
      message_id: event.id,
      app_id: "core-webhook-module",
      content_type: "application/json; by=Zo\u00eb",
      delivery_mode: 2,
      timestamp: 1767323045,
      type: "order.created",
      headers: {
        "cwm-event-id": event.id,
        "cwm-namespace": "shop",
        "cwm-webhook": "orders",
        "cwm-received-at": "2026-01-02T03:04:05.678Z",
        "cwm-event-type": "order.created",
        "content-type": "application/json; by=Zo\u00eb",
        "x-shop": "Zo\u00eb",
        "x-latin": "Zo\u00eb",
      },
    },
  });
});

Deno.test("a queue that is missing is made as the Python service does, or as a quorum queue", async () => {
  await using world = await open();
  for (const more of [{}, { queue_type: "classic" }, { queue_type: "quorum" }]) {
    const queue = RabbitmqDesk.name();
    world.desk.clean(queue);
    assertEquals(await world.output.attempt(verifiedEvent(), { queue_name: queue, ...more }), "delivered");
    // It would not be found with other arguments.
    const type = more.queue_type;
    await world.desk.makeQueue(type === undefined ? {} : { "x-queue-type": type }, queue);
    assertEquals((await world.desk.take(queue)).length, 1);
  }
});

Deno.test("a queue that is there is used as it is, whatever its arguments", async () => {
  await using world = await open();
  const queue = await world.desk.makeQueue({ "x-queue-type": "quorum" });
  const config = { queue_name: queue, queue_type: "classic" };
  assertEquals(await world.output.attempt(verifiedEvent(), config), "delivered");
  assertEquals((await world.desk.take(queue)).length, 1);
});

Deno.test("a queue that was deleted is made again, and none is without declare", async () => {
  await using world = await open();
  const queue = await world.desk.makeQueue();
  const [made, missing] = [{ queue_name: queue }, { queue_name: queue, declare: false }];
  assertEquals(await world.output.attempt(verifiedEvent(), missing), "delivered");
  await world.desk.deleteQueue(queue);
  const [result] = await world.output.deliver([verifiedEvent()], missing);
  assert(result instanceof DeliveryError);
  assertEquals([result.code, result.isPartial], ["output_failed", true]);
  assertStringIncludes(result.message, `has no queue for it: queue '${queue}' (312)`);
  assert(!await world.desk.hasQueue(queue));
  assertEquals(codes(await world.output.deliver(numbered(5), made)), Array(5).fill("delivered"));
  assertEquals((await world.desk.take(queue)).length, 5);
});

Deno.test("an exchange that was deleted and made again has its events then, and no other waits", async () => {
  await using world = await open();
  const [exchange, queue] = [await world.desk.makeExchange("fanout"), await world.desk.makeQueue()];
  await world.desk.bind(queue, exchange);
  const config = { exchange };
  assertEquals(await world.output.attempt(verifiedEvent(), config), "delivered");
  await world.desk.deleteExchange(exchange);
  const [gone, well] = await Promise.all([
    world.output.deliver(numbered(9), config),
    world.output.deliver(numbered(9), { queue_name: queue }),
  ]);
  assertEquals(codes(gone), Array(9).fill("output_failed"));
  assertStringIncludes(String(gone[0]), `does not have it: exchange '${exchange}'`);
  assertEquals(codes(well), Array(9).fill("delivered"));
  await world.desk.makeExchange("fanout", exchange);
  assertEquals(await world.output.attempt(verifiedEvent(), config), "output_failed");
  await world.desk.bind(queue, exchange);
  assertEquals(await world.output.attempt(verifiedEvent(), config), "delivered");
  assertEquals((await world.desk.take(queue)).length, 11);
});

Deno.test("values of the payload choose routing key and exchange, and cannot be more than one word", async () => {
  await using world = await open();
  const exchange = await world.desk.makeExchange("topic", RabbitmqDesk.name("events-shop"));
  const queue = await world.desk.makeQueue();
  await world.desk.bind(queue, exchange, "orders.*.new");
  const config = {
    exchange: `events-{/shop}${exchange.slice("events-shop".length)}`,
    routing_key: "orders.{/country}.new",
  };
  const of = (value: object) => world.output.attempt(verifiedEvent({ body: JSON.stringify(value) }), config);
  assertEquals(await of({ shop: "shop", country: "de" }), "delivered");
  assertEquals(await of({ shop: "shop", country: "a.b" }), "delivered");
  assertEquals(await of({ shop: "shop" }), "output_rejected");
  assertEquals(await of({ shop: "other", country: "de" }), "output_failed");
  const keys = (await world.desk.take(queue)).map(({ fields }) => fields.routingKey);
  assertEquals(keys, ["orders.de.new", "orders.a%2Eb.new"]);
});

Deno.test("messages that RabbitMQ will never take are dead letters alone, the others arrive", async () => {
  await using world = await open();
  const queue = await world.desk.makeQueue();
  const events = numbered(40);
  // The tests' servers take four mebibytes.
  for (const index of [7, 31]) events[index] = verifiedEvent({ body: new Uint8Array(4 * 1024 * 1024 + 1) });
  const results = await world.output.deliver(events, { queue_name: queue });
  const rejected = results.flatMap((result, index) => result === "delivered" ? [] : [index]);
  assertEquals(rejected, [7, 31]);
  assertEquals(codes(results)[7], "output_rejected");
  assertStringIncludes(String(results[7]), "max_message_size");
  const ids = new Set((await world.desk.take(queue)).map(({ properties }) => properties.messageId));
  assertEquals(ids, new Set(events.filter((_, index) => !rejected.includes(index)).map(({ id }) => id)));
});

Deno.test("headers that are too long for a frame are a dead letter alone, and the connection goes on", async () => {
  await using world = await open();
  const queue = await world.desk.makeQueue();
  const events = numbered(3);
  const headers = {
    "x-long": "x".repeat(40_000),
    "x-longer": "x".repeat(40_000),
    "content-type": "t".repeat(300),
  };
  events[1] = verifiedEvent({ headers });
  const results = await world.output.deliver(events, { queue_name: queue, forward_headers: true });
  assertEquals(codes(results), ["delivered", "output_rejected", "delivered"]);
  assertEquals(await world.output.attempt(events[1]!, { queue_name: queue }), "delivered");
  assertEquals((await world.desk.take(queue)).length, 3);
});

Deno.test("a queue that is full keeps events for later, and takes them when there is room", async () => {
  await using world = await open();
  const queue = await world.desk.makeQueue({ "x-max-length": 1, "x-overflow": "reject-publish" });
  const config = { queue_name: queue };
  assertEquals(await world.output.attempt(verifiedEvent(), config), "delivered");
  const waiting = verifiedEvent();
  const [result] = await world.output.deliver([waiting], config);
  assertEquals(codes([result!]), ["output_failed"]);
  assertStringIncludes(String(result), "did not store the message");
  assertEquals((await world.desk.take(queue)).length, 1);
  assertEquals(await world.output.attempt(waiting, config), "delivered");
});

Deno.test("one event for two queues at once is judged for each of them", async () => {
  await using world = await open();
  const queue = await world.desk.makeQueue();
  const event = verifiedEvent();
  const other = { queue_name: RabbitmqDesk.name(), declare: false };
  const results = await Promise.all([
    world.output.attempt(event, other),
    world.output.attempt(event, { queue_name: queue }),
    world.output.attempt(event, other),
  ]);
  assertEquals(results, ["output_failed", "delivered", "output_failed"]);
});

Deno.test("rights are those of each place: what is closed to a user holds up nothing that is open", async () => {
  await using world = await open({ user: "writer", pass: RABBITMQ_USERS.writer });
  const queue = await world.desk.makeQueue();
  const exchange = await world.desk.makeExchange("fanout");
  const [closed, open_, unmade] = await Promise.all([
    world.output.deliver(numbered(3), { exchange }),
    world.output.deliver(numbered(3), { queue_name: queue }),
    world.output.deliver(numbered(1), { queue_name: RabbitmqDesk.name() }),
  ]);
  assertEquals(codes(closed), Array(3).fill("output_unavailable"));
  assertEquals(codes(open_), Array(3).fill("delivered"));
  assertStringIncludes(String(closed[0]), `does not permit it to the user: exchange '${exchange}'`);
  assertStringIncludes(String(unmade[0]), "does not permit the user to make it");
  assert([...closed, ...unmade].every((result) => result instanceof DeliveryError && result.isPartial));
});

Deno.test("the virtual host is the one that is named, and one that is missing is said to be wrong", async () => {
  await using world = await open({ vhost: "a/b %2F" });
  const queue = RabbitmqDesk.name();
  assertEquals(await world.output.attempt(verifiedEvent(), { queue_name: queue }), "delivered");
  assert(!await world.desk.hasQueue(queue));
  await using missing = await open({ vhost: "missing" });
  const [result] = await missing.output.deliver([verifiedEvent()], { queue_name: queue });
  assertEquals(codes([result!]), ["output_unavailable"]);
  assertStringIncludes(String(result), "check user, password and vhost");
});

Deno.test("more queues than a connection has channels for are all served", async () => {
  await using world = await open();
  const queue = await world.desk.makeQueue();
  const places = Array.from({ length: 150 }, (_, index) => ({ exchange: `missing-${index}` }));
  for (let start = 0; start < places.length; start += 50) {
    const some = places.slice(start, start + 50);
    const results = await Promise.all(some.map((config) => world.output.attempt(verifiedEvent(), config)));
    assertEquals(new Set(results), new Set(["output_failed"]));
  }
  assertEquals(await world.output.attempt(verifiedEvent(), { queue_name: queue }), "delivered");
});
