import { assert, assertEquals } from "@std/assert";
import { setImmediate } from "node:timers/promises";
import { CommitPace, mayRide } from "../../../../src/journal/commit_pace.ts";
import { CommitQueue } from "../../../../src/journal/sqlite/commit_queue.ts";
import type { Settlement } from "../../../../src/journal/journal.ts";
import { verifiedEvent } from "../../../support/verified_event.ts";

const NOW = 1_000_000;
const FAILURE = { code: "output_unavailable", message: "Down", connection: "a" } as const;
const NOBODY = { onAppended: () => {}, onRefused: () => {} };

/** A journal whose commits last as long as the test wants, and whose time stands still. */
class PacedJournal {
  /** Of the commits that have begun: how many appends and how many other things each had. */
  readonly commits: { readonly appends: number; readonly others: number }[] = [];
  readonly #queue = new CommitQueue({ maxWaiting: 1_000, maxWaitingBytes: 1_000_000 }, true);
  readonly #waits = new Set<() => void>();
  readonly #pace = new CommitPace(this.#queue, () => this.#begin(), (_milliseconds, call) => {
    this.#waits.add(call);
    return () => this.#waits.delete(call);
  });

  append(count: number): void {
    for (let index = 0; index < count; index++) {
      const append = { event: verifiedEvent(), headers: "[]", body: "x", claim: true, keys: undefined };
      this.#queue.commitFor(1).append(append, NOBODY);
      this.#pace.asked();
    }
  }

  deliver(sequence: number): void {
    this.settle({ sequence, state: "delivered" });
  }

  settle(settlement: Settlement): void {
    void this.#queue.collecting.settle(settlement, mayRide(settlement, () => NOW));
    this.#pace.asked();
  }

  operate(): void {
    void this.#queue.commitFor(0).operate("lanes", {});
    this.#pace.asked();
  }

  /** The commit under way ends. */
  end(): void {
    this.#pace.ended();
  }

  /** The time of all that waits is over. */
  pass(): void {
    for (const call of this.#waits) {
      this.#waits.delete(call);
      call();
    }
  }

  get isWaiting(): boolean {
    return this.#waits.size > 0;
  }

  #begin(): void {
    const { appends, count } = this.#queue.next();
    this.commits.push({ appends, others: count - appends });
    this.#pace.begun(appends);
  }
}

Deno.test("what is asked for in one turn is one commit, which begins in the next", async () => {
  const journal = new PacedJournal();
  journal.append(3);
  assertEquals(journal.commits, []);
  await setImmediate();
  assertEquals(journal.commits, [{ appends: 3, others: 0 }]);
});

Deno.test("that an event was delivered waits a little for the next thing that is asked for", async () => {
  const journal = new PacedJournal();
  journal.deliver(1);
  await setImmediate();
  assertEquals([journal.commits, journal.isWaiting], [[], true]);
  journal.append(1);
  await setImmediate();
  assertEquals([journal.commits, journal.isWaiting], [[{ appends: 1, others: 1 }], false]);
  journal.deliver(2);
  journal.end();
  journal.operate();
  await setImmediate();
  assertEquals(journal.commits.at(-1), { appends: 0, others: 2 });
});

Deno.test("that an event was delivered is recorded when nothing else is asked for in time", async () => {
  const journal = new PacedJournal();
  journal.deliver(1);
  journal.deliver(2);
  await setImmediate();
  journal.pass();
  assertEquals(journal.commits, [{ appends: 0, others: 2 }]);
  journal.deliver(3);
  journal.end();
  assert(journal.isWaiting);
  journal.pass();
  assertEquals(journal.commits.at(-1), { appends: 0, others: 1 });
});

Deno.test("every outcome that nothing waits for rides with the next event, and no other does", async () => {
  const riding: readonly Settlement[] = [
    { sequence: 1, state: "delivered" },
    { sequence: 2, state: "progress", progress: "step 1" },
    { sequence: 3, state: "dead", failure: FAILURE },
    { sequence: 4, state: "retry", dueAt: NOW + 1_000, failure: FAILURE },
  ];
  const journal = new PacedJournal();
  for (const settlement of riding) journal.settle(settlement);
  await setImmediate();
  assertEquals([journal.commits, journal.isWaiting], [[], true]);
  journal.append(1);
  await setImmediate();
  assertEquals(journal.commits, [{ appends: 1, others: riding.length }]);

  const urgent: readonly Settlement[] = [
    { sequence: 1, state: "attempt", failure: FAILURE },
    { sequence: 2, state: "retry", dueAt: NOW + 10, failure: FAILURE },
    { sequence: 3, state: "retry", dueAt: 0, unattempted: true },
  ];
  for (const settlement of urgent) {
    const journal = new PacedJournal();
    journal.settle(settlement);
    await setImmediate();
    assertEquals(journal.commits, [{ appends: 0, others: 1 }], settlement.state);
  }
});

Deno.test("two halves of many senders that take turns are soon in one commit", async () => {
  const journal = new PacedJournal();
  journal.append(16);
  await setImmediate();
  journal.append(16); // The other half, while that commit is under way.
  journal.end();
  assertEquals([journal.commits.length, journal.isWaiting], [1, true]);
  journal.append(7); // The first half is coming back.
  await setImmediate();
  assertEquals(journal.commits.length, 1);
  journal.append(1);
  await setImmediate();
  assertEquals(journal.commits.at(-1), { appends: 24, others: 0 });
});

Deno.test("a commit waits for no more than a moment, and not at all for few or very many senders", async () => {
  const many = new PacedJournal();
  many.append(16);
  await setImmediate();
  many.append(2);
  many.end();
  many.pass();
  assertEquals(many.commits.at(-1), { appends: 2, others: 0 });

  for (const count of [4, 100]) {
    const journal = new PacedJournal();
    journal.append(count);
    await setImmediate();
    journal.append(1);
    journal.end();
    assertEquals(journal.commits.at(-1), { appends: 1, others: 0 });
  }
});
