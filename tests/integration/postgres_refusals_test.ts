/**
 * What the server refuses of a lot, for the sake of one value: by a rule that somebody has given a table of the journal.
 *
 * @module
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { GatewayError } from "../../src/errors.ts";
import type { VerifiedEvent } from "../../src/event/verified_event.ts";
import type { Appended, AppendOptions, Settlement } from "../../src/journal/journal.ts";
import type { PostgresJournal } from "../../src/journal/postgres/postgres_journal.ts";
import { appendMany, claimAll } from "../contracts/journal.ts";
import { eventually } from "../support/eventually.ts";
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

/** Sends an event, and again while the answer takes too long, as on a slow machine. */
async function send(
  journal: PostgresJournal,
  event: VerifiedEvent,
  options: AppendOptions,
): Promise<Appended> {
  for (;;) {
    try {
      return await append(journal, event, options);
    } catch (error) {
      if (!(error instanceof GatewayError) || error.code !== "journal_unavailable") throw error;
    }
  }
}

async function assertRefusedFor(sent: Promise<Appended>): Promise<void> {
  const error = await assertRejects(() => sent, GatewayError);
  assertEquals([error.code, error.message], ["internal_error", "The journal refuses this event"]);
}

/** Sends events one after the other until it is said to end, and returns how often it was refused. */
async function sendUntil(journal: PostgresJournal, ended: () => boolean): Promise<number> {
  let refused = 0;
  while (!ended()) {
    await append(journal, verifiedEvent(), CLAIM).catch((error: GatewayError) => {
      assertEquals(error.code, "journal_unavailable");
      refused++;
    });
  }
  return refused;
}

async function deliver(journal: PostgresJournal, sequences: readonly number[]): Promise<void> {
  await Promise.all(sequences.map((sequence) => journal.settle({ sequence, state: "delivered" })));
}

Deno.test("an event that the server refuses is refused alone, whatever comes with it", async () => {
  await using journals = await PostgresJournals.create();
  const journal = await journals.open();
  await refuse(journals, "pack", contains("new.data", "poison"));
  const before = await appendMany(journal, 3, {}, CLAIM);
  const outcomes = deliver(journal, before);
  const others = Array.from({ length: 70 }, () => send(journal, verifiedEvent(), CLAIM));
  const poison = [CLAIM, { claim: false }, ORDERED].map((options) =>
    send(journal, verifiedEvent({ body: '"poison"' }), options)
  );
  const waiting = [1, 2, 3].map(() => send(journal, verifiedEvent({ webhook: "waiting" }), { claim: false }));
  for (const refused of poison) await assertRefusedFor(refused);
  await outcomes;
  const sequences = (await Promise.all(others)).map((appended) =>
    "sequence" in appended ? appended.sequence : 0
  );
  await Promise.all(waiting);
  assertEquals(journal.stats().pending, others.length + waiting.length);
  await deliver(journal, sequences);
  const { events } = await journal.claim({ namespace: "default", webhook: "waiting" }, EVERYTHING);
  assertEquals(events.length, waiting.length);
  await deliver(journal, events.map(({ sequence }) => sequence));
  await journals.hasPacks(0);
});

Deno.test("events behind a refused one keep their order, and a key that it had is free", async () => {
  await using journals = await PostgresJournals.create();
  const journal = await journals.open();
  await refuse(journals, "pack", contains("new.data", "poison"));
  const keys = [{ repeat: "duplicate", key: "key", ttlMs: 3_600_000 }] as const;
  const accepted: string[] = [];
  const sent = ["1", "2", "poison", "3", "4"].map((body, index) => {
    const event = verifiedEvent({ body: JSON.stringify(body) });
    const appended = append(journal, event, index < 2 ? ORDERED : { ...ORDERED, keys });
    return appended.then(
      (taken) => void ("sequence" in taken && accepted.push(body)),
      (error: GatewayError) => error.code,
    );
  });
  const [, , poison] = await Promise.all(sent);
  assert(poison !== undefined);
  const claimed: string[] = [];
  await eventually(async () => {
    const { events } = await claimAll(journal);
    claimed.push(...events.map(({ event }) => JSON.parse(event.body.text)));
    assertEquals(claimed, accepted);
  });
  assert(!accepted.includes("4"), "It repeats the one before");
  assert(accepted.includes("3"));
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

for (const retentionMs of [0, 3_600_000]) {
  const kept = retentionMs === 0 ? "" : ", although it was to be kept";
  Deno.test(`on a full disk, what is delivered makes room while senders go on${kept}`, async () => {
    await using journals = await PostgresJournals.create({ retentionMs });
    const journal = await journals.open();
    const sequences = await appendMany(journal, 3, {}, CLAIM);
    // As the server answers what needs room.
    await journals.database.query(
      "create function no_room() returns trigger language plpgsql as $$ begin raise exception 'no room' using errcode = '53100'; end $$",
    );
    await journals.database.query(
      "create trigger no_room before insert or update on cwm.pack for each row execute function no_room()",
    );
    let hasRoom = false;
    const senders = [sendUntil(journal, () => hasRoom), sendUntil(journal, () => hasRoom)];
    const outcomes = deliver(journal, sequences);
    await eventually(async () => {
      const rows = await journals.database.query("select from cwm.pack");
      assertEquals(rows.length, 0);
    });
    hasRoom = true;
    for (const refused of await Promise.all(senders)) assert(refused > 0);
    await outcomes;
    await journals.database.query("drop trigger no_room on cwm.pack");
    await deliver(journal, await appendMany(journal, 1, {}, CLAIM));
    assertEquals(journal.stats().pending, 0);
  });
}

Deno.test("whatever a database has set for its sessions, events come and go at several gateways", async () => {
  await using journals = await PostgresJournals.create();
  const { database } = journals;
  for (
    const setting of [
      "default_transaction_isolation = 'serializable'",
      "statement_timeout = '2s'",
      "lock_timeout = '50ms'",
      "idle_in_transaction_session_timeout = '10ms'",
      "standard_conforming_strings = off",
      "bytea_output = escape",
      "synchronous_commit = remote_apply",
    ]
  ) await database.query(`alter database ${database.name} set ${setting}`);
  const gateways = await Promise.all([journals.open(), journals.open()]);
  const options: AppendOptions[] = [
    CLAIM,
    { claim: true, keys: [{ repeat: "duplicate", key: "key", ttlMs: 3_600_000 }] },
  ];
  for (let round = 0; round < 10; round++) {
    await Promise.all(gateways.flatMap((journal) =>
      options.map(async (option) => {
        const appended = await append(journal, verifiedEvent({ body: '"\\\\x"' }), option);
        if ("sequence" in appended) await journal.settle({ sequence: appended.sequence, state: "delivered" });
      })
    ));
  }
  await journals.hasPacks(0);
  const left = await appendMany(gateways[0]!, 5);
  await gateways[0]![Symbol.asyncDispose]();
  await eventually(() => assertEquals(gateways[1]!.stats().pending, left.length));
  const { events } = await claimAll(gateways[1]!);
  assertEquals(events.length, left.length);
});
