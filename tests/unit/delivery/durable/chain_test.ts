import { assertEquals, assertStringIncludes } from "@std/assert";
import { DeliveryError } from "../../../../src/errors.ts";
import type { DeliveryResult } from "../../../../src/modules/module.ts";
import { eventually } from "../../../support/eventually.ts";
import { errorCode, TestGateway } from "../../../support/gateway.ts";
import { ProbeModule } from "../../../support/probe_module.ts";

const ADMIN_TOKEN = "a-token-for-this-test";
const QUICK_RETRY = { max_attempts: 3, initial_delay: 0.05, max_delay: 0.05 };

/** Three outputs of one chain. */
class Outputs {
  readonly first = new ProbeModule({ name: "first" });
  readonly second = new ProbeModule({ name: "second" });
  readonly third = new ProbeModule({ name: "third" });

  get counts(): number[] {
    return [this.first, this.second, this.third].map(({ events }) => events.length);
  }

  async start(chain: readonly unknown[], more: Readonly<Record<string, unknown>>): Promise<TestGateway> {
    return await TestGateway.start({
      webhooks: { orders: { chain, ...more } },
      modules: [this.first.module, this.second.module, this.third.module],
      environment: { ADMIN_TOKEN, DELIVERY_BUDGET_MS: "50" },
    });
  }
}

const CHAIN = ["first", "second", "third"];

async function untilSettled(gateway: TestGateway): Promise<void> {
  await eventually(async () => {
    assertStringIncludes((await gateway.request("/metrics")).text, "cwm_events_pending 0\n");
  });
}

async function countDeadLetters(gateway: TestGateway): Promise<number> {
  const { text } = await gateway.request("/admin/dead-letters", {
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
  });
  return (JSON.parse(text) as { dead_letters: unknown[] }).dead_letters.length;
}

for (const accept of ["delivered", "durable"]) {
  Deno.test(`a chain that is accepted as ${accept} delivers to each of its outputs once, in their order`, async () => {
    const outputs = new Outputs();
    const order: string[] = [];
    for (const probe of [outputs.first, outputs.second, outputs.third]) {
      probe.behaviour = () => {
        order.push(probe.module.name);
        return "delivered";
      };
    }
    await using gateway = await outputs.start(CHAIN, { accept });
    assertEquals((await gateway.post("/webhook/orders", "{}")).status, 200);
    await eventually(() => assertEquals(order, CHAIN));
    await untilSettled(gateway);
  });
}

Deno.test("a chain whose second output fails once resumes there, and repeats nothing", async () => {
  const outputs = new Outputs();
  const results: DeliveryResult[] = [new DeliveryError("output_failed")];
  outputs.second.behaviour = () => results.shift() ?? "delivered";
  await using gateway = await outputs.start(CHAIN, { accept: "durable", retry: QUICK_RETRY });
  await gateway.post("/webhook/orders", "{}");
  await untilSettled(gateway);
  assertEquals(outputs.counts, [1, 2, 1]);
});

Deno.test("a chain goes on after an output that refused the event, which then is a dead letter", async () => {
  const outputs = new Outputs();
  outputs.second.behaviour = () => new DeliveryError("output_rejected");
  await using gateway = await outputs.start(CHAIN, { accept: "durable" });
  await gateway.post("/webhook/orders", "{}");
  await untilSettled(gateway);
  assertEquals([outputs.counts, await countDeadLetters(gateway)], [[1, 1, 1], 1]);
  outputs.second.behaviour = () => "delivered";
  await gateway.request("/admin/dead-letters/replay?all=true", {
    method: "POST",
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
  });
  await eventually(() => assertEquals(outputs.counts, [1, 2, 1], "only what failed is made again"));
  await untilSettled(gateway);
});

Deno.test("a chain without continue_on_error ends at the output that refused the event", async () => {
  const outputs = new Outputs();
  outputs.second.behaviour = () => new DeliveryError("output_rejected");
  const config = { accept: "durable", "chain-config": { continue_on_error: false } };
  await using gateway = await outputs.start(CHAIN, config);
  await gateway.post("/webhook/orders", "{}");
  await untilSettled(gateway);
  assertEquals([outputs.counts, await countDeadLetters(gateway)], [[1, 1, 0], 1]);
});

