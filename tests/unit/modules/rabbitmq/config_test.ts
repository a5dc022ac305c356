import { assert, assertEquals, assertThrows } from "@std/assert";
import { DeliveryError } from "../../../../src/errors.ts";
import type { Event } from "../../../../src/event/event.ts";
import { rabbitmqConfigSchema } from "../../../../src/modules/rabbitmq/config.ts";
import { rabbitmqConnectionSchema } from "../../../../src/modules/rabbitmq/connection.ts";
import { messageOf } from "../../../../src/modules/rabbitmq/message.ts";
import { verifiedEvent } from "../../../support/verified_event.ts";

function keyOf(routingKey: unknown, event: Event): string {
  return messageOf(event, rabbitmqConfigSchema.parse({ exchange: "e", routing_key: routingKey })).routingKey;
}

function problemsOf(
  schema: typeof rabbitmqConfigSchema | typeof rabbitmqConnectionSchema,
  input: unknown,
): string[] {
  return schema.safeParse(input).error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`) ??
    [];
}

Deno.test("a value of the payload is one word of a routing key, whatever is in it", () => {
  const of = (country: unknown) =>
    keyOf("orders.{/country}.new", verifiedEvent({ body: JSON.stringify({ country }) }));
  assertEquals(of("de"), "orders.de.new");
  assertEquals(of("d.e"), "orders.d%2Ee.new");
  assertEquals(of("#"), "orders.%23.new");
  assertEquals(of("*"), "orders.%2A.new");
  assertEquals(of("%2E"), "orders.%252E.new");
  assertEquals(of("é\0 "), "orders.%C3%A9%00%20.new");
  assertEquals(of(true), "orders.true.new");
});

Deno.test("numbers stand in a routing key as the payload writes them", () => {
  const event = verifiedEvent({ body: '{"id":12345678901234567890,"price":1.50}' });
  assertEquals(keyOf("a.{/id}", event), "a.12345678901234567890");
  assertEquals(keyOf({ json_pointer: "/price" }, event), "1.50");
});

Deno.test("names know the event's type, namespace and webhook", () => {
  const event = verifiedEvent({ namespace: "shop", webhook: "orders", type: "order.created" });
  assertEquals(keyOf("{namespace}.{webhook_id}.{event_type}", event), "shop.orders.order%2Ecreated");
  const { exchange } = messageOf(event, rabbitmqConfigSchema.parse({ exchange: "events-{namespace}" }));
  assertEquals(exchange, "events-shop");
});

Deno.test("a place of the payload alone is the routing key as it is, with its dots", () => {
  const of = (type: unknown) =>
    keyOf({ json_pointer: "/type" }, verifiedEvent({ body: JSON.stringify({ type }) }));
  assertEquals(of("order.created"), "order.created");
  assertEquals(of("é".repeat(127)).length, 127);
  for (const unusable of ["é".repeat(128), "a\nb", "", null, {}, undefined]) {
    assertEquals(assertThrows(() => of(unusable), DeliveryError).code, "output_rejected");
  }
});

Deno.test("an event without a value for its name, or with too long a one, is rejected and not quoted", () => {
  for (const value of ["", null, ["s3cret"], "s3cret".repeat(22), undefined]) {
    const event = verifiedEvent({ body: JSON.stringify({ value }) });
    const error = assertThrows(() => keyOf("a.{/value}", event), DeliveryError);
    assertEquals(error.code, "output_rejected");
    assert(!error.message.includes("s3cret"));
  }
  const event = verifiedEvent({ body: JSON.stringify({ value: "a".repeat(128) }) });
  assertEquals(keyOf("{/value}", event).length, 128);
  assertThrows(() => keyOf("{/value}{/value}", event), DeliveryError, "longer than 255 bytes");
  assertThrows(() => keyOf("{/value}", verifiedEvent({ body: "no json" })), DeliveryError, "{/value}");
});

Deno.test("a configuration names a queue or an exchange, and says what is contradictory", () => {
  assertEquals(problemsOf(rabbitmqConfigSchema, {}), ["queue_name: Required, unless there is an exchange"]);
  assertEquals(problemsOf(rabbitmqConfigSchema, { queue_name: "q", exchange: "e" }), [
    "exchange: Give queue_name or exchange, not both",
  ]);
  const faults: readonly [input: Record<string, unknown>, path: string][] = [
    [{ queue_name: "" }, "queue_name"],
    [{ queue_name: "amq.gen" }, "queue_name"],
    [{ queue_name: "é".repeat(128) }, "queue_name"],
    [{ queue_name: "a\nb" }, "queue_name"],
    [{ queue_name: "q", routing_key: "k" }, "routing_key"],
    [{ queue_name: "q", declare: false, queue_type: "quorum" }, "queue_type"],
    [{ queue_name: "q", queue_type: "stream" }, "queue_type"],
    [{ exchange: "" }, "exchange"],
    [{ exchange: "e", declare: true }, "declare"],
    [{ exchange: "e", routing_key: "a{b" }, "routing_key"],
    [{ exchange: "e", routing_key: "{}" }, "routing_key"],
    [{ exchange: "e", routing_key: "{constructor}" }, "routing_key"],
    [{ exchange: "e", routing_key: { json_pointer: "no" } }, "routing_key"],
    [{ exchange: "é".repeat(128) }, "exchange"],
  ];
  for (const [input, path] of faults) {
    const problems = problemsOf(rabbitmqConfigSchema, input);
    assert(
      problems.length === 1 && problems[0]!.startsWith(`${path}`),
      `${JSON.stringify(input)}: ${problems}`,
    );
  }
});

Deno.test("headers that RabbitMQ acts on are not passed on, and neither are credentials", () => {
  const headers = {
    "content-type": "application/json",
    cc: "other",
    "x-delay": "5",
    "x-death": "x",
    "x-stream-filter-value": "x",
    "x-cache-ttl": "5",
    "x-recent-history-no-store": "true",
    authorization: "Bearer s3cret",
    "x-shop": "Zoë",
  };
  const config = rabbitmqConfigSchema.parse({ queue_name: "q", forward_headers: true });
  const event = verifiedEvent({ headers });
  const { properties } = messageOf(event, config);
  const expected = [
    "cwm-event-id",
    "cwm-namespace",
    "cwm-received-at",
    "cwm-webhook",
    "content-type",
    "x-shop",
  ];
  assertEquals(Object.keys(properties.headers).sort(), expected.sort());
  const without = messageOf(event, rabbitmqConfigSchema.parse({ queue_name: "q" }));
  assertEquals(Object.keys(without.properties.headers).length, 4);
});

Deno.test("a connection has the keys of the Python service, clearer names, or one address", () => {
  const of = (input: unknown) => {
    const { host, port, username, password, vhost, tls } = rabbitmqConnectionSchema.parse(input);
    return [host, port, username, password, vhost, tls === undefined ? "plain" : "tls"];
  };
  assertEquals(of({}), ["localhost", 5672, "guest", "guest", "/", "plain"]);
  const python = { host: "rabbit", port: "5673", user: "u", pass: "p%" };
  assertEquals(of(python), ["rabbit", 5673, "u", "p%", "/", "plain"]);
  assertEquals(of({ username: "u", password: "p", vhost: "a/b", tls: {} }), [
    "localhost",
    5671,
    "u",
    "p",
    "a/b",
    "tls",
  ]);
  const url = "amqps://u%40:p%2F%25@[::1]/a%2Fb";
  assertEquals(of({ url }), ["::1", 5671, "u@", "p/%", "a/b", "tls"]);
  assertEquals(of({ url: "amqp://rabbit:5673" }), ["rabbit", 5673, "guest", "guest", "/", "plain"]);
  const wrong = [
    { url: "http://rabbit" },
    { url: "amqp://rabbit/a/b" },
    { url: "amqp://u:%ff@rabbit" },
    { url: "amqp://rabbit", host: "h" },
    { user: "u", username: "v" },
    { pass: "p", password: "q" },
    { heartbeat: 0 },
  ];
  for (const input of wrong) {
    assertEquals(problemsOf(rabbitmqConnectionSchema, input).length, 1, JSON.stringify(input));
  }
});
