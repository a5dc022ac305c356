/** What the dead letters of every journal promise. Run beside `journal_contract.ts`, with the same harness. */

import { assert, assertEquals } from "@std/assert";
import type { VerifiedEvent } from "../../src/event/verified_event.ts";
import type { AttemptFailure, DeadLetterFilter, DeadLetters } from "../../src/dead_letters/dead_letters.ts";
import type { Journal } from "../../src/journal/journal.ts";
import { assertSameEvent, bodies, claimAll, type JournalHarness } from "./journal.ts";
import { type EventParts, verifiedEvent } from "../support/verified_event.ts";
import { append } from "../support/journal/append.ts";

const REJECTED: AttemptFailure = {
  code: "output_rejected",
  message: "The record is too large",
  connection: "kafka_main",
};

const TIMED_OUT: AttemptFailure = {
  code: "output_timeout",
  message: "No answer within 10 s",
  connection: "redis_main",
};

/** Registers the tests of the contract. `setUp` makes a new harness for each. */
export function testDeadLetterContract(name: string, setUp: () => Promise<JournalHarness>): void {
  function test(sentence: string, run: (journal: Journal, harness: JournalHarness) => Promise<void>): void {
    Deno.test(`${name} ${sentence}`, async () => {
      await using harness = await setUp();
      await using journal = await harness.open();
      await run(journal, harness);
    });
  }

  test("keeps an event that was given up, with the reason, over a crash", async (journal, harness) => {
    const before = Date.now();
    const event = verifiedEvent({ body: '{"order":7}', webhook: "payments", namespace: "shop" });
    const sequence = await claim(journal, event);
    await journal.settle({ sequence, state: "attempt" });
    await journal.settle({ sequence, state: "dead", failure: REJECTED, progress: "step 2" });
    assertEquals([journal.stats().pending, journal.stats().deadLetters], [0, 1]);
    await harness.crash(journal);

    await using restarted = await harness.open();
    assertEquals([restarted.stats().pending, restarted.stats().deadLetters], [0, 1]);
    const { letters, cursor } = await restarted.deadLetters.list({}, 10);
    assertEquals(cursor, undefined);
    const { diedAt, ...letter } = letters[0]!;
    assert(diedAt >= before && diedAt <= Date.now());
    assertEquals(letter, {
      id: event.id,
      namespace: "shop",
      webhook: "payments",
      connection: "kafka_main",
      reason: "output_rejected",
      message: "The record is too large",
      attempts: 2,
      receivedAt: event.receivedAt,
      bytes: 11,
    });
    const whole = await restarted.deadLetters.get(event.id);
    assertSameEvent(whole!.event, event);
    assertEquals(whole?.progress, "step 2");
  });

  test("keeps the progress that was stored before an event was given up", async (journal) => {
    const event = verifiedEvent();
    const sequence = await claim(journal, event);
    await journal.settle({ sequence, state: "progress", progress: "step 1" });
    await journal.settle({ sequence, state: "dead", failure: REJECTED });
    assertEquals((await journal.deadLetters.get(event.id))?.progress, "step 1");
  });

  test("has no letter for an id that it does not know", async (journal) => {
    assertEquals(await journal.deadLetters.get("unknown"), undefined);
    assertEquals(await journal.deadLetters.list({ ids: ["unknown"] }, 10), {
      letters: [],
      cursor: undefined,
    });
  });

  test("lists letters page by page, the one given up first first", async (journal) => {
    const events = await killMany(journal, 20, {}, REJECTED);
    const found: string[] = [];
    let pages = 0;
    let cursor: string | undefined;
    do {
      const page = await journal.deadLetters.list({}, 10, cursor);
      found.push(...page.letters.map(({ id }) => id));
      cursor = page.cursor;
      pages++;
    } while (cursor !== undefined);
    assertEquals(found, events.map(({ id }) => id));
    assertEquals(pages, 2);
  });

  test("finds letters by every condition, and by several together", async (journal) => {
    const [first] = await killMany(journal, 1, { namespace: "a", webhook: "orders" }, REJECTED);
    const [second] = await killMany(journal, 1, { namespace: "a", webhook: "refunds" }, TIMED_OUT);
    const [third] = await killMany(journal, 1, { namespace: "b", webhook: "orders" }, TIMED_OUT);
    const ids = [first!.id, second!.id, third!.id];
    const find = (filter: DeadLetterFilter) => idsOf(journal.deadLetters, filter);
    assertEquals(await find({}), ids);
    assertEquals(await find({ ids: [ids[2]!, ids[0]!] }), [ids[0], ids[2]]);
    assertEquals(await find({ ids: [] }), []);
    assertEquals(await find({ namespace: "a" }), [ids[0], ids[1]]);
    for (
      const [pattern, found] of [["*", ids], ["b*", [ids[2]]], ["*a*", [ids[0], ids[1]]], ["_", []]] as const
    ) {
      assertEquals(await find({ namespaces: [pattern] }), found, pattern);
    }
    assertEquals(await find({ namespaces: ["b", "c-*"], webhook: "orders" }), [ids[2]]);
    assertEquals(await find({ namespaces: ["a"], namespace: "b" }), []);
    assertEquals(await find({ namespaces: [] }), []);
    assertEquals(await find({ webhook: "orders" }), [ids[0], ids[2]]);
    assertEquals(await find({ connection: "redis_main" }), [ids[1], ids[2]]);
    assertEquals(await find({ reason: "output_timeout", namespace: "a" }), [ids[1]]);
    assertEquals(await find({ reason: "output_timeout", connection: "kafka_main" }), []);
    const { diedAt } = (await journal.deadLetters.list({ ids: [ids[1]!] }, 1)).letters[0]!;
    assertEquals((await find({ after: diedAt })).includes(ids[1]!), true);
    assertEquals((await find({ after: diedAt + 1 })).includes(ids[1]!), false);
    assertEquals((await find({ before: diedAt })).includes(ids[1]!), false);
    assertEquals((await find({ before: diedAt + 1 })).includes(ids[1]!), true);
  });

  test("replays letters as if they had just been accepted, ids and progress kept", async (journal) => {
    const events = await killMany(journal, 3, {}, REJECTED, "step 3");
    const [other] = await killMany(journal, 1, { webhook: "payments" }, REJECTED);
    assertEquals(await journal.deadLetters.replay({ webhook: "orders" }), 3);
    assertEquals([journal.stats().pending, journal.stats().deadLetters], [3, 1]);
    assertEquals(await idsOf(journal.deadLetters, {}), [other!.id]);
    const { events: claimed } = await claimAll(journal);
    assertEquals(claimed.map(({ event }) => event.id), events.map(({ id }) => id));
    assertEquals(claimed.map(({ attempts, progress }) => [attempts, progress]), Array(3).fill([1, "step 3"]));
    assertSameEvent(claimed[0]!.event, events[0]!);
    assertEquals(await journal.deadLetters.replay({ webhook: "orders" }), 0);
  });

  test("takes a replayed event that is given up again as one letter", async (journal) => {
    const [event] = await killMany(journal, 1, {}, REJECTED);
    await journal.deadLetters.replay({});
    const [claimed] = (await claimAll(journal)).events;
    await journal.settle({ sequence: claimed!.sequence, state: "dead", failure: TIMED_OUT });
    const { letters } = await journal.deadLetters.list({}, 10);
    assertEquals(letters.map(({ id, reason }) => [id, reason]), [[event!.id, "output_timeout"]]);
    assertEquals(journal.stats().deadLetters, 1);
  });

  test("drops letters for good, and only those that are meant", async (journal, harness) => {
    const [kept] = await killMany(journal, 1, { webhook: "payments" }, REJECTED);
    const dropped = await killMany(journal, 3, {}, REJECTED);
    assertEquals(await journal.deadLetters.drop({ ids: dropped.map(({ id }) => id) }), 3);
    assertEquals([journal.stats().pending, journal.stats().deadLetters], [0, 1]);
    await harness.crash(journal);
    await using restarted = await harness.open();
    assertEquals(await idsOf(restarted.deadLetters, {}), [kept!.id]);
    assertEquals(await restarted.deadLetters.get(dropped[0]!.id), undefined);
  });

  test("replays and drops more letters than one commit takes", async (journal) => {
    await killMany(journal, 1_200, {}, REJECTED);
    assertEquals(await journal.deadLetters.replay({ namespace: "default" }), 1_200);
    assertEquals([journal.stats().pending, journal.stats().deadLetters], [1_200, 0]);
    const { events } = await journal.claim({ namespace: "default", webhook: "orders" }, {
      events: 2_000,
      bytes: 10_000_000,
    });
    await Promise.all(
      events.map(({ sequence }) => journal.settle({ sequence, state: "dead", failure: REJECTED })),
    );
    assertEquals(await journal.deadLetters.drop({}), 1_200);
    assertEquals([journal.stats().pending, journal.stats().deadLetters], [0, 0]);
  });

  test("buries an event that was never appended", async (journal, harness) => {
    const event = { ...verifiedEvent(), body: bodies()["a binary body"]! } as VerifiedEvent;
    await journal.deadLetters.bury(event, TIMED_OUT, 5);
    await harness.crash(journal);
    await using restarted = await harness.open();
    const letter = await restarted.deadLetters.get(event.id);
    assertSameEvent(letter!.event, event);
    assertEquals([letter?.reason, letter?.connection, letter?.attempts], ["output_timeout", "redis_main", 5]);
    assertEquals([restarted.stats().pending, restarted.stats().deadLetters], [0, 1]);
    assertEquals(await restarted.deadLetters.replay({ ids: [event.id] }), 1);
    assertEquals((await claimAll(restarted)).events.map((claimed) => claimed.event.id), [event.id]);
  });

  test("buries an event twice as one letter, with the reason of the last time", async (journal) => {
    const event = verifiedEvent();
    await journal.deadLetters.bury(event, TIMED_OUT, 1);
    await journal.deadLetters.bury(event, REJECTED, 2);
    const { letters } = await journal.deadLetters.list({}, 10);
    assertEquals(letters.map(({ id, reason, attempts }) => [id, reason, attempts]), [
      [event.id, "output_rejected", 2],
    ]);
    assertEquals(journal.stats().deadLetters, 1);
  });
}

async function claim(journal: Journal, event: VerifiedEvent): Promise<number> {
  const appended = await append(journal, event, { claim: true });
  if ("sequence" in appended) return appended.sequence;
  throw new Error(`The event repeats ${appended.duplicateOf}`);
}

/** Appends events and gives them up. */
async function killMany(
  journal: Journal,
  count: number,
  parts: EventParts,
  failure: AttemptFailure,
  progress?: string,
): Promise<VerifiedEvent[]> {
  const events = Array.from({ length: count }, () => verifiedEvent(parts));
  const sequences = await Promise.all(events.map((event) => claim(journal, event)));
  await Promise.all(
    sequences.map((sequence) =>
      journal.settle({ sequence, state: "dead", failure, ...(progress === undefined ? {} : { progress }) })
    ),
  );
  return events;
}

async function idsOf(deadLetters: DeadLetters, filter: DeadLetterFilter): Promise<string[]> {
  return (await deadLetters.list(filter, 1_000)).letters.map(({ id }) => id);
}
