import { assertEquals } from "@std/assert";
import { Health } from "../../../src/health/health.ts";
import { SecretMismatches } from "../../../src/health/secret_mismatches.ts";
import { Deadlines } from "../../../src/time/deadlines.ts";
import { eventually } from "../../support/eventually.ts";

const PATH = "shop/orders";

/** A webhook on a clock that the test moves, which lets requests in or refuses them. */
class World implements Disposable {
  readonly health = new Health();
  readonly #deadlines = new Deadlines();
  readonly #mismatches: SecretMismatches;
  admitted = 0;
  now = 0;

  constructor() {
    this.#mismatches = new SecretMismatches({
      health: this.health,
      deadlines: this.#deadlines,
      admitted: () => this.admitted,
      now: () => this.now,
    });
  }

  get isInTrouble(): boolean {
    return this.health.troublesOf({ part: "webhook", name: PATH }).length > 0;
  }

  /** Requests come evenly for a time. @param each what happens to one */
  pass(milliseconds: number, pauseMs: number, each: "admitted" | "refused"): void {
    for (const end = this.now + milliseconds; this.now < end; this.now += pauseMs) {
      if (each === "admitted") this.admitted++;
      else this.#mismatches.note(PATH);
    }
  }

  [Symbol.dispose](): void {
    this.#deadlines[Symbol.dispose]();
  }
}

Deno.test("a webhook that let requests in and refuses all of them has a secret that no longer matches", async () => {
  using world = new World();
  world.pass(60_000, 1_000, "admitted");
  world.pass(9_000, 1_000, "refused");
  assertEquals(world.isInTrouble, false);
  world.pass(2_000, 1_000, "refused");
  assertEquals(world.isInTrouble, true);
  world.admitted++;
  await eventually(() => assertEquals(world.isInTrouble, false));
});

Deno.test("a webhook that never let anybody in has no secret that matched", () => {
  using world = new World();
  world.pass(3_600_000, 1_000, "refused");
  assertEquals(world.isInTrouble, false);
});

Deno.test("strangers make no trouble of a webhook that lets others in meanwhile", () => {
  using world = new World();
  for (let turn = 0; turn < 100; turn++) {
    world.pass(1, 1, "admitted");
    world.pass(60_000, 10, "refused");
  }
  assertEquals(world.isInTrouble, false);
});

Deno.test("strangers make no trouble of a webhook that is silent no longer than usual", () => {
  using world = new World();
  world.pass(3_600_000, 300_000, "admitted");
  world.pass(600_000, 100, "refused");
  assertEquals(world.isInTrouble, false);
  world.pass(400_000, 100, "refused");
  assertEquals(world.isInTrouble, true);
});

Deno.test("a webhook with an event a day is in trouble after an hour of refusals, not after days", () => {
  using world = new World();
  world.pass(3 * 86_400_000, 86_400_000, "admitted");
  world.pass(3_500_000, 100_000, "refused");
  assertEquals(world.isInTrouble, false);
  world.pass(200_000, 100_000, "refused");
  assertEquals(world.isInTrouble, true);
});

Deno.test("a trouble is over with the next request that is let in, whatever comes after it", () => {
  using world = new World();
  world.pass(60_000, 1_000, "admitted");
  world.pass(20_000, 1_000, "refused");
  assertEquals(world.isInTrouble, true);
  world.admitted++;
  world.pass(1, 1, "refused");
  assertEquals(world.isInTrouble, false);
});
