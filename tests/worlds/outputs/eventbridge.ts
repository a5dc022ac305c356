import type { OutputWorld } from "../../contracts/output.ts";
import { makeBus } from "../../support/aws/record_desks.ts";
import { setUpRecords } from "../../support/aws/record_world.ts";

/** Buses of a moto that all tests share, each with a rule that has everything in a queue. */
export const world: OutputWorld = {
  exceptions: {
    mebibyte: "EventBridge takes no event of this size",
    silence: "moto may take longer than half a second for an event that has rules",
    partialFailure: "No configuration of a webhook has EventBridge refuse one event of a batch",
  },
  setUp: () =>
    setUpRecords({
      make: makeBus,
      config: (event_bus) => ({ event_bus }),
      failures: () => [],
    }),
};
