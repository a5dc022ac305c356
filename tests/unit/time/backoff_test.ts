import { assertEquals } from "@std/assert";
import { Backoff } from "../../../src/time/backoff.ts";

Deno.test("backoff grows up to its limit, half of it random, and begins anew after a reset", () => {
  const options = { initialMs: 100, maxMs: 500, multiplier: 2 };
  const longest = new Backoff({ ...options, random: () => 1 });
  assertEquals([1, 2, 3, 4, 5].map(() => longest.next()), [100, 200, 400, 500, 500]);
  longest.reset();
  assertEquals(longest.next(), 100);
  const shortest = new Backoff({ ...options, random: () => 0 });
  assertEquals([shortest.next(), shortest.next()], [50, 100]);
});
