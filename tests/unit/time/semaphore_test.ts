import { assert, assertEquals, assertThrows } from "@std/assert";
import { setImmediate } from "node:timers/promises";
import { MemoryBudget } from "../../../src/delivery/durable/memory_budget.ts";
import { Semaphore } from "../../../src/time/semaphore.ts";
import { InvariantError } from "../../../src/errors.ts";

Deno.test("places are given to those who wait, in their order", async () => {
  const places = new Semaphore(1, 10);
  assertEquals(places.take(), "taken");
  const order: number[] = [];
  const waiting = [1, 2, 3].map(async (number) => {
    await places.take();
    order.push(number);
    places.free();
  });
  places.free();
  await Promise.all(waiting);
  assertEquals(order, [1, 2, 3]);
  assertEquals(places.taken, 0);
});

Deno.test("when those who wait for a place need it for no time at all, other work goes on in between", async () => {
  const places = new Semaphore(2, 1000);
  places.take();
  places.take();
  let done = 0;
  const waiting = Array.from({ length: 1000 }, async () => {
    await places.take();
    done++;
    places.free();
  });
  assertEquals(places.take(), "full");
  places.free();
  places.free();
  let turns = 0;
  for (let before = 0; done < 1000; turns++, before = done) {
    await setImmediate();
    assert(done - before <= 32, `${done - before} in one turn`);
  }
  assert(turns >= 30, `${turns} turns`);
  await Promise.all(waiting);
  assertEquals(places.taken, 0);
});

Deno.test("what gives back more than it took is a bug, and the count stays as it was", () => {
  const places = new Semaphore(2, 10);
  assertThrows(() => places.free(), InvariantError);
  assertEquals(places.taken, 0);
  const budget = new MemoryBudget(100);
  budget.take(40);
  assertThrows(() => budget.release(41), InvariantError);
  assertThrows(() => budget.take(NaN), InvariantError);
  assertEquals(budget.free, 60);
});
