import { assert, assertEquals, assertRejects } from "@std/assert";
import type { SqliteJournal } from "../../../../src/journal/sqlite/sqlite_journal.ts";
import { DeliveryError, GatewayError } from "../../../../src/errors.ts";
import { EventBody } from "../../../../src/event/event.ts";
import type { VerifiedEvent } from "../../../../src/event/verified_event.ts";
import type { LaneHolding } from "../../../../src/journal/journal.ts";
import { SeededRandom } from "../../../faults/random.ts";
import { append } from "../../../support/journal/append.ts";
import { JournalDirectory } from "../../../support/journal/sqlite_journal.ts";
import { eventually } from "../../../support/eventually.ts";
import { type EventParts, verifiedEvent } from "../../../support/verified_event.ts";

const MAX_BYTES = 2_000_000;
const BODY_BYTES = 20_000;
const CLAIM = { claim: true };
const WAIT = { claim: false };
const FAILURE = { code: "output_rejected", message: "No", connection: "a" } as const;
const QUEUE = { ttlMs: 3_600_000, maxSize: 10_000 };

function event(parts: EventParts = {}): VerifiedEvent {
  return verifiedEvent({ webhook: "down", body: "x".repeat(BODY_BYTES), ...parts });
}

/** Appends claimed events of a webhook until it has its share; returns their sequences. */
async function fillShare(journal: SqliteJournal, parts: EventParts = {}): Promise<number[]> {
  const sequences: number[] = [];
  const error = await assertRejects(async () => {
    while (true) {
      const appended = await append(journal, event(parts), CLAIM);
      if ("sequence" in appended) sequences.push(appended.sequence);
    }
  }, GatewayError);
  assertEquals([error.code, error.retryAfterSeconds], ["journal_share_full", 5]);
  return sequences;
}

/** What the webhook of the tests holds, once no longer an earlier figure is shown. */
async function untilHeld(journal: SqliteJournal, isExpected: (bytes: number) => boolean): Promise<void> {
  await eventually(() => {
    const bytes = journal.stats().holders.find(({ webhook }) => webhook === "down")?.bytes ?? 0;
    assert(isExpected(bytes), `${bytes} bytes`);
  });
}

Deno.test("SQLite journal has room for others when a webhook holds its share of it", async () => {
  await using directory = await JournalDirectory.create({ maxBytes: MAX_BYTES, retentionMs: 0 });
  const journal = await directory.open();
  const first = await fillShare(journal);
  const { bytes } = journal.stats();
  assert(bytes > MAX_BYTES * 0.4 && bytes < MAX_BYTES * 0.6, `${bytes} bytes of ${MAX_BYTES}`);
  await untilHeld(journal, (held) => held > MAX_BYTES * 0.4);
  const second = await fillShare(journal, { webhook: "down-too" });
  assert(second.length > first.length / 4 && second.length < first.length, `${second.length} more`);
  for (let sent = 0; sent < 5; sent++) await append(journal, event({ webhook: "well" }), CLAIM);

  await Promise.all(first.map((sequence) => journal.settle({ sequence, state: "delivered" })));
  await append(journal, event(), CLAIM);
});

Deno.test("SQLite journal counts dead letters for their webhook until they are dropped", async () => {
  await using directory = await JournalDirectory.create({ maxBytes: MAX_BYTES, retentionMs: 0 });
  {
    await using journal = await directory.open();
    for (const sequence of await fillShare(journal)) {
      await journal.settle({ sequence, state: "dead", failure: FAILURE });
    }
  }
  const journal = await directory.open();
  assertEquals(await fillShare(journal), []);
  await append(journal, event({ webhook: "well" }), CLAIM);
  await journal.deadLetters.drop({ webhook: "down" });
  await append(journal, event(), CLAIM);
});

Deno.test("SQLite journal counts what stands in channels for the webhook that it came by", async () => {
  await using directory = await JournalDirectory.create({ maxBytes: MAX_BYTES, retentionMs: 0 });
  const journal = await directory.open();
  const tags: string[] = [];
  const error = await assertRejects(async () => {
    while (true) {
      const message = event();
      await journal.channels.enqueue("a", message, QUEUE);
      tags.push(message.id);
    }
  }, DeliveryError);
  assertEquals(error.code, "overloaded");
  assert(tags.length > 20, `${tags.length} messages`);
  assertEquals(await fillShare(journal), []);
  await journal.channels.enqueue("a", event({ webhook: "well" }), QUEUE);
  await journal.channels.acknowledge("a", tags);
  await append(journal, event(), CLAIM);
});

