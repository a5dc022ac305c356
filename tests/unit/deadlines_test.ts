import { assertEquals } from "@std/assert";
import { Deadlines } from "../../src/deadlines.ts";

Deno.test("Deadlines expires each owner once, the one with the shortest time first", async () => {
  using deadlines = new Deadlines();
  const expired: string[] = [];
  deadlines.set(10, { expire: () => expired.push("short") });
  deadlines.set(60, { expire: () => expired.push("long") });
  await deadlines.wait(120);
  assertEquals(expired, ["short", "long"]);
});

Deno.test("Deadlines does not expire an owner whose deadline was cleared", async () => {
  using deadlines = new Deadlines();
  let expired = false;
  const owner = { expire: () => expired = true };
  deadlines.set(10, owner);
  deadlines.clear(10, owner);
  await deadlines.wait(100);
  assertEquals(expired, false);
});

Deno.test("Deadlines takes new deadlines after all former ones have passed", async () => {
  using deadlines = new Deadlines();
  await deadlines.wait(10);
  await deadlines.wait(10);
});

Deno.test("Deadlines expires the others when one that expires clears its neighbour", async () => {
  using deadlines = new Deadlines();
  const expired: number[] = [];
  const second = { expire: () => expired.push(2) };
  deadlines.set(10, {
    expire: () => {
      expired.push(1);
      deadlines.clear(10, second);
    },
  });
  deadlines.set(10, second);
  deadlines.set(10, { expire: () => expired.push(3) });
  await deadlines.wait(10);
  assertEquals(expired, [1, 3]);
});

Deno.test("Deadlines never expires an owner early", async () => {
  using deadlines = new Deadlines();
  for (const milliseconds of [1, 40, 70]) {
    const before = performance.now();
    await deadlines.wait(milliseconds);
    assertEquals(performance.now() - before >= milliseconds, true);
  }
});
