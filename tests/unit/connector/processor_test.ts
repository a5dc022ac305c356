import { assertEquals, assertStringIncludes } from "@std/assert";
import { getLogger } from "@logtape/logtape";
import { ConnectorMetrics } from "../../../src/connector/metrics.ts";
import type { Deliverer } from "../../../src/connector/deliverers/deliverer.ts";
import { Processor, type ProcessorOptions } from "../../../src/connector/processor.ts";
import { DeliveryError } from "../../../src/errors.ts";
import type { DeliveryResult } from "../../../src/modules/module.ts";
import { Metrics } from "../../../src/observability/metrics.ts";
import type { Report, WebhookMessage } from "../../../src/relay/protocol/messages.ts";
import { eventually } from "../../support/eventually.ts";

/** A place where deliveries wait until the test ends them. */
class HeldDeliveries implements Deliverer {
  readonly begun: string[] = [];
  readonly #ends = new Map<string, (result: DeliveryResult) => void>();

  deliver(event: { readonly id: string }): Promise<DeliveryResult> {
    this.begun.push(event.id);
    return new Promise((resolve) => this.#ends.set(event.id, resolve));
  }

  /** Ends a delivery, and lets the processor see it. */
  async end(id: string, result: DeliveryResult = "delivered"): Promise<void> {
    this.#ends.get(id)?.(result);
    await new Promise((resolve) => setTimeout(resolve));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

function message(id: string, parts: Partial<WebhookMessage> = {}): WebhookMessage {
  return {
    type: "webhook",
    message_id: id,
    sequence: Number(id.slice(1)),
    delivery: 1,
    event_id: id,
    namespace: "default",
    webhook_id: "orders",
    timestamp: "2026-01-02T03:04:05.678Z",
    headers: {},
    body: "{}",
    ...parts,
  };
}

function start(options: Partial<ProcessorOptions> = {}) {
  const deliverer = new HeldDeliveries();
  const reports: Report[] = [];
  const processor = new Processor({
    deliverer,
    maxConcurrent: 3,
    ordered: true,
    rememberedReports: 10,
    redelivery: { initialMs: 100, maxMs: 400 },
    report: (report) => reports.push(report),
    metrics: new ConnectorMetrics(new Metrics()),
    logger: getLogger(["cwm", "test"]),
    ...options,
  });
  return { deliverer, reports, processor };
}

const unavailable = new DeliveryError("output_unavailable", "away");

Deno.test("processor delivers events of one webhook in turn, and those of several at once", async () => {
  const { deliverer, processor, reports } = start();
  processor.accept(message("m1"));
  processor.accept(message("m2"));
  processor.accept(message("m3", { webhook_id: "refunds" }));
  assertEquals(deliverer.begun, ["m1", "m3"]);
  await deliverer.end("m1");
  assertEquals(deliverer.begun, ["m1", "m3", "m2"]);
  assertEquals(reports, [{ type: "ack", message_id: "m1" }]);
});

Deno.test("processor delivers no more at once than it may, then the webhook that waited longest", async () => {
  const { deliverer, processor } = start({ maxConcurrent: 2 });
  for (let n = 1; n <= 4; n++) processor.accept(message(`m${n}`, { webhook_id: `w${n}` }));
  assertEquals(deliverer.begun, ["m1", "m2"]);
  await deliverer.end("m2");
  assertEquals(deliverer.begun, ["m1", "m2", "m3"]);
});

Deno.test("processor delivers events of one webhook at once where order does not matter", () => {
  const { deliverer, processor } = start({ ordered: false });
  for (let n = 1; n <= 4; n++) processor.accept(message(`m${n}`));
  assertEquals(deliverer.begun, ["m1", "m2", "m3"]);
});

Deno.test("processor gives back what follows a failed event until the gateway's pause, then goes on", async () => {
  const { deliverer, processor, reports } = start();
  for (let n = 1; n <= 3; n++) processor.accept(message(`m${n}`));
  await deliverer.end("m1", unavailable);
  assertEquals(reports, [
    { type: "nack", message_id: "m1", retry: true, delay_ms: 100 },
    { type: "nack", message_id: "m2", retry: true },
    { type: "nack", message_id: "m3", retry: true },
  ]);
  // It was on its way when the gateway paused.
  processor.accept(message("m4"));
  processor.paused(["m1"], 4);
  assertEquals(reports.at(-1), { type: "nack", message_id: "m4", retry: true });
  processor.accept(message("m1", { sequence: 5, delivery: 2 }));
  processor.accept(message("m2", { sequence: 6, delivery: 2 }));
  assertEquals(deliverer.begun, ["m1", "m1"]);
  await deliverer.end("m1", unavailable);
  assertEquals(reports.at(-2), { type: "nack", message_id: "m1", retry: true, delay_ms: 200 });
});

Deno.test("processor waits as long as the target asks for, up to its own limit", async () => {
  const { deliverer, processor, reports } = start();
  processor.accept(message("m1"));
  await deliverer.end("m1", new DeliveryError("output_failed", "busy", { retryAfterSeconds: 0.3 }));
  processor.accept(message("m2", { webhook_id: "refunds" }));
  await deliverer.end("m2", new DeliveryError("output_failed", "busy", { retryAfterSeconds: 3600 }));
  assertEquals(reports.map((report) => report.type === "nack" && report.delay_ms), [300, 400]);
});

Deno.test("processor rejects what can never be delivered, and goes on with the next event", async () => {
  const { deliverer, processor, reports } = start();
  processor.accept(message("m1"));
  processor.accept(message("m2"));
  await deliverer.end("m1", new DeliveryError("output_rejected", "Destination x answered 404"));
  assertEquals(reports, [{
    type: "nack",
    message_id: "m1",
    retry: false,
    code: "output_rejected",
    error: "Destination x answered 404",
  }]);
  assertEquals(deliverer.begun, ["m1", "m2"]);
});

Deno.test("processor delivers nothing twice that comes again while it is held or after its delivery", async () => {
  const metrics = new Metrics();
  const { deliverer, processor, reports } = start({ metrics: new ConnectorMetrics(metrics) });
  processor.accept(message("m1"));
  processor.accept(message("m1", { delivery: 2 }));
  await deliverer.end("m1");
  processor.accept(message("m1", { delivery: 3 }));
  assertEquals(deliverer.begun, ["m1"]);
  assertEquals(reports, [{ type: "ack", message_id: "m1" }, { type: "ack", message_id: "m1" }]);
  assertStringIncludes(metrics.render(), "cwm_connector_duplicates_total 2\n");
  assertStringIncludes(metrics.render(), "cwm_connector_redelivered_total 2\n");
  assertStringIncludes(metrics.render(), "cwm_connector_delivered_total 1\n");
});

Deno.test("processor delivers an event again that was rejected and is replayed from the dead letters", async () => {
  const { deliverer, processor, reports } = start();
  processor.accept(message("m1"));
  await deliverer.end("m1", new DeliveryError("output_rejected", "not yet"));
  processor.accept(message("m1"));
  await deliverer.end("m1");
  assertEquals(deliverer.begun, ["m1", "m1"]);
  assertEquals(reports.at(-1), { type: "ack", message_id: "m1" });
});

Deno.test("processor repeats on a new connection what nobody knows whether it arrived", async () => {
  const { deliverer, processor, reports } = start({ rememberedReports: 2 });
  for (let n = 1; n <= 3; n++) processor.accept(message(`m${n}`, { webhook_id: `w${n}` }));
  for (let n = 1; n <= 3; n++) await deliverer.end(`m${n}`);
  processor.accept(message("m4", { webhook_id: "w4" }));
  await deliverer.end("m4", unavailable);
  reports.length = 0;
  processor.reconnected(true);
  assertEquals(reports, [
    { type: "ack", message_id: "m2" },
    { type: "ack", message_id: "m3" },
    { type: "nack", message_id: "m4", retry: true, delay_ms: 100 },
  ]);
});

Deno.test("processor gives back what waits when it drains, and waits for what is under way", async () => {
  const { deliverer, processor, reports } = start();
  processor.accept(message("m1"));
  processor.accept(message("m2"));
  let drained = false;
  const draining = processor.drain(10_000).then(() => drained = true);
  assertEquals(reports, [{ type: "nack", message_id: "m2", retry: true }]);
  processor.accept(message("m3"));
  assertEquals(reports.at(-1), { type: "nack", message_id: "m3", retry: true });
  assertEquals(drained, false);
  await deliverer.end("m1");
  await draining;
  await eventually(() => drained);
  assertEquals(reports.at(-1), { type: "ack", message_id: "m1" });
});
