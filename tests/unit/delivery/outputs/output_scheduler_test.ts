import { getLogger } from "@logtape/logtape";
import { assert, assertEquals } from "@std/assert";
import { Deadlines } from "../../../../src/time/deadlines.ts";
import { type BatchOutput, OutputScheduler } from "../../../../src/delivery/outputs/output_scheduler.ts";
import { DeliveryError } from "../../../../src/errors.ts";
import { eventually } from "../../../support/eventually.ts";
import { verifiedEvent } from "../../../support/verified_event.ts";

/** An output out of reach, left alone by its scheduler. */
class OutOfReach {
  probes = 0;
  readonly scheduler: OutputScheduler;

  constructor(deadlines: Deadlines, reason = new DeliveryError("output_unavailable")) {
    const output: BatchOutput = {
      connection: "main",
      maxBatch: 1,
      maxBatchBytes: Infinity,
      tryTakePlace: () => true,
      freePlace: () => {},
      attempt: () => [reason],
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

Deno.test("only what has the same key travels together, and every key has its turn", async () => {
  using deadlines = new Deadlines();
  const batches: string[][] = [];
  const output: BatchOutput = {
    connection: "main",
    maxBatch: 3,
    maxBatchBytes: Infinity,
    tryTakePlace: () => true,
    freePlace: () => {},
    attempt: (batch) => {
      batches.push(batch.map(({ config }) => String(config)));
      return batch.map(() => "delivered");
    },
    probe: () => Promise.resolve(),
  };
  const scheduler = new OutputScheduler(output, deadlines, getLogger(["cwm", "test", "scheduler"]));
  const source = (batchKey: string, name: string, count: number) => {
    const waiting = Array.from(
      { length: count },
      () => ({ event: verifiedEvent(), config: name, attempt: 1, end: () => {} }),
    );
    scheduler.offer({ batchKey, take: (limit) => waiting.splice(0, limit) });
  };
  source("orders", "a", 4);
  source("payments", "b", 2);
  source("orders", "c", 1);
  await eventually(() => assertEquals(batches.flat().length, 7));
  assertEquals(batches, [["a", "c", "a"], ["b", "b"], ["a", "a"]]);
});

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

Deno.test("an output that is left alone is probed at once where that is asked for, and by one probe", async () => {
  using deadlines = new Deadlines();
  const later = new DeliveryError("output_unavailable", undefined, { retryAfterSeconds: 3600 });
  const output = new OutOfReach(deadlines, later);
  const untouched = new OutOfReach(deadlines);
  await eventually(() => assert(output.scheduler.isPaused && untouched.scheduler.isPaused));
  output.scheduler.tryNow();
  output.scheduler.tryNow();
  assertEquals(output.probes, 1);
  // By then one without an hour's pause has been probed by itself.
  await eventually(() => assert(untouched.probes >= 1));
  assertEquals(output.probes, 1);
});

Deno.test("a probe that has outlasted its pause begins no other beside that of a later pause", async () => {
  using deadlines = new Deadlines();
  const probes: PromiseWithResolvers<void>[] = [];
  const output: BatchOutput = {
    connection: "main",
    maxBatch: 1,
    maxBatchBytes: Infinity,
    tryTakePlace: () => true,
    freePlace: () => {},
    attempt: () => [new DeliveryError("output_unavailable")],
    probe: () => {
      const probe = Promise.withResolvers<void>();
      probes.push(probe);
      return probe.promise;
    },
  };
  const scheduler = new OutputScheduler(output, deadlines, getLogger(["cwm", "test", "scheduler"]));
  const offer = () => {
    const waiting = [{ event: verifiedEvent(), config: {}, attempt: 1, end: () => {} }];
    scheduler.offer({ take: (limit) => waiting.splice(0, limit) });
  };
  offer();
  await eventually(() => assertEquals(probes.length, 1));
  // A delivery to somebody who waits has shown that the output is back, and the next one that it is gone again.
  scheduler.resume();
  offer();
  await eventually(() => assert(scheduler.isPaused));
  probes[0]!.reject(new DeliveryError("output_unavailable"));
  await eventually(() => assertEquals(probes.length, 2));
  await deadlines.wait(200);
  assertEquals(probes.length, 2);
  probes[1]!.resolve();
  await eventually(() => assert(!scheduler.isPaused));
});

/** Deadlines that never pass, and how long they were. */
class NotedDeadlines extends Deadlines {
  readonly lengths: number[] = [];

  override set(milliseconds: number): void {
    this.lengths.push(milliseconds);
  }
}

Deno.test("an output is left alone for as long as it asks for, five minutes at most", async () => {
  const pauses: Readonly<Record<number, number>> = { 2: 2_000, 33: 33_000, 300: 300_000, 86_400: 300_000 };
  for (const [asked, paused] of Object.entries(pauses)) {
    using deadlines = new NotedDeadlines();
    const reason = new DeliveryError("output_unavailable", undefined, { retryAfterSeconds: Number(asked) });
    const output = new OutOfReach(deadlines, reason);
    await eventually(() => assert(output.scheduler.isPaused));
    assertEquals(deadlines.lengths, [paused], asked);
    output.scheduler.close();
  }
});
