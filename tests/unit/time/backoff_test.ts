import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { Backoff, backoffBoundMs, halfRandom } from "../../../src/time/backoff.ts";

Deno.test("backoff grows up to its limit, half of it random, and begins anew after a reset", () => {
  const options = { initialMs: 100, maxMs: 500, multiplier: 2 };
  const longest = new Backoff({ ...options, random: () => 1 });
  assertEquals([1, 2, 3, 4, 5].map(() => longest.next()), [100, 200, 400, 500, 500]);
  longest.reset();
  assertEquals(longest.next(), 100);
  const shortest = new Backoff({ ...options, random: () => 0 });
  assertEquals([shortest.next(), shortest.next()], [50, 100]);
});

Deno.test("the bound of a pause doubles from its first value to its limit, or is multiplied as given", () => {
  const growth = { initialMs: 500, maxMs: 30_000 };
  assertEquals([1, 2, 6, 7, 8].map((failures) => backoffBoundMs(growth, failures)), [
    500,
    1_000,
    16_000,
    30_000,
    30_000,
  ]);
  assertEquals(backoffBoundMs({ ...growth, multiplier: 1 }, 50), 500);
  assertEquals(backoffBoundMs({ ...growth, multiplier: 3 }, 3), 4_500);
});

Deno.test("the bound of a pause is a number within its limits after however many failures", () => {
  const options = {
    initialMs: fc.nat(100_000),
    maxMs: fc.nat(100_000),
    multiplier: fc.double({ min: 1, max: 10, noNaN: true }),
  };
  fc.assert(fc.property(fc.record(options), fc.integer({ min: 1, max: 1_000_000 }), (growth, failures) => {
    const bound = backoffBoundMs(growth, failures);
    assert(bound >= 0 && bound <= growth.maxMs);
    assert(failures === 1 || bound >= backoffBoundMs(growth, failures - 1));
  }));
});

Deno.test("a pause is at least half of its bound, and never more", () => {
  assertEquals([0, 0.5, 1].map((random) => halfRandom(1_000, random)), [500, 750, 1_000]);
  for (let count = 0; count < 100; count++) {
    const pause = halfRandom(1_000);
    assert(pause >= 500 && pause <= 1_000);
  }
});
