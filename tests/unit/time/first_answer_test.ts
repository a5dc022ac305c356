import { assertEquals } from "@std/assert";
import { setImmediate as nextTurn } from "node:timers/promises";
import { firstAnswer as firstAnswerOf, type Way } from "../../../src/time/first_answer.ts";

/** Something that notes when it is disposed of. */
class Thing implements AsyncDisposable {
  isDisposed = false;

  constructor(readonly name: string) {}

  [Symbol.asyncDispose](): Promise<void> {
    this.isDisposed = true;
    return Promise.resolve();
  }
}

const until = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));

const NEVER = new AbortController().signal;

/** Longer than any test: what is waited for comes by another way. */
const LONG_MS = 3_600_000;

function firstAnswer(ways: readonly Way<Thing>[], patienceMs: number, signal: AbortSignal) {
  return firstAnswerOf(ways, patienceMs, signal, (late) => late[Symbol.asyncDispose]());
}

Deno.test("the first way is taken, and no other one begun, when it works out at once", async () => {
  let begun = 0;
  const way = () => Promise.resolve(new Thing(String(begun++)));
  const { winner, failures } = await firstAnswer([way, way], 1_000, NEVER);
  assertEquals([winner?.index, winner?.result.name, begun, failures.size], [0, "0", 1, 0]);
});

Deno.test("the next way is begun at once when one has failed", async () => {
  const failure = new Error("refused");
  const ways = [() => Promise.reject(failure), () => Promise.resolve(new Thing("second"))];
  const { winner, failures } = await firstAnswer(ways, LONG_MS, NEVER);
  assertEquals(winner?.result.name, "second");
  assertEquals([...failures], [[0, failure]]);
});

Deno.test("a silent way is left beside the next one, and called off when that works out", async () => {
  let calledOff = false;
  const silent = (signal: AbortSignal) => until(signal).finally(() => calledOff = true);
  const { winner, failures, settled } = await firstAnswer(
    [silent, () => Promise.resolve(new Thing("second"))],
    1,
    NEVER,
  );
  await settled;
  assertEquals([winner?.index, calledOff, failures.size], [1, true, 0]);
});

Deno.test("a result that comes too late is disposed of", async () => {
  const late = Promise.withResolvers<Thing>();
  const { winner, settled } = await firstAnswer(
    [() => late.promise, () => Promise.resolve(new Thing("second"))],
    1,
    NEVER,
  );
  const thing = new Thing("first");
  late.resolve(thing);
  await settled;
  assertEquals([winner?.index, winner?.result.isDisposed, thing.isDisposed], [1, false, true]);
});

Deno.test("without a winner every failure is known by the index of its way", async () => {
  const { winner, failures } = await firstAnswer(
    [() => Promise.reject("one"), () => Promise.reject("two")],
    1,
    NEVER,
  );
  assertEquals([winner, [...failures]], [undefined, [[0, "one"], [1, "two"]]]);
});

Deno.test("all ways are called off when the signal aborts", async () => {
  const stop = new AbortController();
  const trying = firstAnswer([until, until], 1, stop.signal);
  stop.abort();
  assertEquals((await trying).winner, undefined);
});

Deno.test("the next way is begun at once when one that others were begun beside has failed", async () => {
  const first = Promise.withResolvers<Thing>();
  let isBegun = false;
  const ways: readonly Way<Thing>[] = [
    () => first.promise,
    async (signal) => {
      // The first one fails while this one, begun beside it, has said nothing yet.
      first.reject(new Error("refused"));
      await nextTurn();
      return isBegun ? new Thing("second") : await until(signal);
    },
    (signal) => {
      isBegun = true;
      return until(signal);
    },
  ];
  const { winner, failures } = await firstAnswer(ways, 50, NEVER);
  assertEquals([winner?.index, [...failures.keys()]], [1, [0]]);
});

Deno.test("no way is begun when the signal has aborted already, or there is none", async () => {
  let begun = 0;
  const way = () => Promise.resolve(new Thing(String(begun++)));
  assertEquals((await firstAnswer([way], LONG_MS, AbortSignal.abort())).winner, undefined);
  assertEquals((await firstAnswer([], LONG_MS, NEVER)).winner, undefined);
  assertEquals(begun, 0);
});

Deno.test("a way that throws before it gives a promise has failed like any other", async () => {
  const thrower = () => {
    throw new Error("refused");
  };
  const { winner, failures } = await firstAnswer([thrower, thrower, thrower], LONG_MS, NEVER);
  assertEquals([winner, failures.size], [undefined, 3]);
});
