import { assertEquals, assertRejects } from "@std/assert";
import { BlockingCalls, TooManyCallsError } from "../../../src/io/blocking_calls.ts";

/** Calls that end when they are told to, as a hung mount that comes back. */
class HungCalls {
  readonly began: string[] = [];
  readonly #ends: (() => void)[] = [];

  start(calls: BlockingCalls, key: string, signal: AbortSignal = never()): Promise<string> {
    return calls.run(key, signal, () => {
      this.began.push(key);
      return new Promise((resolve) => this.#ends.push(() => resolve(key)));
    });
  }

  endFirst(): void {
    this.#ends.shift()!();
  }

  endAll(): void {
    while (this.#ends.length > 0) this.endFirst();
  }
}

function never(): AbortSignal {
  return new AbortController().signal;
}

/** Resolves in a later turn of the event loop, as soon as the condition holds. */
async function until(condition: () => boolean): Promise<void> {
  do await new Promise((resolve) => setTimeout(resolve, 1)); while (!condition());
}

Deno.test("a key has no more calls under way than its places; others have theirs", async () => {
  const calls = new BlockingCalls({ total: 10, perKey: 2 });
  const hung = new HungCalls();
  const all = ["a", "a", "a", "a", "b"].map((key) => hung.start(calls, key));
  assertEquals(hung.began, ["a", "a", "b"]);
  assertEquals(calls.underWay, 3);
  hung.endFirst();
  await all[0];
  hung.endAll();
  await Promise.all(all.slice(0, 3));
  hung.endAll();
  assertEquals(await Promise.all(all), ["a", "a", "a", "a", "b"]);
  assertEquals(calls.underWay, 0);
});

Deno.test("keys take turns for the places of all", async () => {
  const calls = new BlockingCalls({ total: 1, perKey: 1 });
  const hung = new HungCalls();
  const all = ["a", "a", "a", "b", "c"].map((key) => hung.start(calls, key));
  for (let begun = 2; begun <= all.length; begun++) {
    hung.endFirst();
    await until(() => hung.began.length === begun);
  }
  hung.endFirst();
  await Promise.all(all);
  assertEquals(hung.began, ["a", "b", "c", "a", "a"]);
});

Deno.test("a caller that gives up is answered at once, and its place is free when the system answers", async () => {
  const calls = new BlockingCalls({ total: 1, perKey: 1 });
  const hung = new HungCalls();
  const impatient = new AbortController();
  const first = hung.start(calls, "a", impatient.signal);
  const second = hung.start(calls, "b");
  impatient.abort(new Error("too late"));
  await assertRejects(() => first, Error, "too late");
  assertEquals(hung.began, ["a"]);
  hung.endFirst();
  await until(() => hung.began.length === 2);
  hung.endFirst();
  assertEquals(await second, "b");
});

Deno.test("a caller that gives up while it waits never begins", async () => {
  const calls = new BlockingCalls({ total: 1, perKey: 1 });
  const hung = new HungCalls();
  const first = hung.start(calls, "a");
  const impatient = new AbortController();
  const second = hung.start(calls, "a", impatient.signal);
  impatient.abort(new Error("too late"));
  await assertRejects(() => second, Error, "too late");
  await assertRejects(() => hung.start(calls, "a", impatient.signal), Error, "too late");
  hung.endFirst();
  await first;
  assertEquals(hung.began, ["a"]);
  assertEquals(calls.underWay, 0);
});

Deno.test("more calls of a key than may wait are refused", async () => {
  const calls = new BlockingCalls({ total: 4, perKey: 1, waiting: 1 });
  const hung = new HungCalls();
  const all = [hung.start(calls, "a"), hung.start(calls, "a"), hung.start(calls, "b")];
  await assertRejects(() => hung.start(calls, "a"), TooManyCallsError);
  hung.endAll();
  await all[0];
  hung.endAll();
  await Promise.all(all);
});

Deno.test("slow keys have one place each and half of the places together; others have the rest", async () => {
  const calls = new BlockingCalls({ total: 4, perKey: 2, slowAfterMs: 0 });
  const hung = new HungCalls();
  const first = ["a", "b", "c"].map((key) => hung.start(calls, key));
  await until(() => true);
  hung.endAll();
  await Promise.all(first);
  const slow = ["a", "a", "b", "c"].map((key) => hung.start(calls, key));
  assertEquals(hung.began.slice(3), ["a", "b"]);
  const quick = [hung.start(calls, "d"), hung.start(calls, "e")];
  assertEquals(hung.began.slice(5), ["d", "e"]);
  while (calls.underWay > 0) {
    hung.endAll();
    await until(() => true);
  }
  await Promise.all([...slow, ...quick]);
});

Deno.test("what a call throws is its caller's, and the place is free", async () => {
  const calls = new BlockingCalls({ total: 1, perKey: 1 });
  await assertRejects(() => calls.run("a", never(), () => Promise.reject(new Error("EIO"))), Error, "EIO");
  assertEquals(await calls.run("a", never(), () => Promise.resolve(1)), 1);
});
