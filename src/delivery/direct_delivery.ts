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
import type { DeliveryRoute, DirectResult, RouteStep } from "./route.ts";
import type { StepChoice } from "../filters/routing.ts";

/** Takes an event through its route. Answers without a promise where a single output did. Never rejects. */
export function deliverDirectly(
  route: DeliveryRoute,
  event: VerifiedEvent,
  deadlines: Deadlines,
): DirectResult | Promise<DirectResult> {
  const { routing } = route;
  if (routing === undefined || routing.takesAll(event)) {
    return deliverThrough(route, route.steps, event, deadlines);
  }
  const choices = routing.choose(event);
  return choices instanceof Promise
    ? choices.then((chosen) => deliverChosen(route, chosen, event, deadlines))
    : deliverChosen(route, choices, event, deadlines);
}

function deliverChosen(
  route: DeliveryRoute,
  choices: readonly StepChoice[],
  event: VerifiedEvent,
  deadlines: Deadlines,
): DirectResult | Promise<DirectResult> {
  const steps: RouteStep[] = [];
  for (let index = 0; index < choices.length; index++) {
    const choice = choices[index]!;
    // The sender sends it again, to all of them: nothing is begun that would be delivered twice.
    if (choice instanceof DeliveryError) return choice;
    if (choice === "take") steps.push(route.steps[index]!);
  }
  return steps.length === 0 ? "filtered" : deliverThrough(route, steps, event, deadlines);
}

function deliverThrough(
  route: DeliveryRoute,
  steps: readonly RouteStep[],
  event: VerifiedEvent,
  deadlines: Deadlines,
): DeliveryResult | Promise<DeliveryResult> {
  const only = steps[0];
  if (only !== undefined && steps.length === 1) return deliverTo(only, event);
  const chain = route.execution === "parallel"
    ? inParallel(route, steps, event)
    : inSequence(route, steps, event);
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

/** @param mostMs left out: as long as the output may take */
function deliverTo(
  step: RouteStep,
  event: VerifiedEvent,
  mostMs?: number,
): DeliveryResult | Promise<DeliveryResult> {
  if (step.payload === undefined) return step.output.deliver(event, step.config, step.retry, mostMs);
  const reshaped = step.payload.reshape(event);
  return reshaped instanceof Promise
    ? reshaped.then((made) => deliverReshaped(step, made, mostMs))
    : deliverReshaped(step, reshaped, mostMs);
}

function deliverReshaped(
  { output, config, retry }: RouteStep,
  reshaped: VerifiedEvent | DeliveryError,
  mostMs?: number,
): DeliveryResult | Promise<DeliveryResult> {
  return reshaped instanceof DeliveryError ? reshaped : output.deliver(reshaped, config, retry, mostMs);
}

async function inSequence(
  route: DeliveryRoute,
  steps: readonly RouteStep[],
  event: VerifiedEvent,
): Promise<DeliveryResult> {
  const startedAt = performance.now();
  let failure: DeliveryError | undefined;
  for (const step of steps) {
    const leftMs = route.timeoutMs - (performance.now() - startedAt);
    if (leftMs < 0) break; // The sender has had that answer.
    const result = await deliverTo(step, event, leftMs);
    if (result === "delivered") continue;
    failure ??= result;
    if (!route.continueOnError) break;
  }
  return failure ?? "delivered";
}

async function inParallel(
  route: DeliveryRoute,
  steps: readonly RouteStep[],
  event: VerifiedEvent,
): Promise<DeliveryResult> {
  const results = await Promise.all(steps.map((step) => deliverTo(step, event, route.timeoutMs)));
  return results.find((result) => result !== "delivered") ?? "delivered";
}
