import { assertEquals } from "@std/assert";
import type { HealthChange } from "../../../src/health/health.ts";
import type { Trouble } from "../../../src/health/trouble.ts";
import { Changes, type Group } from "../../../src/notices/changes.ts";
import { compileNotify } from "../../../src/notices/settings.ts";

const STARTED_AT = 1_000_000;
const SETTINGS = compileNotify(undefined);

/** Changes on a clock that the test moves. */
class World {
  readonly changes = new Changes(STARTED_AT);
  now = 0;
  settings = SETTINGS;
  own = "";
  nextInMs: number | undefined;

  note(change: HealthChange, name = "redis", more: Partial<Trouble> = {}): boolean {
    return this.changes.note(change, {
      part: "output",
      name,
      kind: "unreachable",
      state: "down",
      since: STARTED_AT + 1,
      cause: "It cannot be reached",
      ...more,
    });
  }

  /** Everything that is due, in the order in which it is said: what, of whom, and how many more. */
  said(): string[] {
    const said: string[] = [];
    while (true) {
      const { group, nextInMs } = this.changes.take(this.settings, ({ name }) => name === this.own, this.now);
      this.nextInMs = nextInMs;
      if (group === undefined) return said;
      said.push(textOf(group));
    }
  }
}

function textOf({ kind, isOver, items, more }: Group): string {
  const names = items.map(({ name, state, count, changes }) =>
    [name, state, ...(count === undefined ? [] : [count]), ...(changes === undefined ? [] : [`x${changes}`])]
      .join(" ")
  );
  return `${kind} ${isOver ? "over" : "began"}: ${names.join(", ")}${more === 0 ? "" : ` and ${more} more`}`;
}

Deno.test("what begins and what is over are said once each", () => {
  const world = new World();
  world.note("began");
  assertEquals(world.said(), ["output began: redis down"]);
  assertEquals(world.said(), []);
  world.note("ended");
  assertEquals(world.said(), ["output over: redis well"]);
  assertEquals([world.said(), world.nextInMs], [[], undefined]);
});

Deno.test("what is over before it is said was never there", () => {
  const world = new World();
  world.note("began");
  world.note("ended");
  assertEquals(world.said(), []);
});

Deno.test("what goes and comes back all the time is said twice in the time of 'every'", () => {
  const world = new World();
  const said: string[] = [];
  for (let second = 0; second < 600; second++) {
    world.now = second * 1000;
    world.note(second % 2 === 0 ? "began" : "ended");
    said.push(...world.said().map((text) => `${second} ${text}`));
  }
  assertEquals(said, [
    "0 output began: redis down",
    "1 output over: redis well",
    "300 output began: redis down x299",
    "301 output over: redis well",
  ]);
});

Deno.test("the last word is true: what came too soon is said when its time has come", () => {
  const world = new World();
  for (const change of ["began", "ended", "began"] as const) {
    world.note(change);
    world.said();
  }
  assertEquals([world.said(), world.nextInMs], [[], 300_000]);
  world.now = 299_000;
  assertEquals([world.said(), world.nextInMs], [[], 1_000]);
  world.now = 300_000;
  assertEquals(world.said(), ["output began: redis down"]);
});

Deno.test("things that change together are in one notice of each type, ten by name", () => {
  const world = new World();
  for (let number = 1; number <= 47; number++) world.note("began", `output_${number}`);
  world.note("began", "default/orders", { part: "webhook", kind: "secret_mismatch" });
  const names = Array.from({ length: 10 }, (_, index) => `output_${index + 1} down`).join(", ");
  assertEquals(world.said(), [`output began: ${names} and 37 more`, "secret began: default/orders down"]);
});

Deno.test("a webhook that gets more dead letters is said again, not before its time has come", () => {
  const world = new World();
  const letters = (count: number) =>
    ({ part: "webhook", kind: "dead_letters", state: "impaired", count }) as const;
  world.note("began", "default/orders", letters(1));
  assertEquals(world.said(), ["dead_letters began: default/orders impaired 1"]);
  for (let count = 2; count <= 500; count++) world.note("continued", "default/orders", letters(count));
  assertEquals(world.said(), []);
  world.now = 300_000;
  assertEquals(world.said(), ["dead_letters began: default/orders impaired 500"]);
  world.note("continued", "default/orders", letters(400));
  world.now = 600_000;
  assertEquals(world.said(), []);
  world.note("ended", "default/orders", letters(400));
  assertEquals(world.said(), ["dead_letters over: default/orders well 400"]);
});

Deno.test("what was wrong before the start is no news, but that it is over is", () => {
  const world = new World();
  const before = { part: "webhook", kind: "dead_letters", since: STARTED_AT - 1, count: 3 } as const;
  world.note("began", "default/orders", before);
  assertEquals(world.said(), []);
  world.note("continued", "default/orders", { ...before, count: 4 });
  assertEquals(world.said(), ["dead_letters began: default/orders down 4"]);
  world.note("ended", "default/orders", { ...before, count: 4 });
  assertEquals(world.said(), ["dead_letters over: default/orders well 4"]);
});

Deno.test("nothing is said of kinds that are not asked for, of connections, and of what is own", () => {
  const world = new World();
  world.settings = compileNotify({ format: "json", about: ["secret"], every: 300, gather: 1 });
  world.note("began");
  world.own = "ops/notices";
  world.note("began", "ops/notices", { part: "webhook", kind: "secret_mismatch" });
  assertEquals(world.note("began", "redis_main", { part: "connection" }), false);
  assertEquals(
    world.note("began", "default/orders", { part: "webhook", kind: "paused", state: "off" }),
    false,
  );
  assertEquals([world.said(), world.nextInMs], [[], undefined]);
});

Deno.test("what is removed while it is down is said to be so", () => {
  const world = new World();
  world.note("began");
  assertEquals(world.said(), ["output began: redis down"]);
  world.note("removed");
  assertEquals(world.said(), ["output over: redis removed"]);
});

Deno.test("however many things change, those that have no room are counted in the next notice", () => {
  const world = new World();
  for (let number = 0; number < 10_020; number++) world.note("began", `output_${number}`);
  const [said] = world.said();
  assertEquals(said?.endsWith("and 10010 more"), true, said);
});