Deno.test("a parallel chain does not wait for an output that hangs before it serves the others", async () => {
  const outputs = new Outputs();
  const { promise: never, resolve: end } = Promise.withResolvers<DeliveryResult>();
  outputs.first.behaviour = () => never;
  const config = { accept: "durable", "chain-config": { execution: "parallel" } };
  await using gateway = await outputs.start(CHAIN, config);
  await gateway.post("/webhook/orders", "{}");
  await eventually(() => assertEquals(outputs.counts, [1, 1, 1]));
  end("delivered");
  await untilSettled(gateway);
});

Deno.test("each step of a chain may have its own settings, over those of the webhook", async () => {
  const outputs = new Outputs();
  const chain = [{ module: "first", "module-config": { label: "own" } }, "second"];
  await using gateway = await outputs.start(chain, { "module-config": { label: "shared" } });
  assertEquals((await gateway.post("/webhook/orders", "{}")).status, 200);
  assertEquals([outputs.first.events[0]?.label, outputs.second.events[0]?.label], ["own", "shared"]);
});

Deno.test("each step of a chain may have its own retries", async () => {
  const outputs = new Outputs();
  outputs.first.behaviour = () => new DeliveryError("output_failed");
  const chain = [{ module: "first", retry: { enabled: false } }, "second"];
  await using gateway = await outputs.start(chain, { accept: "durable", retry: QUICK_RETRY });
  await gateway.post("/webhook/orders", "{}");
  await untilSettled(gateway);
  assertEquals(outputs.counts, [1, 1, 0]);
});

Deno.test("a chain that a sender waits for answers with the failure of its first failing output", async () => {
  const outputs = new Outputs();
  outputs.second.behaviour = () => new DeliveryError("output_rejected");
  await using gateway = await outputs.start(CHAIN, { accept: "delivered" });
  const answer = await gateway.post("/webhook/orders", "{}");
  assertEquals([answer.status, errorCode(answer)], [502, "output_rejected"]);
  assertEquals(outputs.counts, [1, 1, 1]);
});

Deno.test("a chain that a sender waits for answers 504 at its timeout", async () => {
  const outputs = new Outputs();
  const { promise: never, resolve: end } = Promise.withResolvers<DeliveryResult>();
  outputs.first.behaviour = () => never;
  await using gateway = await outputs.start(CHAIN, { accept: "delivered", "chain-config": { timeout: 0.1 } });
  const answer = await gateway.post("/webhook/orders", "{}");
  assertEquals([answer.status, errorCode(answer)], [504, "output_timeout"]);
  end("delivered");
});

for (const execution of ["sequential", "parallel"]) {
  Deno.test(`a ${execution} chain that is over its time ends what it has begun`, async () => {
    const outputs = new Outputs();
    const given = Promise.withResolvers<AbortSignal>();
    outputs.first.behaviour = (_delivery, signal) => {
      given.resolve(signal());
      return new Promise((resolve) =>
        signal().addEventListener("abort", () => resolve(new DeliveryError("output_timeout")))
      );
    };
    await using gateway = await outputs.start(CHAIN, {
      accept: "delivered",
      "chain-config": { execution, timeout: 0.1, continue_on_error: false },
      retry: QUICK_RETRY,
    });
    assertEquals((await gateway.post("/webhook/orders", "{}")).status, 504);
    const signal = await given.promise;
    await eventually(() => signal.aborted);
    assertEquals(outputs.counts[0], 1);
  });
}

Deno.test("a key of module-config that no step of the chain knows is a problem of the webhook", async () => {
  const outputs = new Outputs();
  await using gateway = await outputs.start(CHAIN, { "module-config": { lable: "x" } });
  const answer = await gateway.post("/webhook/orders", "{}");
  assertEquals([answer.status, errorCode(answer)], [503, "webhook_misconfigured"]);
});
