import { getLogger } from "@logtape/logtape";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { Deadlines } from "../../../../src/time/deadlines.ts";
import { EventMetrics } from "../../../../src/delivery/event_metrics.ts";
import type { Claimed, ClaimLimit, Journal, LaneKey, Settlement } from "../../../../src/journal/journal.ts";
import { Dispatcher } from "../../../../src/delivery/durable/dispatcher.ts";
import { claimAll } from "../../../contracts/journal.ts";
import { Lane } from "../../../../src/delivery/durable/lane.ts";
import { MemoryBudget } from "../../../../src/delivery/durable/memory_budget.ts";
import { OutputScheduler } from "../../../../src/delivery/outputs/output_scheduler.ts";
import type { DeliveryRoute } from "../../../../src/delivery/route.ts";
import { OutcomeRecorder } from "../../../../src/delivery/durable/outcome_recorder.ts";
import { DeliveryError, GatewayError } from "../../../../src/errors.ts";
import type { Delivery, DeliveryResult } from "../../../../src/modules/module.ts";
import { Metrics } from "../../../../src/observability/metrics.ts";
import { durableRoute } from "../../../support/durable_route.ts";
import { eventually } from "../../../support/eventually.ts";
import { noStops } from "../../../support/no_stops.ts";
import { MortalJournal } from "../../../support/journal/mortal_journal.ts";
import { JournalDirectory } from "../../../support/journal/sqlite_journal.ts";
import { verifiedEvent } from "../../../support/verified_event.ts";
import { append, reported } from "../../../support/journal/append.ts";
import { patience } from "../../../support/patience.ts";

const logger = getLogger(["cwm", "test", "lane"]);

/** A journal that takes no event back until it is told to. */
class HeldJournal extends MortalJournal {
  readonly #mayReturn = Promise.withResolvers<void>();
  held = 0;

  letReturn(): void {
    this.#mayReturn.resolve();
  }

  override async settle(settlement: Settlement): Promise<void> {
    if (settlement.state === "retry") {
      this.held++;
      await this.#mayReturn.promise;
    }
    return await super.settle(settlement);
  }
}

function routeTo(
  results: DeliveryResult[],
  deadlines: Deadlines,
  onAttempt: (batch: readonly Delivery[]) => void = () => {},
): DeliveryRoute {
  const scheduler = new OutputScheduler(
    {
      connection: "probe",
      maxBatch: 1,
      maxBatchBytes: Infinity,
      tryTakePlace: () => true,
      freePlace: () => {},
      attempt: (batch) => {
        onAttempt(batch);
        return [results.shift() ?? "delivered"];
      },
      probe: () => Promise.resolve(),
    },
    deadlines,
    logger,
  );
  const output = {
    name: "probe",
    connection: "probe",
    scheduler,
    deliver: () => "delivered" as const,
    release: () => {},
  };
  const retry = { maxAttempts: 5, initialDelayMs: 0, maxDelayMs: 0 };
  return durableRoute({ steps: [{ name: "0 probe", output, config: {}, ordered: false, retry }] });
}

/** A lane whose events go where `lookUp` says. */
function laneOf(
  journal: Journal,
  deadlines: Deadlines,
  lookUp: () => DeliveryRoute,
  { webhook = "orders", budget = new MemoryBudget(1024 * 1024), knowsJournal = true } = {},
): Lane {
  const metrics = new EventMetrics(new Metrics(), () => journal.stats());
  return new Lane({ namespace: "default", webhook }, {
    journal,
    recorder: new OutcomeRecorder({ journal, deadlines, metrics, logger }),
    metrics,
    budget,
    deadlines,
    stops: noStops(deadlines),
    lookUp,
    knowsJournal,
    now: Date.now,
    random: () => 0,
  }, { events: 0 });
}

Deno.test("an event whose lane fails is refused, and the others of its commit are answered", async () => {
  await using directory = await JournalDirectory.create();
  using deadlines = new Deadlines();
  const journal = await directory.open();
  const route = routeTo([], deadlines);
  let routes = 0;
  const broken: DeliveryRoute = {
    ...route,
    get execution(): DeliveryRoute["execution"] {
      routes++;
      throw new TypeError("A bug");
    },
  };
  const accept = (lane: Lane) =>
    reported((listener) =>
      lane.accept(verifiedEvent({ webhook: lane.name.webhook }), 10, undefined, listener)
    );
  const first = accept(laneOf(journal, deadlines, () => broken, { webhook: "broken" }));
  const second = accept(laneOf(journal, deadlines, () => route));
  const error = await assertRejects(() => first, GatewayError);
  assertEquals([error.code, (error.cause as Error).message, routes], ["internal_error", "A bug", 1]);
  assert("sequence" in await second);
  await eventually(() => assertEquals(journal.stats().pending, 1));
});

