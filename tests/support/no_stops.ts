import { getLogger } from "@logtape/logtape";
import { Stops } from "../../src/delivery/stops/stops.ts";
import { Health } from "../../src/health/health.ts";
import type { Deadlines } from "../../src/time/deadlines.ts";

/** No webhook is stopped, and none is ever switched off. */
export function noStops(deadlines: Deadlines): Stops {
  const stops = new Stops({
    store: {
      list: () => Promise.resolve([]),
      put: () => Promise.resolve(),
      remove: () => Promise.resolve(false),
    },
    deadlines,
    health: new Health(),
    logger: getLogger(["cwm", "test", "stops"]),
    policyOf: () => undefined,
  });
  stops.startEmpty();
  return stops;
}
