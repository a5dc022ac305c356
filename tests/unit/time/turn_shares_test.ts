import { assert, assertEquals } from "@std/assert";
import { breathe } from "../../../src/time/pace.ts";
import { TurnShares } from "../../../src/time/turn_shares.ts";

Deno.test("steps that are always ready give way after so many, of all who take them together", async () => {
  const shares = new TurnShares(8);
  const takers = 20;
  let taken = 0;
  const taking = Promise.all(Array.from({ length: takers }, async () => {
    for (let step = 0; step < 40; step++) {
      await shares.take();
      taken++;
    }
  }));
  let [isOver, most, before] = [false, 0, 0];
  taking.then(() => isOver = true);
  while (!isOver) {
    await breathe();
    most = Math.max(most, taken - before);
    before = taken;
  }
  assertEquals(taken, takers * 40);
  // A turn of theirs may fall before and behind one of the test's.
  assert(most <= 3 * 8, `${most} steps in a turn`);
});

Deno.test("who waits longest for a step is next, and one who has waited does not overtake", async () => {
  const shares = new TurnShares(1);
  const order: string[] = [];
  const take = async (name: string, times: number) => {
    for (let time = 0; time < times; time++) {
      await shares.take();
      order.push(name);
    }
  };
  await Promise.all([take("a", 3), take("b", 2), take("c", 1)]);
  assertEquals(order, ["a", "b", "c", "a", "b", "a"]);
});

Deno.test("a step that is charged as several leaves so many fewer to the others of its turns", async () => {
  const shares = new TurnShares(4);
  assertEquals(shares.take(), undefined);
  shares.charge(6);
  let turns = 0;
  let isTaken = false;
  shares.take()?.then(() => isTaken = true);
  while (!isTaken) {
    turns++;
    await breathe();
  }
  // It is three beyond its turn: the next one still has a step.
  shares.charge(7);
  let later = 0;
  let isTakenLater = false;
  shares.take()?.then(() => isTakenLater = true);
  while (!isTakenLater) {
    later++;
    await breathe();
  }
  assert(later > turns, `${turns} turns, then ${later}`);
});

Deno.test("of steps that are charged as several each, as many fewer are taken in a turn", async () => {
  const shares = new TurnShares(32);
  const steps = 300;
  let taken = 0;
  const taking = Promise.all(Array.from({ length: 30 }, async () => {
    for (let step = 0; step < steps / 30; step++) {
      await shares.take();
      taken++;
      shares.charge(7);
    }
  }));
  const inTurns: number[] = [];
  for (let before = 0; taken < steps; before = taken) {
    await breathe();
    inTurns.push(taken - before);
  }
  await taking;
  // What a step counts as is not known in the first turns; a turn of theirs may fall before and behind one of the test's.
  const most = Math.max(...inTurns.slice(8));
  assert(most <= 3 * 32 / 8, `${inTurns}`);
});

Deno.test("few steps wait for nothing", () => {
  const shares = new TurnShares(3);
  assertEquals([shares.take(), shares.take(), shares.take()], [undefined, undefined, undefined]);
});
