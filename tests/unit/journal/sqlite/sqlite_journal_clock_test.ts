import { assert, assertEquals } from "@std/assert";
import { OldestAge } from "../../../../src/journal/sqlite/oldest_age.ts";
import { steadyNow } from "../../../../src/time/steady_clock.ts";
import { append } from "../../../support/journal/append.ts";
import { openJournal } from "../../../support/journal/sqlite_journal.ts";
import { TempDir } from "../../../support/temp_dir.ts";
import { verifiedEvent } from "../../../support/verified_event.ts";

const LANE = { namespace: "default", webhook: "orders" };
const ALL = { events: 10, bytes: 1_000_000 };
const DAY_MS = 86_400_000;

Deno.test("the steady clock goes on evenly when the host's clock is set back or forward", () => {
  const before = steadyNow();
  for (const jump of [-DAY_MS, DAY_MS]) {
    using _set = hostClock(() => before + jump);
    assert(steadyNow() >= before);
    assert(steadyNow() < before + DAY_MS / 2);
  }
});

Deno.test("the age of the oldest event is never negative, and does not jump with the host's clock", () => {
  const now = Date.now();
  const age = new OldestAge();
  age.note(now - 60_000);
  {
    using _back = hostClock(() => now - DAY_MS);
    age.note(now - 60_000);
    assert(age.ageMs! >= 60_000 && age.ageMs! < DAY_MS / 2, String(age.ageMs));
    age.note(now - 30_000);
    assert(age.ageMs! >= 0 && age.ageMs! < DAY_MS / 2, String(age.ageMs));
  }
  age.note(undefined);
  assertEquals(age.ageMs, undefined);
});

Deno.test("after the clock was set back an event that is due later than any pause is due now", async () => {
  await using temporary = await TempDir.create();
  const start = Date.now();
  {
    await using journal = await openJournal(temporary.path, { now: () => start });
    for (const dueAt of [start + 2_000, start + DAY_MS]) {
      const appended = await append(journal, verifiedEvent(), { claim: true });
      assert("sequence" in appended);
      await journal.settle({ sequence: appended.sequence, state: "retry", dueAt });
    }
  }
  await using journal = await openJournal(temporary.path, { now: () => start - DAY_MS });
  assertEquals((await journal.claim(LANE, ALL)).events, []);
  // The second pause may be as long as two days, the first one is longer than a second for certain.
  const longest = { ...ALL, longestPauseMs: 2 * DAY_MS - 1_500 };
  assertEquals((await journal.claim(LANE, longest)).events.map(({ sequence }) => sequence), [2]);
  const all = await journal.claim(LANE, { ...ALL, longestPauseMs: 1_000 });
  assertEquals(all.events.map(({ sequence }) => sequence), [1]);
});

Deno.test("after the clock was set back a message that a connector gave back is not hidden for a day", async () => {
  await using temporary = await TempDir.create();
  {
    await using journal = await openJournal(temporary.path, { now: () => Date.now() + DAY_MS });
    await journal.channels.enqueue("a", verifiedEvent({ id: "one" }), { ttlMs: 10 * DAY_MS, maxSize: 10 });
    await journal.channels.lease("a", 1, 60_000);
    await journal.channels.release("a", [{ tag: "one" }], 60_000);
    assertEquals(await journal.channels.lease("a", 1, 60_000), []);
  }
  await using journal = await openJournal(temporary.path);
  assertEquals((await journal.channels.lease("a", 1, 60_000)).map(({ tag }) => tag), ["one"]);
});

Deno.test("dead letters that seem to come from the future are replayed with all others", async () => {
  await using temporary = await TempDir.create();
  await using journal = await openJournal(temporary.path);
  const failure = { code: "output_rejected", message: "No", connection: "a" } as const;
  for (const id of ["one", "two"]) await journal.deadLetters.bury(verifiedEvent({ id }), failure, 1);
  using _back = hostClock(() => 0);
  assertEquals(await journal.deadLetters.replay({}), 2);
});

/** Sets the host's clock, as this thread sees it, until disposal. */
function hostClock(now: () => number): Disposable {
  const real = Date.now;
  Date.now = now;
  return { [Symbol.dispose]: () => void (Date.now = real) };
}
