import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { DeliveryError } from "../../src/errors.ts";
import { mqttModule } from "../../src/modules/mqtt/mqtt.ts";
import type { DeliveryResult } from "../../src/modules/module.ts";
import { eventually } from "../support/eventually.ts";
import { eventIdOf, MosquittoServer } from "../support/mqtt/server.ts";
import { OpenOutput } from "../support/open_output.ts";
import { verifiedEvent } from "../support/verified_event.ts";

function open(
  broker: MosquittoServer,
  settings: Readonly<Record<string, unknown>> = {},
): Promise<OpenOutput> {
  return OpenOutput.open(mqttModule, { host: "127.0.0.1", port: broker.port, ...settings });
}

function codesOf(results: readonly DeliveryResult[]): string[] {
  return results.map((result) => result === "delivered" ? result : result.code);
}

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

Deno.test("mqtt says in properties which event it is, whatever bytes its headers have", async () => {
  await using broker = await MosquittoServer.start();
  const reader = await broker.read();
  await using output = await open(broker);
  const event = verifiedEvent({
    namespace: "shop",
    type: "order.paid",
    headers: {
      "content-type": "application/json\u0085",
      "x-shop": "Zo\u00c3\u00ab",
      "x-odd": "tab\tand \u009f",
      cookie: "s3cret",
    },
    body: '{"id":12345678901234567890, "price":1.0}',
  });
  const config = { topic: "orders", qos: 2, forward_headers: true };
  assertEquals(await output.attempt(event, config), "delivered");
  const [message] = await reader.messages();
  assertEquals(text(message!.payload), '{"id":12345678901234567890, "price":1.0}');
  assertEquals([message!.contentType, message!.qos], ["application/json\ufffd", "2"]);
  for (
    const property of [
      `cwm-event-id:${event.id}`,
      "cwm-namespace:shop",
      "cwm-webhook:orders",
      "cwm-received-at:2026-01-02T03:04:05.678Z",
      "cwm-event-type:order.paid",
      "x-shop:Zoë",
      "x-odd:tab\ufffdand \ufffd",
    ]
  ) assertStringIncludes(message!.properties, property);
  assertEquals(message!.properties.includes("s3cret"), false);
});

Deno.test("mqtt keeps what a payload puts into a topic within its level", async () => {
  await using broker = await MosquittoServer.start();
  const reader = await broker.read();
  await using output = await open(broker);
  const config = { topic: "site/{namespace}/{/device/id}/{event_type}", topic_prefix: "farm" };
  const of = (id: unknown, type = "on/off") =>
    verifiedEvent({ type, body: JSON.stringify({ device: { id } }) });
  const hostile = ["a/../#", "+", "$share/x", "Zoë 🎉\0", "{event_id}", 12, true, "\ud800"].map((id) =>
    of(id)
  );
  const lacking = [of(null), of(""), of({ a: 1 }), of("x".repeat(256)), of("é".repeat(43)), of("a", "")];
  const results = await output.deliver([...hostile, ...lacking], config);
  assertEquals(codesOf(results), [
    ...hostile.map(() => "delivered"),
    ...lacking.map(() => "output_rejected"),
  ]);
  assertEquals((await reader.messages()).map(({ topic }) => topic), [
    "farm/site/default/a%2F..%2F%23/on%2Foff",
    "farm/site/default/%2B/on%2Foff",
    "farm/site/default/%24share%2Fx/on%2Foff",
    "farm/site/default/Zo%C3%AB%20%F0%9F%8E%89%00/on%2Foff",
    "farm/site/default/%7Bevent_id%7D/on%2Foff",
    "farm/site/default/12/on%2Foff",
    "farm/site/default/true/on%2Foff",
    "farm/site/default/%EF%BF%BD/on%2Foff",
  ]);
});

Deno.test("mqtt sends the Shelly and Tasmota forms of the Python service, numbers as they are", async () => {
  await using broker = await MosquittoServer.start();
  const reader = await broker.read();
  await using output = await open(broker);
  const object = verifiedEvent({ body: ' {"n": 1.0}' });
  const list = verifiedEvent({ body: "[12345678901234567890]" });
  const blob = { dataType: "blob" } as const;
  const shelly = { topic: "shelly/rpc", shelly_gen2_format: true, device_id: 'a"b' };
  const tasmota = { tasmota_format: true, device_name: "plug", command: "POWER", topic_prefix: "home" };
  await output.deliver([object, list], shelly);
  await output.deliver([list], shelly, blob);
  await output.deliver([object, list], tasmota);
  await output.deliver([list], { ...tasmota, tasmota_type: "stat", topic: "unused" });
  await output.deliver([verifiedEvent({ body: "no JSON" })], { ...tasmota, tasmota_type: "tele" }, blob);
  assertEquals(
    (await reader.messages()).map(({ topic, payload }) => `${topic} ${text(payload)}`),
    [
      'shelly/rpc {"id":"a\\"b","source":"webhook","params": {"n": 1.0}}',
      'shelly/rpc {"id":"a\\"b","source":"webhook","params":{"data":[12345678901234567890]}}',
      'shelly/rpc {"id":"a\\"b","source":"webhook","params":{"data_base64":"WzEyMzQ1Njc4OTAxMjM0NTY3ODkwXQ=="}}',
      'home/cmnd/plug/POWER  {"n": 1.0}',
      'home/cmnd/plug/POWER {"data":[12345678901234567890]}',
      'home/stat/plug/status {"data":[12345678901234567890]}',
      'home/tele/plug/telemetry {"data_base64":"bm8gSlNPTg=="}',
    ],
  );
});