Deno.test("events that come before the journal was read are delivered behind those that it holds", async () => {
  await using directory = await JournalDirectory.create();
  using deadlines = new Deadlines();
  const journal = await directory.open();
  const earlier = verifiedEvent();
  await append(journal, earlier, { claim: false });
  const delivered: string[] = [];
  const route = routeTo([], deadlines, (batch) => delivered.push(...batch.map(({ event }) => event.id)));
  const lane = laneOf(journal, deadlines, () => route, { knowsJournal: false });
  const later = verifiedEvent();
  await reported((listener) => lane.accept(later, 10, undefined, listener));
  await eventually(() => assertEquals(delivered, [earlier.id, later.id]));
});

Deno.test("a lane knows of an event that is on its way back into the journal, and is not forgotten", async () => {
  await using directory = await JournalDirectory.create();
  using deadlines = new Deadlines();
  const journal = new HeldJournal(await directory.open());
  const route = routeTo([new DeliveryError("output_failed")], deadlines);
  const lane = laneOf(journal, deadlines, () => route);
  await reported((listener) => lane.accept(verifiedEvent(), 10, undefined, listener));
  await eventually(() => assertEquals(journal.held, 1));
  assert(lane.knowsOfWork);
  journal.letReturn();
  await eventually(() =>
    assertEquals([lane.knowsOfWork, lane.pending, journal.stats().pending], [false, 0, 0])
  );
});

Deno.test("a lane never counts fewer events than it has, also when some are replayed while it is busy", async () => {
  await using directory = await JournalDirectory.create();
  using deadlines = new Deadlines();
  const journal = new HeldJournal(await directory.open());
  const route = routeTo([new DeliveryError("output_failed")], deadlines);
  const lane = laneOf(journal, deadlines, () => route);
  await reported((listener) => lane.accept(verifiedEvent(), 10, undefined, listener));
  await eventually(() => assertEquals(journal.held, 1));
  // Past the lane, as the replay of a dead letter does.
  for (const id of ["replayed-1", "replayed-2"]) {
    await append(journal, verifiedEvent({ id }), { claim: false });
  }
  lane.recover(3);
  await eventually(() => assertEquals(journal.stats().pending, 1));
  journal.letReturn();
  await eventually(() =>
    assertEquals([lane.knowsOfWork, lane.pending, journal.stats().pending], [false, 0, 0])
  );
});

Deno.test("five full lanes that do not move leave memory to a sixth", async () => {
  await using directory = await JournalDirectory.create();
  using deadlines = new Deadlines();
  const journal = await directory.open();
  const budget = new MemoryBudget(110_000);
  const route = { ...routeTo([], deadlines), concurrency: 0 };
  const event = () => verifiedEvent({ id: crypto.randomUUID(), body: "x".repeat(500) });
  for (const webhook of ["one", "two", "three", "four", "five"]) {
    const lane = laneOf(journal, deadlines, () => route, { webhook, budget });
    const arriving = Array.from(
      { length: 200 },
      () => reported((listener) => lane.accept(event(), Infinity, undefined, listener)),
    );
    await Promise.all(arriving);
  }
  // Each takes half of what is left, to within one body.
  assert(budget.free > 2_000, `${budget.free} bytes are left`);
});

/** A journal whose claims wait until they may go on. */
class SlowJournal extends MortalJournal {
  readonly #mayClaim = Promise.withResolvers<void>();
  asked = 0;

  letClaim(): void {
    this.#mayClaim.resolve();
  }

  override async claim(lane: LaneKey, limit: ClaimLimit): Promise<Claimed> {
    this.asked++;
    await this.#mayClaim.promise;
    return await super.claim(lane, limit);
  }
}

Deno.test("what is claimed while a gateway drains is given back without an attempt", async () => {
  await using directory = await JournalDirectory.create();
  using deadlines = new Deadlines();
  const journal = new SlowJournal(await directory.open());
  await append(journal, verifiedEvent(), { claim: false });
  const route = routeTo([], deadlines);
  const dispatcher = new Dispatcher({
    journal,
    lookUp: () => route,
    deadlines,
    stops: noStops(deadlines),
    metrics: new EventMetrics(new Metrics(), () => journal.stats()),
    logger,
  });
  await dispatcher.start();
  await eventually(() => assertEquals(journal.asked, 1));
  const drained = dispatcher.drain(patience(60_000));
  // More than one look of the drain at what is under way.
  await deadlines.wait(100);
  journal.letClaim();
  assertEquals(await drained, true);
  await journal[Symbol.asyncDispose]();
  const { events } = await claimAll(await directory.open());
  assertEquals(events.map(({ attempts }) => attempts), [1]);
});
