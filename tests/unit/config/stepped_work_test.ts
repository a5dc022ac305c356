import { assert, assertEquals } from "@std/assert";
import { breathe } from "../../../src/time/pace.ts";
import { SteppedWork, STEPS_AT_A_TIME } from "../../../src/config/stepped_work.ts";

function* steps(count: number, done: string[], name: string): Generator<void> {
  for (let step = 0; step < count; step++) {
    done.push(name);
    yield;
  }
}

Deno.test("little work is done at once, and nobody has to wait for it", async () => {
  const done: string[] = [];
  await using work = new SteppedWork(() => done.push("over"));
  work.do(steps(STEPS_AT_A_TIME - 1, done, "step"));
  assertEquals([done.length, work.isOpen], [STEPS_AT_A_TIME - 1, false]);
  await work.settled();
  assertEquals(done.includes("over"), false);
});

Deno.test("much work gives way after a number of steps, again and again until it is done", async () => {
  const done: string[] = [];
  let mostInATurn = 0;
  let counted = STEPS_AT_A_TIME;
  await using work = new SteppedWork(() => {});
  work.do(steps(10 * STEPS_AT_A_TIME, done, "step"));
  assertEquals(done.length, STEPS_AT_A_TIME);
  const settled = work.settled();
  while (work.isOpen) {
    await breathe();
    mostInATurn = Math.max(mostInATurn, done.length - counted);
    counted = done.length;
  }
  await settled;
  assertEquals(done.length, 10 * STEPS_AT_A_TIME);
  assert(mostInATurn <= 2 * STEPS_AT_A_TIME, `${mostInATurn} steps at a time`);
});

Deno.test("work that comes later does not wait for the end of what is under way", async () => {
  const done: string[] = [];
  await using work = new SteppedWork(() => {});
  work.do(steps(100 * STEPS_AT_A_TIME, done, "long"));
  work.do(steps(2 * STEPS_AT_A_TIME, done, "short"));
  await work.settled();
  const lastOfShort = done.lastIndexOf("short");
  assertEquals(done.length, 102 * STEPS_AT_A_TIME);
  assert(lastOfShort < 5 * STEPS_AT_A_TIME, `it ended with step ${lastOfShort}`);
});

Deno.test("a step that throws ends its own work alone, and is reported", async () => {
  const reported: unknown[] = [];
  const done: string[] = [];
  const failure = new Error("It cannot be done");
  await using work = new SteppedWork((error) => void reported.push(error));
  work.do((function* () {
    yield* steps(STEPS_AT_A_TIME, done, "bad");
    throw failure;
  })());
  work.do(steps(3 * STEPS_AT_A_TIME, done, "good"));
  await work.settled();
  assertEquals(done.filter((name) => name === "good").length, 3 * STEPS_AT_A_TIME);
  assertEquals(reported, [failure, undefined]);
});

Deno.test("work that is not done is dropped at the end", async () => {
  const done: string[] = [];
  {
    await using work = new SteppedWork(() => done.push("over"));
    work.do(steps(10 * STEPS_AT_A_TIME, done, "step"));
  }
  assertEquals(done.length, STEPS_AT_A_TIME);
});
