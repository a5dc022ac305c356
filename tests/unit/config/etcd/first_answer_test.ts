import { assertEquals } from "@std/assert";
import { firstAnswer } from "../../../../src/config/etcd/first_answer.ts";

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

Deno.test("the first way is taken, and no other one begun, when it works out at once", async () => {
  let begun = 0;
  const way = () => Promise.resolve(new Thing(String(begun++)));
  const { winner, failures } = await firstAnswer([way, way], 1_000, NEVER);
  assertEquals([winner?.index, winner?.result.name, begun, failures.size], [0, "0", 1, 0]);
});

Deno.test("the next way is begun at once when one has failed", async () => {
  const failure = new Error("refused");
  const ways = [() => Promise.reject(failure), () => Promise.resolve(new Thing("second"))];
  const { winner, failures } = await firstAnswer(ways, 3_600_000, NEVER);
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
  const { winner, failures } = await firstAnswer<Thing>(
    [() => Promise.reject("one"), () => Promise.reject("two")],
    1,
    NEVER,
  );
  assertEquals([winner, [...failures]], [undefined, [[0, "one"], [1, "two"]]]);
});

Deno.test("all ways are called off when the signal aborts", async () => {
  const stop = new AbortController();
  const trying = firstAnswer<Thing>([until, until], 1, stop.signal);
  stop.abort();
  assertEquals((await trying).winner, undefined);
});
