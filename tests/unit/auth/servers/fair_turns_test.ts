import { assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { FairTurns } from "../../../../src/auth/servers/fair_turns.ts";
import { TooManyCallsError } from "../../../../src/io/blocking_calls.ts";

const NEVER = new AbortController().signal;

/** Calls that end one after the other, when they are asked to. */
class Calls {
  readonly turns: FairTurns;
  /** The clients of those that began, in their order. */
  readonly begun: string[] = [];
  readonly refused: string[] = [];
  readonly #ends: (() => void)[] = [];
  readonly #all: Promise<void>[] = [];

  constructor(places: number, mostWaiting: number) {
    this.turns = new FairTurns(places, mostWaiting);
  }

  make(client: string, count = 1, signal = NEVER): void {
    for (let made = 0; made < count; made++) {
      const call = this.turns.run(client, signal, () => {
        this.begun.push(client);
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#ends.push(resolve);
        return promise;
      });
      this.#all.push(call.catch(() => void this.refused.push(client)));
    }
  }

  /** Ends those under way until none is left. */
  async endAll(): Promise<void> {
    while (this.#ends.length > 0) {
      this.#ends.shift()!();
      for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    }
    await Promise.all(this.#all);
  }
}

Deno.test("clients take turns, however many calls one of them has", async () => {
  const calls = new Calls(1, 100);
  calls.make("stranger", 6);
  calls.make("shop", 2);
  calls.make("bank");
  await calls.endAll();
  const others = Array(3).fill("stranger");
  assertEquals(calls.begun, ["stranger", "stranger", "shop", "bank", "stranger", "shop", ...others]);
  assertEquals([calls.refused, calls.turns.isIdle], [[], true]);
});

Deno.test("where no more may wait, a call of the client with the most of them gives way", async () => {
  const calls = new Calls(1, 4);
  calls.make("stranger", 7);
  calls.make("shop", 2);
  await calls.endAll();
  assertEquals(calls.refused, Array(4).fill("stranger"));
  assertEquals(calls.begun, ["stranger", "stranger", "shop", "stranger", "shop"]);
});

Deno.test("where all that wait are of clients with one call, another one is refused", async () => {
  const turns = new FairTurns(1, 1);
  const { promise, resolve } = Promise.withResolvers<void>();
  const first = turns.run("shop", NEVER, () => promise);
  const second = turns.run("shop", NEVER, () => promise);
  await assertRejects(() => turns.run("bank", NEVER, () => promise), TooManyCallsError);
  resolve();
  await Promise.all([first, second]);
});

Deno.test("a call whose wait is ended leaves its place in the queue to others", async () => {
  const calls = new Calls(1, 1);
  const ending = new AbortController();
  calls.make("stranger");
  calls.make("stranger", 1, ending.signal);
  ending.abort();
  calls.make("shop");
  calls.make("late", 1, ending.signal);
  await calls.endAll();
  assertEquals([calls.begun, calls.refused.toSorted()], [["stranger", "shop"], ["late", "stranger"]]);
});

Deno.test("every call begins once or is refused, and a client alone is never refused for others", async () => {
  const made = fc.array(fc.constantFrom("a", "b", "c", "d"), { maxLength: 60 });
  await fc.assert(fc.asyncProperty(made, fc.integer({ min: 1, max: 3 }), async (clients, places) => {
    const calls = new Calls(places, 8);
    for (const client of clients) calls.make(client);
    calls.make("alone");
    await calls.endAll();
    assertEquals([...calls.begun, ...calls.refused].toSorted(), [...clients, "alone"].toSorted());
    assertEquals([calls.refused.includes("alone"), calls.turns.isIdle], [false, true]);
  }));
});
