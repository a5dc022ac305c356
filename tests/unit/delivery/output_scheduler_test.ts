import { getLogger } from "@logtape/logtape";
import { assert, assertEquals } from "@std/assert";
import { Deadlines } from "../../../src/deadlines.ts";
import { type BatchOutput, OutputScheduler } from "../../../src/delivery/output_scheduler.ts";
import { DeliveryError } from "../../../src/errors.ts";
import { eventually } from "../../support/eventually.ts";
import { verifiedEvent } from "../../support/verified_event.ts";

/** An output out of reach, left alone by its scheduler. */
class OutOfReach {
  probes = 0;
  readonly scheduler: OutputScheduler;

  constructor(deadlines: Deadlines) {
    const output: BatchOutput = {
      connection: "main",
      maxBatch: 1,
      tryTakePlace: () => true,
      freePlace: () => {},
      attempt: () => [new DeliveryError("output_unavailable")],
      probe: () => {
        this.probes++;
        return Promise.reject(new DeliveryError("output_unavailable"));
      },
    };
    this.scheduler = new OutputScheduler(output, deadlines, getLogger(["cwm", "test", "scheduler"]));
    const waiting = [{ event: verifiedEvent(), config: {}, attempt: 1, end: () => {} }];
    this.scheduler.offer({ take: (limit) => waiting.splice(0, limit) });
  }
}

Deno.test("an output that is closed while it is out of reach is not probed any more", async () => {
  using deadlines = new Deadlines();
  const open = new OutOfReach(deadlines);
  const closed = new OutOfReach(deadlines);
  await eventually(() => assert(open.scheduler.isPaused && closed.scheduler.isPaused));
  closed.scheduler.close();
  // By then the other one would have been probed too.
  await eventually(() => assert(open.probes >= 2));
  assertEquals(closed.probes, 0);
});