Deno.test("mqtt speaks 3.1.1, with qos 0 to 2, and leaves retained messages for later", async () => {
  await using broker = await MosquittoServer.start();
  const reader = await broker.read("311");
  await using output = await open(broker, { mqtt_version: "3.1.1" });
  for (const qos of [0, 1, "2"]) {
    assertEquals(
      await output.attempt(verifiedEvent(), { topic: `q/${qos}`, qos, retained: true }),
      "delivered",
    );
  }
  const seen = await reader.messages();
  assertEquals(seen.map(({ topic, qos }) => [topic, qos]), [["q/0", "0"], ["q/1", "1"], ["q/2", "2"]]);
  const late = await (await broker.read()).messages();
  assertEquals(late.map(({ topic, retained }) => [topic, retained]).sort(), [
    ["q/0", "1"],
    ["q/1", "1"],
    ["q/2", "1"],
  ]);
});

Deno.test("mqtt rejects what a broker never takes, and the others of its batch arrive", async () => {
  // Of the first limit the broker says nothing before, and its answer is one that breaks the connection.
  for (const line of ["message_size_limit 1000", "max_packet_size 1000"]) {
    await using broker = await MosquittoServer.start({ lines: [line] });
    const reader = await broker.read();
    await using output = await open(broker);
    const small = Array.from({ length: 40 }, (_, index) => verifiedEvent({ body: `{"number":${index}}` }));
    const large = verifiedEvent({ body: `"${"x".repeat(2000)}"` });
    const batch = small.toSpliced(17, 0, large);
    const results = new Map<string, DeliveryResult>();
    await eventually(async () => {
      const open = batch.filter(({ id }) => !isSettled(results.get(id)));
      const outcomes = await output.deliver(open, { topic: "orders" });
      open.forEach(({ id }, index) => results.set(id, outcomes[index]!));
      assertEquals(batch.every(({ id }) => isSettled(results.get(id))), true);
    });
    assertEquals(codesOf([results.get(large.id)!]), ["output_rejected"], line);
    assertEquals(small.every(({ id }) => results.get(id) === "delivered"), true, line);
    const arrived = new Set((await reader.messages()).map(eventIdOf));
    assertEquals(arrived, new Set(small.map(({ id }) => id)), line);
  }
});

function isSettled(result: DeliveryResult | undefined): boolean {
  return result === "delivered" || result?.code === "output_rejected";
}

Deno.test("mqtt 3.1.1 holds events to the max_packet_size that the operator knows of", async () => {
  await using broker = await MosquittoServer.start();
  await using output = await open(broker, { mqtt_version: "3.1.1", max_packet_size: 200 });
  const events = [190, 150].map((length) => verifiedEvent({ body: "x".repeat(length) }));
  assertEquals(codesOf(await output.deliver(events, { topic: "orders" })), ["output_rejected", "delivered"]);
});

Deno.test("mqtt pauses when a broker refuses the password, and goes on when it has been restored", async () => {
  const users = { gateway: "s3cret" };
  await using broker = await MosquittoServer.start({ users });
  await using output = await open(broker, { username: "gateway", password: "s3cret" });
  assertEquals(await output.attempt(verifiedEvent(), { topic: "orders" }), "delivered");
  await broker.reload({ users: { gateway: "other" } });
  await eventually(async () => {
    const [result] = await output.deliver([verifiedEvent()], { topic: "orders" });
    assertEquals(result instanceof DeliveryError && result.code, "output_unavailable");
    assertMatch((result as DeliveryError).message, /does not (let this user in|know this username)/);
  });
  await broker.reload({ users });
  await eventually(async () =>
    assertEquals(await output.attempt(verifiedEvent(), { topic: "orders" }), "delivered")
  );
});

Deno.test("mqtt gives a frozen broker up after timeout, and loses nothing when it is killed", async () => {
  await using broker = await MosquittoServer.start();
  await using output = await open(broker, { timeout: 0.5 });
  assertEquals(await output.attempt(verifiedEvent(), { topic: "orders" }), "delivered");
  await broker.freeze();
  // Without the end of its patience none of these would ever end.
  const frozen = await output.deliver(Array.from({ length: 100 }, () => verifiedEvent()), {
    topic: "orders",
  });
  assertEquals(new Set(codesOf(frozen)), new Set(["output_timeout"]));
  broker.thaw();
  const pending = new Set(Array.from({ length: 400 }, () => verifiedEvent()));
  const confirmed = new Set<string>();
  const deliverAll = async () => {
    const batch = [...pending].slice(0, 50);
    const results = await output.deliver(batch, { topic: "orders" });
    batch.forEach((event, index) => {
      if (results[index] !== "delivered") return;
      pending.delete(event);
      confirmed.add(event.id);
    });
  };
  await eventually(async () => {
    await deliverAll();
    assertEquals(confirmed.size > 100, true);
  });
  await broker.kill();
  await deliverAll();
  await broker.restart();
  const reader = await broker.read();
  const left = [...pending].map(({ id }) => id);
  await eventually(async () => {
    await deliverAll();
    assertEquals(pending.size, 0);
  });
  const arrived = (await reader.messages()).map(eventIdOf);
  assertEquals(left.filter((id) => !arrived.includes(id)), []);
  assertEquals(arrived.length, new Set(arrived).size, "what the broker never had is not repeated");
});
