import { assertEquals, assertStringIncludes } from "@std/assert";
import { levenshteinDistance } from "@std/text/levenshtein-distance";
import { Health } from "../../../src/health/health.ts";
import { MissedWebhooks } from "../../../src/health/missed_webhooks.ts";
import { Deadlines } from "../../../src/time/deadlines.ts";
import { eventually } from "../../support/eventually.ts";

/** Some webhooks, and a clock that the test moves. */
class World implements Disposable {
  readonly health = new Health();
  readonly #deadlines = new Deadlines();
  readonly missed: MissedWebhooks;
  now = 0;

  constructor(paths: readonly string[] = []) {
    this.missed = new MissedWebhooks({
      health: this.health,
      deadlines: this.#deadlines,
      paths: () => paths,
      distance: levenshteinDistance,
      now: () => this.now,
    });
  }

  get troubles(): readonly string[] {
    return this.health.troubles().map(({ name, kind, count }) => `${name} ${kind} ${count}`);
  }

  causeOf(name: string): string {
    return this.health.troublesOf({ part: "webhook", name })[0]?.cause ?? "";
  }

  [Symbol.dispose](): void {
    this.missed[Symbol.dispose]();
    this.#deadlines[Symbol.dispose]();
  }
}

Deno.test("a webhook that requests come for and that is not there is a trouble with the nearest one", async () => {
  using world = new World(["shop/refunds", "shop/orders", "other/ordres2"]);
  world.missed.note("shop/ordres");
  world.missed.note("shop/nothing-like-it");
  assertEquals(world.troubles, ["shop/ordres missing 1", "shop/nothing-like-it missing 1"]);
  await eventually(() => assertStringIncludes(world.causeOf("shop/ordres"), "the nearest is shop/orders."));
  assertEquals(world.causeOf("shop/nothing-like-it").includes("nearest"), false);
});

Deno.test("further requests are counted, and five minutes after the last one it is over", async () => {
  using world = new World();
  for (let count = 0; count < 3; count++) world.missed.note("shop/ordres");
  await eventually(() => assertEquals(world.troubles, ["shop/ordres missing 3"]));
  world.now = 299_999;
  world.missed.note("shop/ordres");
  world.now = 599_998;
  await eventually(() => assertEquals(world.troubles, ["shop/ordres missing 4"]));
  world.now = 600_000;
  await eventually(() => assertEquals(world.troubles, []));
});

Deno.test("a webhook that was removed is missing since a revision, until it is configured again", () => {
  using world = new World();
  world.missed.removed("shop/orders", "42");
  world.missed.note("shop/orders");
  assertStringIncludes(world.causeOf("shop/orders"), "404, since it was removed at revision 42. Mend");
  world.missed.found("shop/orders");
  world.missed.note("shop/orders");
  assertStringIncludes(world.causeOf("shop/orders"), "there is no such webhook");
  for (let number = 0; number < 1_001; number++) world.missed.removed(`shop/${number}`, "43");
  for (const [number, isKnown] of [[0, false], [1_000, true]] as const) {
    world.missed.note(`shop/${number}`);
    assertEquals(world.causeOf(`shop/${number}`).includes("revision 43"), isKnown);
  }
});

Deno.test("a webhook that is configured at last is missing no more", () => {
  using world = new World();
  world.missed.note("shop/orders");
  world.missed.found("shop/orders");
  assertEquals(world.troubles, []);
});

Deno.test("of the names that strangers try, the last hundred are kept", () => {
  using world = new World();
  world.missed.note("shop/asked-again");
  for (let number = 0; number < 500; number++) {
    world.missed.note(`shop/guess-${number}`);
    if (number % 50 === 0) world.missed.note("shop/asked-again");
  }
  assertEquals(world.troubles.length, 100);
  assertEquals(world.causeOf("shop/asked-again") === "", false);
});