Deno.test("SQLite journal recognises repeated events of a webhook that holds its share", async () => {
  for (const body of ["x".repeat(BODY_BYTES), "{}"]) {
    await using directory = await JournalDirectory.create({ maxBytes: MAX_BYTES, retentionMs: 0 });
    const journal = await directory.open();
    const keyed = (key: string) => ({
      ...CLAIM,
      keys: [{ repeat: "duplicate", key, ttlMs: 60_000 }] as const,
    });
    const some = (webhook: string) => ({ ...event({ webhook }), body: EventBody.fromText(body) });
    const original = some("down");
    await append(journal, original, keyed("first"));
    await fillShare(journal);
    const [repeated, refused, other, again] = await Promise.allSettled([
      append(journal, some("down"), keyed("first")),
      append(journal, some("down"), keyed("second")),
      append(journal, some("well"), keyed("first")),
      append(journal, some("down"), keyed("second")),
    ]);
    assertEquals(repeated, {
      status: "fulfilled",
      value: { duplicateOf: original.id, repeat: "duplicate" },
    });
    // What was refused is remembered by nothing.
    assertEquals([refused.status, other.status, again.status], ["rejected", "fulfilled", "rejected"]);
  }
});

for (const seed of [1, 2, 3]) {
  Deno.test(`SQLite journal knows what webhooks hold, whatever happened (${seed})`, async () => {
    await using directory = await JournalDirectory.create({ maxBytes: 400_000, retentionMs: 0 });
    const random = new SeededRandom(seed);
    const before: readonly LaneHolding[] = await (async () => {
      await using journal = await directory.open();
      await doAnything(journal, random);
      return await settledHolders(journal);
    })();
    const journal = await directory.open();
    await append(journal, event({ webhook: "last", body: "" }), WAIT);
    const after = (await settledHolders(journal)).filter(({ webhook }) => webhook !== "last");
    assertEquals(after, before.filter(({ webhook }) => webhook !== "last"));
  });
}

/** Appends, settles, replays and drops events of several webhooks in any order. */
async function doAnything(journal: SqliteJournal, random: SeededRandom): Promise<void> {
  const claimed: number[] = [];
  const tags: string[] = [];
  const bodies = () => random.pick(["", "{}", "Grüße, 世界 🎉", "x".repeat(random.between(1, 5_000))]);
  const any = (): VerifiedEvent => {
    const some = verifiedEvent({ webhook: random.pick(["a", "b", "c"]), body: bodies() });
    return random.next() < 0.7 ? { ...some, body: EventBody.fromText(bodies()) } : some;
  };
  const take = <T>(list: T[]): T | undefined => list.splice(random.between(0, list.length), 1)[0];
  const settle = async (state: "delivered" | "dead" | "retry") => {
    const sequence = take(claimed);
    if (sequence === undefined) return;
    if (state === "dead") await journal.settle({ sequence, state, failure: FAILURE });
    else if (state === "retry") await journal.settle({ sequence, state, dueAt: 0 });
    else await journal.settle({ sequence, state });
  };
  const actions: readonly (() => Promise<unknown>)[] = [
    async () => {
      const all = await Promise.allSettled(Array.from({ length: 6 }, () => append(journal, any(), CLAIM)));
      for (const each of all) {
        if (each.status === "fulfilled" && "sequence" in each.value) claimed.push(each.value.sequence);
      }
    },
    () => append(journal, any(), WAIT),
    () => settle("delivered"),
    () => settle("delivered"),
    () => settle("dead"),
    () => settle("retry"),
    async () => {
      const lane = { namespace: "default", webhook: random.pick(["a", "b"]) };
      const { events } = await journal.claim(lane, { events: random.between(1, 9), bytes: 1_000 });
      claimed.push(...events.map(({ sequence }) => sequence));
    },
    () => journal.deadLetters.replay({ webhook: random.pick(["a", "b", "c"]) }),
    () => journal.deadLetters.drop({ webhook: random.pick(["a", "b", "c"]) }),
    () => journal.records.drop({ webhook: random.pick(["a", "b", "c"]) }, random.between(1, 9)),
    async () => {
      const message = any();
      await journal.channels.enqueue("channel", message, QUEUE);
      tags.push(message.id);
    },
    () => journal.channels.acknowledge("channel", [take(tags) ?? ""]),
    () =>
      journal.channels.reject("channel", [{ tag: take(tags) ?? "" }], {
        code: "output_rejected",
        message: "No",
      }),
  ];
  for (let step = 0; step < 150; step++) {
    await random.pick(actions)().catch((error) => {
      if (!(error instanceof GatewayError)) throw error;
    });
  }
  // What is claimed would be given back by the next start, and take its own rows.
  while (claimed.length > 0) await settle("retry");
}

/** The holders as they are now: two looks that came after this moment agree. */
async function settledHolders(journal: SqliteJournal): Promise<readonly LaneHolding[]> {
  let former = journal.stats().holders;
  return await eventually(() => {
    const holders = journal.stats().holders;
    const isNew = holders !== former;
    const isSettled = isNew && JSON.stringify(holders) === JSON.stringify(former);
    former = holders;
    assert(isSettled);
    return holders.toSorted((a, b) => a.webhook.localeCompare(b.webhook));
  });
}
