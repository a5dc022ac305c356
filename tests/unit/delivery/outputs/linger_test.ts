import { assertEquals } from "@std/assert";
import { getLogger } from "@logtape/logtape";
import {
  type GatheredDelivery,
  Gatherer,
  type GatheringOutput,
} from "../../../../src/delivery/outputs/gatherer.ts";
import { Linger } from "../../../../src/delivery/outputs/linger.ts";
import { OutputScheduler } from "../../../../src/delivery/outputs/output_scheduler.ts";
import type { DeliveryResult } from "../../../../src/modules/module.ts";
import { Deadlines } from "../../../../src/time/deadlines.ts";
import { eventually } from "../../../support/eventually.ts";
import { verifiedEvent } from "../../../support/verified_event.ts";

const HOUR_MS = 3_600_000;

Deno.test("a wait begins with what comes first, and is said once to be over", async () => {
  let calls = 0;
  const linger = new Linger(1, () => calls++);
  assertEquals(linger.isOver(), true);
  linger.begin();
  linger.isOver();
  linger.isOver();
  await eventually(() => assertEquals([linger.isOver(), calls], [true, 1]));
  linger.end();
  assertEquals(linger.isOver(), true);
});

Deno.test("nothing waits where no time is given", () => {
  const linger = new Linger(0, () => {});
  linger.begin();
  assertEquals(linger.isOver(), true);
});

/** An output that takes what it is given, and keeps the sizes of its batches. */
class Taking implements GatheringOutput {
  readonly sizes: number[] = [];
  readonly maxBatch = 3;
  readonly maxBatchBytes = Infinity;
  readonly maxBatches = 1;

  readonly awaited: boolean[] = [];

  constructor(readonly lingerMs: number) {}

  tryTakePlace(): boolean {
    return true;
  }

  attempt(...[batch, , settle]: Parameters<GatheringOutput["attempt"]>): readonly DeliveryResult[] {
    this.sizes.push(batch.length);
    for (const index of batch.keys()) this.awaited.push(settle(index, "delivered"));
    return batch.map(() => "delivered");
  }
}

class Waiting implements GatheredDelivery {
  readonly delivery = { event: verifiedEvent(), config: {} };
  readonly number = 1;
  results = 0;

  get ended(): boolean {
    return this.results > 0;
  }

  end(): void {
    if (!this.ended) this.results++;
  }
}

Deno.test("deliveries wait for others until their batch is full", async () => {
  const output = new Taking(HOUR_MS);
  const gatherer = new Gatherer(output);
  const waiting = Array.from({ length: 3 }, () => new Waiting());
  gatherer.add(waiting[0]!, "");
  gatherer.add(waiting[1]!, "");
  gatherer.pump();
  assertEquals([output.sizes, gatherer.waiting], [[], 2]);
  gatherer.add(waiting[2]!, "");
  await eventually(() => assertEquals(output.sizes, [3]));
});

Deno.test("deliveries that do not fill a batch go when the wait is over", async () => {
  const output = new Taking(1);
  const gatherer = new Gatherer(output);
  gatherer.add(new Waiting(), "");
  await eventually(() => assertEquals([output.sizes, gatherer.waiting], [[1], 0]));
});

Deno.test("a result that is known early goes to its sender, and the output learns whether one waited", async () => {
  const output = new Taking(0);
  const gatherer = new Gatherer(output);
  const [gone, waiting] = [new Waiting(), new Waiting()];
  gatherer.add(gone, "");
  gatherer.add(waiting, "");
  gone.end();
  await eventually(() => assertEquals(output.awaited, [false, true]));
  assertEquals([gone.results, waiting.results], [1, 1]);
});

Deno.test("events of the journal wait for others, too", async () => {
  using deadlines = new Deadlines();
  const sizes: number[] = [];
  const scheduler = (lingerMs: number) => {
    const output = {
      connection: "main",
      maxBatch: 3,
      maxBatchBytes: Infinity,
      lingerMs,
      tryTakePlace: () => true,
      freePlace: () => {},
      attempt: (batch: readonly unknown[]) => {
        sizes.push(batch.length);
        return batch.map(() => "delivered" as const);
      },
      probe: () => Promise.resolve(),
    };
    const created = new OutputScheduler(output, deadlines, getLogger(["cwm", "test", "scheduler"]));
    const waiting = [{ event: verifiedEvent(), config: {}, attempt: 1, end: () => {} }];
    created.offer({ take: (limit) => waiting.splice(0, limit) });
    return created;
  };
  const patient = scheduler(HOUR_MS);
  patient.pump();
  scheduler(1);
  await eventually(() => assertEquals(sizes, [1]));
  patient.close();
});
