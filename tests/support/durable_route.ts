import type { DeliveryRoute } from "../../src/delivery/route.ts";

/** The route of a durable webhook without bounds, whose steps and whatever else matters are given. */
export function durableRoute(
  { steps, ...given }: Pick<DeliveryRoute, "steps"> & Partial<DeliveryRoute>,
): DeliveryRoute {
  return {
    path: "default/orders",
    acceptance: "durable",
    steps,
    execution: "sequential",
    continueOnError: true,
    timeoutMs: 30_000,
    concurrency: Infinity,
    queue: Infinity,
    pacer: undefined,
    gate: undefined,
    idempotency: undefined,
    enter: () => {},
    leave: () => {},
    ...given,
  };
}
