import { assert, assertEquals } from "@std/assert";
import { setImmediate } from "node:timers/promises";
import { Deadlines, Timer } from "../../../src/time/deadlines.ts";

Deno.test("Deadlines expires each owner once, the one with the shortest time first", async () => {
  using deadlines = new Deadlines();
  const expired: string[] = [];
  deadlines.set(10, new Timer(() => expired.push("short")));
  deadlines.set(60, new Timer(() => expired.push("long")));
  await deadlines.wait(120);
  assertEquals(expired, ["short", "long"]);
});

Deno.test("Deadlines does not expire an owner whose deadline was cleared", async () => {
  using deadlines = new Deadlines();
  let expired = false;
  const owner = new Timer(() => expired = true);
  deadlines.set(10, owner);
  deadlines.clear(owner);
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
  const second = new Timer(() => expired.push(2));
  const first = new Timer(() => {
    expired.push(1);
    deadlines.clear(second);
  });
  deadlines.set(10, first);
  deadlines.set(10, second);
  deadlines.set(10, new Timer(() => expired.push(3)));
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

Deno.test("Deadlines keeps the others when one in the middle is cleared", async () => {
  using deadlines = new Deadlines();
  const expired: number[] = [];
  const timers = [0, 1, 2].map((index) => new Timer(() => expired.push(index)));
  for (const timer of timers) deadlines.set(10, timer);
  deadlines.clear(timers[1]!);
  await deadlines.wait(10);
  assertEquals(expired, [0, 2]);
});

Deno.test("Deadlines takes an owner again after its deadline has passed or was cleared", async () => {
  using deadlines = new Deadlines();
  let expired = 0;
  const timer = new Timer(() => expired++);
  deadlines.set(10, timer);
  await deadlines.wait(10);
  deadlines.set(10, timer);
  deadlines.clear(timer);
  deadlines.set(10, timer);
  await deadlines.wait(10);
  assertEquals(expired, 2);
});

Deno.test("Deadlines expires an owner once that is given another deadline before the first has passed", async () => {
  using deadlines = new Deadlines();
  let expired = 0;
  const timer = new Timer(() => expired++);
  deadlines.set(10, timer);
  deadlines.set(60, timer);
  await deadlines.wait(60);
  await deadlines.wait(60);
  assertEquals(expired, 1);
});

Deno.test("a wait that begins after a long turn of the event loop is no shorter for it", async () => {
  using deadlines = new Deadlines();
  deadlines.set(10_000, new Timer(() => {}));
  const busyUntil = performance.now() + 300;
  while (performance.now() < busyUntil);
  const beganAt = performance.now();
  await deadlines.wait(50);
  assert(performance.now() - beganAt >= 50);
});

Deno.test("Deadlines lets other work go on while very many pass at the same time", async () => {
  using deadlines = new Deadlines();
  let expired = 0;
  for (let number = 0; number < 1000; number++) deadlines.set(10, new Timer(() => expired++));
  for (let before = 0; expired < 1000; before = expired) {
    await setImmediate();
    assert(expired - before <= 128, `${expired - before} in one turn`);
  }
});

Deno.test("Deadlines has a coarse time that is never ahead, and is the clock's while nothing is set", () => {
  using deadlines = new Deadlines();
  const before = performance.now();
  assert(deadlines.coarseNow >= before);
  deadlines.set(60_000, new Timer(() => {}));
  const atStart = deadlines.coarseNow;
  assert(atStart >= before && atStart <= performance.now());
  assertEquals(deadlines.coarseNow, atStart, "within one turn it stands still");
});

Deno.test("deadlines of a thousand lengths between ticks end one after the other, none early", async () => {
  using deadlines = new Deadlines();
  const late: number[] = [];
  const begunAt = performance.now();
  const lengths = Array.from({ length: 1_000 }, (_, index) => (index * 7.3) % 199);
  const { promise, resolve } = Promise.withResolvers<void>();
  for (const length of lengths) {
    deadlines.set(
      length,
      new Timer(() => {
        late.push(performance.now() - begunAt - length);
        if (late.length === lengths.length) resolve();
      }),
    );
  }
  await promise;
  assert(Math.min(...late) >= 0);
});

Deno.test("Deadlines does not expire what was answered while the process stood still", async () => {
  using deadlines = new Deadlines();
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  using asking = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  using answering = await listener.accept();
  let expired = false;
  const owner = new Timer(() => expired = true);
  deadlines.set(100, owner);
  const answered = asking.read(new Uint8Array(1)).then(() => deadlines.clear(owner));
  await answering.write(new Uint8Array(1));
  standStill(700);
  await answered;
  assertEquals(expired, false);
});

Deno.test("Deadlines expires what is due in a process that stands still again and again", async () => {
  using deadlines = new Deadlines();
  const expired = Promise.withResolvers<void>();
  deadlines.set(100, new Timer(expired.resolve));
  const busy = setInterval(() => standStill(600), 1);
  await expired.promise;
  clearInterval(busy);
});

Deno.test("Deadlines takes no deadline after its disposal, and leaves no timer behind", () => {
  const deadlines = new Deadlines();
  deadlines[Symbol.dispose]();
  const owner = new Timer(() => {});
  deadlines.set(10, owner);
  deadlines.clear(owner);
});

/** As a process does that is frozen: nothing of it runs. */
function standStill(milliseconds: number): void {
  const until = performance.now() + milliseconds;
  while (performance.now() < until);
}
