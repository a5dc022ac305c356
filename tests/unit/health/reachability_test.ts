import { assertEquals } from "@std/assert";
import { DeliveryError } from "../../../src/errors.ts";
import { Health } from "../../../src/health/health.ts";
import { Reachability } from "../../../src/health/reachability.ts";
import { Deadlines } from "../../../src/time/deadlines.ts";
import { eventually } from "../../support/eventually.ts";

const DOWN = new DeliveryError("output_unavailable", "Redis cannot be reached: ECONNREFUSED");
const LATE = new DeliveryError("output_timeout", "Redis did not answer in time");

/** An output on a clock that the test moves, and how often its system was asked whether it is back. */
class World implements Disposable {
  readonly health = new Health();
  readonly #deadlines = new Deadlines();
  readonly output: Reachability;
  now = 0;
  isBack = false;
  probes = 0;

  constructor() {
    this.output = new Reachability({
      subject: { part: "output", name: "redis_publish redis_main" },
      health: this.health,
      deadlines: this.#deadlines,
      place: "connection 'redis_main'",
      pauses: { initialMs: 10, maxMs: 50 },
      now: () => this.now,
      probe: () => this.#probe(),
    });
  }

  get causes(): readonly string[] {
    return this.health.troubles().map(({ cause }) => cause);
  }

  failFor(milliseconds: number, failure = DOWN): void {
    for (const end = this.now + milliseconds; this.now <= end; this.now += 250) this.output.failed(failure);
  }

  /** Resolves when the time of as many pauses and more has passed. */
  async pausesPass(): Promise<void> {
    await this.#deadlines.wait(200);
  }

  #probe(): Promise<void> {
    this.probes++;
    return this.isBack ? Promise.resolve() : Promise.reject(DOWN);
  }

  [Symbol.dispose](): void {
    this.output[Symbol.dispose]();
    this.#deadlines[Symbol.dispose]();
  }
}

Deno.test("an output is down after failures in a row that have gone on for a second", () => {
  using world = new World();
  world.failFor(750);
  assertEquals(world.causes, []);
  world.output.failed(DOWN);
  assertEquals(world.causes, ["Redis cannot be reached: ECONNREFUSED. Look at connection 'redis_main'"]);
  world.output.failed(LATE);
  assertEquals(world.causes, ["Redis did not answer in time. Look at connection 'redis_main'"]);
  world.output.answered();
  assertEquals(world.causes, []);
});

Deno.test("an output that answers now and then is not down, however many calls fail", () => {
  using world = new World();
  for (let turn = 0; turn < 20; turn++) {
    world.failFor(500, LATE);
    world.output.answered();
  }
  assertEquals(world.causes, []);
});

Deno.test("an output that nobody delivers to any more is back when its system answers a probe", async () => {
  using world = new World();
  world.failFor(1_000);
  await eventually(() => assertEquals(world.probes >= 2, true));
  assertEquals(world.causes.length, 1);
  world.isBack = true;
  await eventually(() => assertEquals(world.causes, []));
  const { probes } = world;
  await world.pausesPass();
  assertEquals(world.probes, probes);
});

Deno.test("a probe does not bring an output back that answers and takes nothing in time", async () => {
  using world = new World();
  world.isBack = true;
  world.failFor(1_000, LATE);
  await world.pausesPass();
  assertEquals([world.causes.length, world.probes > 0], [1, true]);
  world.output.answered();
  assertEquals(world.causes, []);
});

Deno.test("an output whose system does not answer probes either is down, though few deliver to it", async () => {
  using world = new World();
  world.output.failed(DOWN);
  await eventually(() => assertEquals(world.probes >= 2, true));
  assertEquals(world.causes, []);
  world.now += 1_000;
  await eventually(() => assertEquals(world.causes.length, 1));
});

Deno.test("an output that is closed has no troubles, and gets none from calls that end later", () => {
  using world = new World();
  const changes: string[] = [];
  world.health.subscribe((change) => changes.push(change));
  world.failFor(1_000);
  world.output[Symbol.dispose]();
  world.output.failed(DOWN);
  assertEquals([world.causes, changes], [[], ["began", "removed"]]);
});
