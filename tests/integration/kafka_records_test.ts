import { assertEquals } from "@std/assert";
import type { ConsumedRecord } from "../support/kafka/records.ts";
import { codes, type ConfiguredEvent, KafkaOutputDriver } from "../support/kafka/output.ts";
import { KafkaServer } from "../support/kafka/server.ts";

/** A cluster with one topic, and the output of a connection to it. */
async function start(partitions = 1, brokers = 1) {
  await using undo = new AsyncDisposableStack();
  const kafka = undo.use(await KafkaServer.start({ brokers }));
  await kafka.createTopic("orders", partitions);
  const output = undo.use(await KafkaOutputDriver.open({ bootstrap_servers: kafka.brokers }));
  const resources = undo.move();
  return { kafka, output, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}

function text(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : new TextDecoder().decode(bytes);
}

/** The keys of all records by their value. */
function keysByValue(records: readonly ConsumedRecord[]): Record<string, string | null> {
  return Object.fromEntries(records.map(({ key, value }) => [text(value), text(key)]));
}

Deno.test("a record carries the body as received, the headers of the event and no key", async () => {
  await using world = await start();
  const body = new Uint8Array([0, 255, 10, 13, 128, 10]);
  const event = { id: "event-1", namespace: "team-a", webhook: "orders", body };
  const headers = {
    "content-type": "application/octet-stream",
    "x-order": "42",
    authorization: "Bearer s3cret",
  };
  assertEquals(await world.output.deliver({ ...event, headers }, { topic: "orders" }), "delivered");
  const [record, ...others] = await world.kafka.consume("orders");
  assertEquals(others, []);
  assertEquals(record?.value, body);
  assertEquals(record?.key, null);
  assertEquals(record?.headers, [
    ["cwm-event-id", "event-1"],
    ["cwm-namespace", "team-a"],
    ["cwm-webhook", "orders"],
    ["cwm-received-at", "2026-01-02T03:04:05.678Z"],
    ["content-type", "application/octet-stream"],
  ]);
});

Deno.test("received headers go along when the configuration says so, credentials never do", async () => {
  await using world = await start();
  const headers = {
    authorization: "Bearer s3cret",
    connection: "x-hop",
    cookie: "session=s3cret",
    "cwm-event-id": "forged",
    "x-hop": "1",
    "x-hub-signature-256": "sha256=s3cret",
    // How an event holds the bytes of "Zoë" in UTF-8.
    "x-name": "Zo\u00c3\u00ab",
    "x-order": "a, b",
  };
  const config = { topic: "orders", forward_headers: true };
  assertEquals(await world.output.deliver({ id: "event-1", headers }, config), "delivered");
  const [record] = await world.kafka.consume("orders");
  assertEquals(record?.headers.filter(([name]) => !name.startsWith("cwm-")), [
    ["x-name", "Zoë"],
    ["x-order", "a, b"],
  ]);
  assertEquals(new Map(record?.headers).get("cwm-event-id"), "event-1");
});

Deno.test("an event without a Content-Type makes a record without one", async () => {
  await using world = await start();
  assertEquals(await world.output.deliver({ headers: {} }, { topic: "orders" }), "delivered");
  const [record] = await world.kafka.consume("orders");
  assertEquals(new Map(record?.headers).has("content-type"), false);
});

Deno.test("a key is the configured text, and that of a payload even where it is empty", async () => {
  await using world = await start();
  const cases: ConfiguredEvent[] = [
    [{ body: "1" }, { topic: "orders", key: "tenant-ü" }],
    [{ body: "2" }, { topic: "orders", key: 42 }],
    [{ body: '{"k":""}' }, { topic: "orders", key: { json_pointer: "/k" } }],
    [{ body: "4" }, { topic: "orders" }],
  ];
  assertEquals(await world.output.deliverBatch(cases), cases.map(() => "delivered"));
  const keys = keysByValue(await world.kafka.consume("orders"));
  assertEquals(keys, { "1": "tenant-ü", "2": "42", '{"k":""}': "", "4": null });
});

Deno.test("a key is taken out of the payload where a JSON pointer says so", async () => {
  await using world = await start();
  const body = JSON.stringify({
    order: { id: "A-1", lines: [{ sku: 7 }], "a/b": "slash", "m~n": "tilde", paid: true, note: null },
  });
  const expected: Readonly<Record<string, string | null>> = {
    "/order/id": "A-1",
    "/order/lines/0/sku": "7",
    "/order/a~1b": "slash",
    "/order/m~0n": "tilde",
    "/order/paid": "true",
    "/order/note": null,
    "/order/lines": null,
    "/order/lines/00/sku": null,
    "/order/lines/length": null,
    "/order/id/0": null,
    "/missing": null,
    "/__proto__/toString": null,
  };
  const pointers = Object.keys(expected);
  const cases = pointers.map((pointer): ConfiguredEvent => [
    { body: body.replace("{", `{"pointer":${JSON.stringify(pointer)},`) },
    { topic: "orders", key: { json_pointer: pointer } },
  ]);
  assertEquals(await world.output.deliverBatch(cases), cases.map(() => "delivered"));
  const records = await world.kafka.consume("orders");
  const keys = records.map(({ key, value }) => [JSON.parse(text(value)!).pointer, text(key)]);
  assertEquals(Object.fromEntries(keys), expected);
});

Deno.test("a number in the payload is a key by its own text, with all digits", async () => {
  await using world = await start();
  const config = { topic: "orders", key: { json_pointer: "/id" } };
  const numbers = [
    "1050118621198921728",
    "1050118621198921729",
    "100000000000000000000000",
    "1E400",
    "7",
    "7.0",
  ];
  const bodies = numbers.map((number) => `{"id":${number}}`);
  const results = await world.output.deliverBatch(bodies.map((body): ConfiguredEvent => [{ body }, config]));
  assertEquals(results, bodies.map(() => "delivered"));
  const expected = Object.fromEntries(numbers.map((number) => [`{"id":${number}}`, number]));
  assertEquals(keysByValue(await world.kafka.consume("orders")), expected);
});

Deno.test("a key can be the whole payload, and a payload that is not JSON has none", async () => {
  await using world = await start();
  const config = { topic: "orders", key: { json_pointer: "" } };
  const cases: ConfiguredEvent[] = [[{ body: `"a"` }, config], [{ body: "{" }, config], [
    { body: "" },
    config,
  ]];
  assertEquals(await world.output.deliverBatch(cases), cases.map(() => "delivered"));
  assertEquals(keysByValue(await world.kafka.consume("orders")), { '"a"': "a", "{": null, "": null });
});

Deno.test("a key is taken from the header that the configuration names", async () => {
  await using world = await start();
  const config = { topic: "orders", key: { header: "X-Order" } };
  const cases: ConfiguredEvent[] = [
    [{ body: "1", headers: { "x-order": "A-1" } }, config],
    [{ body: "2", headers: { "x-order": "" } }, config],
    [{ body: "3", headers: {} }, config],
  ];
  assertEquals(await world.output.deliverBatch(cases), cases.map(() => "delivered"));
  assertEquals(keysByValue(await world.kafka.consume("orders")), { "1": "A-1", "2": "", "3": null });
});

Deno.test("keys go to the partitions that the vectors of the Java client say", async () => {
  await using world = await start(12);
  // `UtilsTest.testMurmur2` of Apache Kafka; the partition is the hash without its sign, modulo their number.
  const vectors: Readonly<Record<string, number>> = {
    "21": -973932308,
    "foobar": -790332482,
    "a-little-bit-long-string": -985981536,
    "a-little-bit-longer-string": -1486304829,
    "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    "abc": 479470107,
  };
  const keys = Object.keys(vectors);
  const results = await world.output.deliverBatch(
    keys.map((key) => [{ body: key }, { topic: "orders", key }]),
  );
  assertEquals(results, keys.map(() => "delivered"));
  const records = await world.kafka.consume("orders");
  assertEquals(
    Object.fromEntries(records.map(({ key, partition }) => [text(key), partition])),
    Object.fromEntries(keys.map((key) => [key, (vectors[key]! & 0x7fffffff) % 12])),
  );
});

Deno.test("keys go where another client with the Java client's partitioner puts them", async () => {
  await using world = await start(7, 2);
  const keys = ["Zoë 🎉", "order-1", "order-22", "order-333", " ", "x".repeat(300)];
  const results = await world.output.deliverBatch(
    keys.map((key) => [{ body: "ours" }, { topic: "orders", key }]),
  );
  assertEquals(results, keys.map(() => "delivered"));
  for (const key of keys) await world.kafka.produce("orders", key, "theirs");
  const records = await world.kafka.consume("orders");
  for (const key of keys) {
    const partitions = records.filter((record) => text(record.key) === key).map(({ partition }) => partition);
    assertEquals(partitions.length, 2, key);
    assertEquals(partitions[0], partitions[1], key);
  }
});

Deno.test("events without a key are spread over all partitions", async () => {
  await using world = await start(6, 2);
  const results = await world.output.deliverBatch(
    Array.from({ length: 60 }, (_, index) => [{ body: String(index) }, { topic: "orders" }]),
  );
  assertEquals(new Set(codes(results)), new Set(["delivered"]));
  const records = await world.kafka.consume("orders");
  assertEquals(records.length, 60);
  for (const partition of [0, 1, 2, 3, 4, 5]) {
    assertEquals(records.filter((record) => record.partition === partition).length, 10);
  }
});

Deno.test("a configured partition is used, whatever the key", async () => {
  await using world = await start(5);
  const config = { topic: "orders", partition: 3 };
  const cases: ConfiguredEvent[] = ["foobar", "21", undefined].map((key) => [
    {},
    key === undefined ? config : { ...config, key },
  ]);
  assertEquals(await world.output.deliverBatch(cases), ["delivered", "delivered", "delivered"]);
  const records = await world.kafka.consume("orders");
  assertEquals(records.map(({ partition }) => partition), [3, 3, 3]);
});

Deno.test("events with the same key keep their order over many batches and calls", async () => {
  await using world = await start(4, 2);
  const keys = ["a", "b", "c", "d", "e"];
  const pending: Promise<unknown>[] = [];
  for (let number = 0; number < 400; number++) {
    const events = keys.map((
      key,
    ): ConfiguredEvent => [{ body: `${key}${number}` }, { topic: "orders", key }]);
    pending.push(world.output.deliverBatch(events));
    if (number % 50 === 0) await pending.at(-1);
  }
  await Promise.all(pending);
  const records = await world.kafka.consume("orders");
  for (const key of keys) {
    const numbers = records.filter((record) => text(record.key) === key).map(({ value }) => text(value)!);
    assertEquals(numbers, Array.from({ length: 400 }, (_, number) => `${key}${number}`));
  }
});
