import { assertEquals, assertRejects } from "@std/assert";
import { ModuleDeliverer } from "../../../../src/connector/deliverers/module.ts";
import { Metrics } from "../../../../src/observability/metrics.ts";
import { TempDir } from "../../../support/temp_dir.ts";
import { verifiedEvent } from "../../../support/verified_event.ts";
import { patience } from "../../../support/patience.ts";

function start(directory: TempDir, signal: AbortSignal): Promise<ModuleDeliverer> {
  return ModuleDeliverer.start({
    delivery: {
      mode: "module",
      webhooks: directory.file("webhooks.json"),
      connections: directory.file("connections.json"),
      namespace: undefined,
    },
    environment: {},
    lines: { write: () => Promise.resolve(), [Symbol.asyncDispose]: () => Promise.resolve() },
    metrics: new Metrics(),
  }, signal);
}

Deno.test("a connector waits for a webhooks file that is missing or broken, and refuses no event", async () => {
  await using directory = await TempDir.create();
  const impatient = () => start(directory, AbortSignal.timeout(250));
  await assertRejects(impatient, DOMException, "aborted due to timeout");
  await directory.writeText("webhooks.json", "{");
  await assertRejects(impatient, DOMException, "aborted due to timeout");

  const waiting = start(directory, patience(20_000));
  await directory.writeJson("webhooks.json", { orders: { module: "log" } });
  await using deliverer = await waiting;
  assertEquals(await deliverer.deliver(verifiedEvent()), "delivered");
});
