/**
 * What the server refuses of a lot, for the sake of one value: by a rule that somebody has given a table of the journal.
 *
 * @module
 */

import { assertEquals, assertRejects } from "@std/assert";
import type { ErrorCode } from "../../src/errors.ts";
import { GatewayError } from "../../src/errors.ts";
import type { Appended, AppendOptions, Settlement } from "../../src/journal/journal.ts";
import type { PostgresJournal } from "../../src/journal/postgres/postgres_journal.ts";
import { appendMany, claimAll } from "../contracts/journal.ts";
import { append } from "../support/journal/append.ts";
import { PostgresJournals } from "../support/journal/postgres_journal.ts";
import { verifiedEvent } from "../support/verified_event.ts";

const CLAIM: AppendOptions = { claim: true };
const ORDERED: AppendOptions = { claim: false, ordered: true };
const EVERYTHING = { events: 1_000, bytes: 1_000_000, early: "all" } as const;

/** No row is taken that the condition is true of. */
async function refuse(journals: PostgresJournals, table: string, condition: string): Promise<void> {
  await journals.database.query(`create function refuse() returns trigger language plpgsql as $$
    begin if ${condition} then raise exception 'refused' using errcode = '22023'; end if; return new; end $$`);
  const when = `before insert or update on cwm.${table} for each row`;
  await journals.database.query(`create trigger refuse ${when} execute function refuse()`);
}

/** Whether a part of a value in bytes is this text. */
function contains(value: string, text: string): string {
  return `position(convert_to('${text}', 'UTF8') in ${value}) > 0`;
}

function dead(sequence: number, message: string): Settlement {
  const failure = { code: "output_rejected", message, connection: "crm" } as const;
  return { sequence, state: "dead", failure, progress: '{"step":1}' };
}

async function assertRefusedFor(appended: Promise<Appended>, code: ErrorCode): Promise<void> {
  const error = await assertRejects(() => appended, GatewayError);
  assertEquals([error.code, error.message], [code, "The journal refuses this event"]);
}

async function deliver(journal: PostgresJournal, sequences: readonly number[]): Promise<void> {
  await Promise.all(sequences.map((sequence) => journal.settle({ sequence, state: "delivered" })));
}

Deno.test("an event that the server refuses is refused alone, whatever comes with it", async () => {
  await using journals = await PostgresJournals.create();
  const journal = await journals.open();
  await refuse(journals, "pack", contains("new.data", "poison"));
  const before = await appendMany(journal, 3, {}, CLAIM);
  const others = [
    appendMany(journal, 150, { webhook: "orders" }, CLAIM),
    appendMany(journal, 5, { webhook: "waiting" }),
  ];
  const outcomes = deliver(journal, before);
  const poison = [CLAIM, { claim: false }, ORDERED].map((options) =>
    append(journal, verifiedEvent({ body: '"poison"' }), options)
  );
  others.push(appendMany(journal, 150, { webhook: "orders" }, CLAIM));
  for (const refused of poison) await assertRefusedFor(refused, "internal_error");
  await outcomes;
  const taken = (await Promise.all(others)).flat();
  assertEquals(journal.stats().pending, taken.length);
  const { events } = await journal.claim({ namespace: "default", webhook: "waiting" }, EVERYTHING);
  assertEquals(events.length, 5);
  await deliver(journal, taken);
  await journals.hasPacks(0);
});

Deno.test("an event behind a refused one keeps its place, and its key", async () => {
  await using journals = await PostgresJournals.create();
  const journal = await journals.open();
  await refuse(journals, "pack", contains("new.data", "poison"));
  const keys = [{ repeat: "duplicate", key: "key", ttlMs: 3_600_000 }] as const;
  const bodies = ["1", "2", "poison", "3", "4"];
  const plain = bodies.map((body) => append(journal, verifiedEvent({ body: `"${body}"` }), ORDERED));
  const poison = append(journal, verifiedEvent({ body: '"poison"' }), { ...ORDERED, keys });
  const last = append(journal, verifiedEvent({ body: '"5"' }), { ...ORDERED, keys });
  await assertRefusedFor(plain[2]!, "internal_error");
  await assertRefusedFor(poison, "internal_error");
  await Promise.all([...plain.toSpliced(2, 1), last]);
  const { events } = await claimAll(journal);
  const claimed = events.map(({ event }) => event.body.text);
  assertEquals(claimed, ['"1"', '"2"', '"3"', '"4"', '"5"']);
});

Deno.test("an outcome whose text the server refuses is recorded without it", async () => {
  await using journals = await PostgresJournals.create({ retentionMs: 3_600_000 });
  const journal = await journals.open();
  await refuse(journals, "dead", "new.message like '%poison%'");
  const letters = await appendMany(journal, 5, {}, CLAIM);
  const settled = letters.map((sequence, index) => dead(sequence, index === 2 ? "poison" : "rejected"));
  const [sequence] = await appendMany(journal, 1, {}, CLAIM);
  await Promise.all([...settled.map((one) => journal.settle(one)), deliver(journal, [sequence!])]);
  const rows = await journals.database.query("select message from cwm.dead order by message");
  assertEquals(rows.map(({ message }) => message), ["", "", "", "", ""]);
});

Deno.test("what cannot be a dead letter is delivered again, and other outcomes are recorded", async () => {
  await using journals = await PostgresJournals.create();
  const journal = await journals.open();
  await refuse(journals, "dead", contains("new.event", "poison"));
  const [poison] = await appendMany(journal, 1, { body: '"poison"' }, CLAIM);
  const others = await appendMany(journal, 3, {}, CLAIM);
  await Promise.all([poison!, ...others].map((sequence) => journal.settle(dead(sequence, "rejected"))));
  const rows = await journals.database.query("select id from cwm.dead");
  assertEquals([rows.length, journal.stats().pending], [3, 1]);
  const { events } = await claimAll(journal);
  assertEquals(events.length, 0, "It is due in a minute");
  const again = await journal.claim({ namespace: "default", webhook: "orders" }, EVERYTHING);
  assertEquals(again.events.map(({ event, attempts }) => [event.body.text, attempts]), [['"poison"', 2]]);
  await deliver(journal, [poison!]);
  assertEquals(journal.stats().pending, 0);
  await journals.hasPacks(0);
});

Deno.test("a failure that the server refuses to note down keeps no event from its retry", async () => {
  await using journals = await PostgresJournals.create();
  const journal = await journals.open();
  await refuse(journals, "pack", "new.held like '%poison%'");
  const sequences = await appendMany(journal, 2, {}, CLAIM);
  const failure = { code: "output_failed", message: "poison", connection: "crm" } as const;
  await journal.settle({ sequence: sequences[0]!, state: "retry", dueAt: 0, failure });
  await deliver(journal, [sequences[1]!]);
  await journals.crash(journal);
  const next = await journals.open();
  const { events } = await claimAll(next);
  assertEquals(events.map(({ sequence, attempts }) => [sequence, attempts]), [[sequences[0]!, 2]]);
});
