import { assertEquals } from "@std/assert";
import { DeliveryError } from "../../../../src/errors.ts";
import type { DeliveryResult } from "../../../../src/modules/module.ts";
import { eventually } from "../../../support/eventually.ts";
import { errorCode, TestGateway } from "../../../support/gateway.ts";
import { ProbeModule } from "../../../support/probe_module.ts";

/** A gateway whose output has one call under way at a time. What it is given waits until the test lets it go. */
class Gathering implements AsyncDisposable {
  readonly probe: ProbeModule;
  readonly gateway: TestGateway;
  readonly #held: ((result: DeliveryResult) => void)[] = [];

  private constructor(probe: ProbeModule, gateway: TestGateway) {
    this.probe = probe;
    this.gateway = gateway;
    probe.behaviour = () => new Promise((resolve) => this.#held.push(resolve));
  }

  static async start(options: ConstructorParameters<typeof ProbeModule>[0]): Promise<Gathering> {
    const probe = new ProbeModule({ gathers: 1, concurrency: 1, maxBatch: 64, ...options });
    const labelled = (label: string) => ({ module: "probe", "module-config": { label } });
    const gateway = await TestGateway.start({
      webhooks: {
        orders: labelled("a"),
        payments: labelled("b"),
        later: { ...labelled("a"), accept: "durable" },
      },
      modules: [probe.module],
      environment: { DELIVERY_BUDGET_MS: "1" },
    });
    return new Gathering(probe, gateway);
  }

  /** Sends one that is under way, and then all the others, which wait for it; resolves when all are there. */
  async send(...webhooks: readonly string[]): Promise<readonly Promise<{ readonly status: number }>[]> {
    const first = this.gateway.post("/webhook/orders", "0");
    await eventually(() => assertEquals(this.probe.events.length, 1));
    const others = webhooks.map((webhook, index) => this.gateway.post(`/webhook/${webhook}`, `${index + 1}`));
    // Its answer comes behind them: what was sent before has been read by then.
    await eventually(async () => {
      const { text } = await this.gateway.request("/metrics");
      const inFlight = /^cwm_inflight_requests (\d+)$/m.exec(text)?.[1];
      assertEquals(inFlight, String(webhooks.length + 1));
    });
    return [first, ...others];
  }

  /** Ends what is under way, and all that follows, with a result by the text of the event. */
  letGo(resultOf: (text: string) => DeliveryResult = () => "delivered"): void {
    const texts = this.probe.events.map(({ text }) => text);
    this.probe.behaviour = ({ event }) => resultOf(event.body.text);
    for (const [index, resolve] of this.#held.entries()) resolve(resultOf(texts[index]!));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.letGo();
    await this.gateway[Symbol.asyncDispose]();
  }
}

async function statusesOf(answers: readonly Promise<{ readonly status: number }>[]) {
  return (await Promise.all(answers)).map(({ status }) => status);
}

Deno.test("events whose senders wait go to the output together when they came while it was at work", async () => {
  await using gathering = await Gathering.start({});
  const answers = await gathering.send("orders", "payments", "orders");
  gathering.letGo();
  assertEquals(await statusesOf(answers), [200, 200, 200, 200]);
  assertEquals(gathering.probe.batches, [1, 3]);
});

Deno.test("one event of a batch that fails is answered with its own failure", async () => {
  await using gathering = await Gathering.start({});
  const answers = await gathering.send("orders", "orders", "orders");
  gathering.letGo((text) => text === "2" ? new DeliveryError("output_rejected") : "delivered");
  assertEquals(await statusesOf(answers), [200, 200, 502, 200]);
});

Deno.test("a batch for senders has no more events and no more bytes than the module takes", async () => {
  await using few = await Gathering.start({ maxBatch: 2 });
  const answers = await few.send("orders", "orders", "orders");
  await using small = await Gathering.start({ maxBatchBytes: 5 });
  const others = await small.send("orders", "orders", "orders", "orders", "orders", "orders");
  few.letGo();
  small.letGo();
  assertEquals(await statusesOf(answers), [200, 200, 200, 200]);
  assertEquals(await statusesOf(others), [200, 200, 200, 200, 200, 200, 200]);
  assertEquals([few.probe.batches, small.probe.batches], [[1, 2, 1], [1, 5, 1]]);
});

Deno.test("a large body waits for no batch and holds up none", async () => {
  await using gathering = await Gathering.start({ concurrency: 2, maxBatchBytes: 80 });
  const { gateway, probe } = gathering;
  const answers = await gathering.send("orders");
  const large = gateway.post("/webhook/orders", `"${"x".repeat(20)}"`);
  await eventually(() => assertEquals(probe.batches, [1, 1]));
  gathering.letGo();
  assertEquals(await statusesOf([...answers, large]), [200, 200, 200]);
});

Deno.test("events with different keys of their batches are not given to the output in one call", async () => {
  await using gathering = await Gathering.start({ batchKey: (label) => label });
  const answers = await gathering.send("orders", "payments", "orders", "payments");
  gathering.letGo();
  assertEquals(await statusesOf(answers), [200, 200, 200, 200, 200]);
  assertEquals(gathering.probe.batches, [1, 2, 2]);
  assertEquals(gathering.probe.events.slice(1).map(({ label }) => label), ["a", "a", "b", "b"]);
});

Deno.test("an event whose time is up while it waits for its batch is not delivered any more", async () => {
  await using gathering = await Gathering.start({ timeoutMs: 300 });
  const answers = await gathering.send("orders", "orders");
  assertEquals(await statusesOf(answers), [504, 504, 504]);
  gathering.letGo();
  assertEquals((await gathering.gateway.post("/webhook/orders", "9")).status, 200);
  assertEquals(gathering.probe.events.map(({ text }) => text), ["0", "9"]);
});

Deno.test("senders and the journal share the calls of an output", async () => {
  await using gathering = await Gathering.start({ acceptance: "delivered" });
  const answers = await gathering.send("orders", "orders");
  const stored = await Promise.all([1, 2, 3].map(() => gathering.gateway.post("/webhook/later", "9")));
  assertEquals(stored.map(({ status }) => status), [200, 200, 200]);
  gathering.letGo();
  assertEquals(await statusesOf(answers), [200, 200, 200]);
  await eventually(() => assertEquals(gathering.probe.events.length, 6));
});

Deno.test("when too many events wait for their batch, further ones are answered with 503 at once", async () => {
  await using gathering = await Gathering.start({ maxBatch: 1 });
  const { gateway } = gathering;
  const answers = Array.from({ length: 20 }, () => gateway.post("/webhook/orders", "{}"));
  const first = await Promise.race(answers);
  assertEquals([first.status, errorCode(first)], [503, "overloaded"]);
  gathering.letGo();
  const statuses = await statusesOf(answers);
  assertEquals(statuses.filter((status) => status === 200).length, 17);
});
