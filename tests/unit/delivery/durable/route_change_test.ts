import { assert, assertEquals } from "@std/assert";
import { DeliveryError } from "../../../../src/errors.ts";
import type { DeliveryResult } from "../../../../src/modules/module.ts";
import { eventually } from "../../../support/eventually.ts";
import { type Answer, TestGateway } from "../../../support/gateway.ts";
import { ProbeModule } from "../../../support/probe_module.ts";

const ADMIN_TOKEN = "a-token-for-this-test";
const QUICK_RETRY = { max_attempts: 5, initial_delay: 0.05, max_delay: 0.05 };

async function start(probe: ProbeModule, webhook: Readonly<Record<string, unknown>>): Promise<TestGateway> {
  return await TestGateway.start({
    webhooks: { orders: webhook },
    modules: [probe.module],
    environment: { ADMIN_TOKEN },
  });
}

async function change(gateway: TestGateway, webhook: Readonly<Record<string, unknown>>): Promise<void> {
  await gateway.writeWebhooks({ orders: webhook });
  await gateway.reload();
}

async function admin(gateway: TestGateway, path: string, method = "GET"): Promise<Answer> {
  return await gateway.request(path, { method, headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });
}

async function untilPending(gateway: TestGateway, count: number): Promise<void> {
  await eventually(async () => {
    const { text } = await gateway.request("/metrics");
    assertEquals(/^cwm_events_pending (\d+)$/m.exec(text)?.[1], String(count));
  });
}

function labelled(label: string, more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return { module: "probe", "module-config": { label }, retry: QUICK_RETRY, ...more };
}

Deno.test("events that wait for a place while the configuration changes go on when the place is free", async () => {
  const probe = new ProbeModule({ acceptance: "durable" });
  const { promise: first, resolve: endFirst } = Promise.withResolvers<DeliveryResult>();
  probe.behaviour = () => probe.events.length === 1 ? first : "delivered";
  const limits = { concurrency: 1 };
  await using gateway = await start(probe, labelled("old", { limits }));
  await gateway.post("/webhook/orders", "1");
  await gateway.post("/webhook/orders", "2");
  await eventually(() => assertEquals(probe.events.length, 1));
  await change(gateway, labelled("new", { limits }));
  endFirst("delivered");
  await untilPending(gateway, 0);
  assertEquals(probe.events.map(({ text, label }) => [text, label]), [["1", "old"], ["2", "new"]]);
});

Deno.test("an event that is delivered after its webhook was switched off is done", async () => {
  const probe = new ProbeModule({ acceptance: "durable" });
  const { promise: result, resolve: end } = Promise.withResolvers<DeliveryResult>();
  probe.behaviour = () => result;
  await using gateway = await start(probe, labelled("a"));
  await gateway.post("/webhook/orders", "1");
  await eventually(() => assertEquals(probe.events.length, 1));
  await change(gateway, labelled("a", { enabled: false }));
  end("delivered");
  await untilPending(gateway, 0);
});

Deno.test("an event that is refused after its webhook was switched off is a dead letter", async () => {
  const probe = new ProbeModule({ acceptance: "durable" });
  const { promise: result, resolve: end } = Promise.withResolvers<DeliveryResult>();
  probe.behaviour = () => result;
  await using gateway = await start(probe, labelled("a"));
  await gateway.post("/webhook/orders", "1");
  await eventually(() => assertEquals(probe.events.length, 1));
  await change(gateway, labelled("a", { enabled: false }));
  end(new DeliveryError("output_rejected"));
  await untilPending(gateway, 0);
  assert((await admin(gateway, "/admin/dead-letters")).text.includes("output_rejected"));
});

Deno.test("a dead letter that is replayed while its webhook is busy is delivered all the same", async () => {
  const probe = new ProbeModule({ acceptance: "durable" });
  const { promise: hung, resolve: end } = Promise.withResolvers<DeliveryResult>();
  let refuse = true;
  probe.behaviour = ({ event }) => {
    if (event.body.text === '"hangs"') return hung;
    return refuse ? new DeliveryError("output_rejected") : "delivered";
  };
  await using gateway = await start(probe, labelled("a"));
  await gateway.post("/webhook/orders", '"letter"');
  await untilPending(gateway, 0);
  await gateway.post("/webhook/orders", '"hangs"');
  await eventually(() => assertEquals(probe.events.length, 2));
  refuse = false;
  assertEquals((await admin(gateway, "/admin/dead-letters/replay?all=true", "POST")).status, 200);
  await untilPending(gateway, 1);
  assertEquals(probe.events.map(({ text }) => text), ['"letter"', '"hangs"', '"letter"']);
  end("delivered");
  await untilPending(gateway, 0);
});

for (const between of ["at once", "after it was switched off"]) {
  Deno.test(`an ordered event under way while configuration changes ${between} stays before later ones`, async () => {
    const probe = new ProbeModule({ acceptance: "durable", ordered: true });
    const { promise: first, resolve: endFirst } = Promise.withResolvers<DeliveryResult>();
    probe.behaviour = () => probe.events.length === 1 ? first : "delivered";
    await using gateway = await start(probe, labelled("old"));
    for (const text of ["1", "2", "3"]) await gateway.post("/webhook/orders", text);
    await eventually(() => assertEquals(probe.events.length, 1));
    if (between !== "at once") await change(gateway, labelled("old", { enabled: false }));
    await change(gateway, labelled("new"));
    endFirst(new DeliveryError("output_failed"));
    await untilPending(gateway, 0);
    assertEquals(probe.events.map(({ text, label }) => [text, label]), [
      ["1", "old"],
      ["1", "new"],
      ["2", "new"],
      ["3", "new"],
    ]);
  });
}

Deno.test("an ordered event that failed while its webhook was switched off goes first when it is back", async () => {
  const probe = new ProbeModule({ acceptance: "durable", ordered: true });
  const { promise: first, resolve: endFirst } = Promise.withResolvers<DeliveryResult>();
  probe.behaviour = () => probe.events.length === 1 ? first : "delivered";
  await using gateway = await start(probe, labelled("a"));
  for (const text of ["1", "2", "3"]) await gateway.post("/webhook/orders", text);
  await eventually(() => assertEquals(probe.events.length, 1));
  await change(gateway, labelled("a", { enabled: false }));
  endFirst(new DeliveryError("output_failed"));
  await eventually(async () => {
    const { text } = await gateway.request("/metrics");
    assert(/^cwm_delivery_attempts_failed_total\{.*\} 1$/m.test(text), text);
  });
  await change(gateway, labelled("a"));
  await untilPending(gateway, 0);
  assertEquals(probe.events.map(({ text }) => text), ["1", "1", "2", "3"]);
});
