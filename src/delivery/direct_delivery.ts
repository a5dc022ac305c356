/**
 * Delivery while the sender waits: through the whole route, without the journal. A failure is the sender's to
 * repeat, so nothing is remembered of the steps that succeeded.
 *
 * @module
 */

import type { VerifiedEvent } from "../event/verified_event.ts";
import { type Deadlines, Timer } from "../time/deadlines.ts";
import { DeliveryError } from "../errors.ts";
import type { DeliveryResult } from "../modules/module.ts";
import type { DeliveryRoute } from "./route.ts";

/** Takes an event through its route. Answers without a promise where a single output did. Never rejects. */
export function deliverDirectly(
  route: DeliveryRoute,
  event: VerifiedEvent,
  deadlines: Deadlines,
): DeliveryResult | Promise<DeliveryResult> {
  const only = route.steps[0];
  if (only !== undefined && route.steps.length === 1) {
    return only.output.deliver(event, only.config, only.retry);
  }
  const chain = route.execution === "parallel" ? inParallel(route, event) : inSequence(route, event);
  const { promise, resolve } = Promise.withResolvers<DeliveryResult>();
  // Its steps end by themselves then. The answer does not wait for outputs that take their time to stop.
  const deadline = new Timer(() =>
    resolve(new DeliveryError("output_timeout", "The chain took longer than its timeout"))
  );
  deadlines.set(route.timeoutMs, deadline);
  chain.then((result) => {
    deadlines.clear(deadline);
    resolve(result);
  });
  return promise;
}

async function inSequence(route: DeliveryRoute, event: VerifiedEvent): Promise<DeliveryResult> {
  const startedAt = performance.now();
  let failure: DeliveryError | undefined;
  for (const { output, config, retry } of route.steps) {
    const leftMs = route.timeoutMs - (performance.now() - startedAt);
    if (leftMs < 0) break; // The sender has had that answer.
    const result = await output.deliver(event, config, retry, leftMs);
    if (result === "delivered") continue;
    failure ??= result;
    if (!route.continueOnError) break;
  }
  return failure ?? "delivered";
}

async function inParallel(route: DeliveryRoute, event: VerifiedEvent): Promise<DeliveryResult> {
  const results = await Promise.all(
    route.steps.map(({ output, config, retry }) => output.deliver(event, config, retry, route.timeoutMs)),
  );
  return results.find((result) => result !== "delivered") ?? "delivered";
}
