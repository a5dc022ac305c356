import { assertEquals, assertNotEquals } from "@std/assert";
import { DeliveryError } from "../../../src/errors.ts";
import type { DeliveryResult } from "../../../src/modules/module.ts";
import { eventually } from "../../support/eventually.ts";
import { TestGateway } from "../../support/gateway.ts";
import { ProbeModule } from "../../support/probe_module.ts";
import { TempDir } from "../../support/temp_dir.ts";

const BY_HEADER = { header: "X-Delivery-Id" };

async function start(
  probe: ProbeModule,
  webhook: Readonly<Record<string, unknown>>,
  environment: Readonly<Record<string, string>> = {},
): Promise<TestGateway> {
  return await TestGateway.start({
    webhooks: { orders: { module: "probe", ...webhook }, others: { module: "probe", ...webhook } },
    modules: [probe.module],
    environment,
  });
}

for (const accept of ["delivered", "durable"]) {
  Deno.test(`a repeated event gets the answer of the first one and is delivered once when accepted as ${accept}`, async () => {
    const probe = new ProbeModule();
    await using gateway = await start(probe, { accept, idempotency: BY_HEADER });
    const first = await gateway.post("/webhook/orders", "{}", { "X-Delivery-Id": "a" });
    const second = await gateway.post("/webhook/orders", "{}", { "X-Delivery-Id": "a" });
    assertEquals([second.status, second.text], [200, first.text]);
    const other = await gateway.post("/webhook/orders", "{}", { "X-Delivery-Id": "b" });
    assertNotEquals(other.text, first.text);
    await eventually(() => assertEquals(probe.events.length, 2));
  });

  Deno.test(`an event is known again after a restart when accepted as ${accept}`, async () => {
    await using data = await TempDir.create();
    const environment = { DATA_DIR: data.path };
    const webhook = { accept, idempotency: BY_HEADER };
    const probe = new ProbeModule();
    let first: string;
    {
      await using gateway = await start(probe, webhook, environment);
      first = (await gateway.post("/webhook/orders", "{}", { "X-Delivery-Id": "a" })).text;
      await eventually(() => assertEquals(probe.events.length, 1));
    }
    const later = new ProbeModule();
    await using gateway = await start(later, webhook, environment);
    const again = await gateway.post("/webhook/orders", "{}", { "X-Delivery-Id": "a" });
    assertEquals([again.status, again.text], [200, first]);
    assertEquals(later.events, []);
  });

  Deno.test(`webhooks do not share what they know of events when accepted as ${accept}`, async () => {
    const probe = new ProbeModule();
    await using gateway = await start(probe, { accept, idempotency: BY_HEADER });
    await gateway.post("/webhook/orders", "{}", { "X-Delivery-Id": "a" });
    await gateway.post("/webhook/others", "{}", { "X-Delivery-Id": "a" });
    await eventually(() => assertEquals(probe.events.length, 2));
  });
}

Deno.test("an event without the key that tells it apart is always a new one", async () => {
  const probe = new ProbeModule();
  await using gateway = await start(probe, { idempotency: BY_HEADER });
  await gateway.post("/webhook/orders", "{}");
  await gateway.post("/webhook/orders", "{}");
  assertEquals(probe.events.length, 2);
});

Deno.test("events can be told apart by a value in their body", async () => {
  const probe = new ProbeModule();
  await using gateway = await start(probe, { idempotency: { json_pointer: "/event/id" } });
  await gateway.post("/webhook/orders", '{"event":{"id":"evt_1"}}');
  await gateway.post("/webhook/orders", '{"event":{"id":"evt_1"},"again":true}');
  await gateway.post("/webhook/orders", '{"event":{"id":"evt_2"}}');
  await gateway.post("/webhook/orders", '{"event":{}}');
  assertEquals(probe.events.map(({ text }) => text), [
    '{"event":{"id":"evt_1"}}',
    '{"event":{"id":"evt_2"}}',
    '{"event":{}}',
  ]);
});

Deno.test("a repeated event waits for the first one while that is being delivered", async () => {
  const probe = new ProbeModule();
  const { promise: opened, resolve: open } = Promise.withResolvers<DeliveryResult>();
  probe.behaviour = () => opened;
  await using gateway = await start(probe, { idempotency: BY_HEADER });
  const answers = [1, 2, 3].map(() => gateway.post("/webhook/orders", "{}", { "X-Delivery-Id": "a" }));
  await eventually(() => assertEquals(probe.events.length, 1));
  open("delivered");
  const [first, ...others] = await Promise.all(answers);
  for (const other of others) assertEquals([other.status, other.text], [200, first?.text]);
  assertEquals(probe.events.length, 1);
});

Deno.test("an event whose delivery failed is not remembered: the sender's repeat is delivered", async () => {
  const probe = new ProbeModule();
  const results: DeliveryResult[] = [new DeliveryError("output_rejected")];
  probe.behaviour = () => results.shift() ?? "delivered";
  await using gateway = await start(probe, { idempotency: BY_HEADER });
  assertEquals((await gateway.post("/webhook/orders", "{}", { "X-Delivery-Id": "a" })).status, 502);
  assertEquals((await gateway.post("/webhook/orders", "{}", { "X-Delivery-Id": "a" })).status, 200);
  assertEquals(probe.events.length, 2);
});
