import { assertEquals } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { IdempotencyTable } from "../../../../src/journal/sqlite/worker/tables/idempotency.ts";
import { KeyRuns } from "../../../../src/journal/sqlite/worker/tables/key_runs.ts";
import { migrate } from "../../../../src/journal/sqlite/worker/schema.ts";

/** Keys that stand in runs before the oldest are sorted. */
const MAX_RECENT = 40;

/** An empty file in memory. */
function openFile(): DatabaseSync {
  const database = new DatabaseSync(":memory:");
  migrate(database);
  return database;
}

/** What one transaction does. */
interface Step {
  readonly puts: readonly (readonly [lane: number, name: number, repeat: "replayed" | "duplicate"])[];
  readonly passes: number;
  readonly isCommitted: boolean;
  readonly reopens: boolean;
  readonly sweeps: boolean;
}

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    puts: fc.array(
      fc.tuple(fc.integer({ min: 1, max: 3 }), fc.nat(60), fc.constantFrom("replayed", "duplicate")),
      { maxLength: 30 },
    ),
    passes: fc.nat(300),
    isCommitted: fc.boolean(),
    reopens: fc.boolean(),
    sweeps: fc.boolean(),
  }),
  { maxLength: 25 },
);

Deno.test("keys of repeats are known until they expire, whatever is sorted, taken back or reopened", () => {
  fc.assert(
    fc.property(steps, (all) => {
      using database = openFile();
      let table = new IdempotencyTable(database, MAX_RECENT);
      let known = new Map<string, readonly [eventId: string, expiresAt: number]>();
      let now = 1_000_000;
      for (const [number, step] of all.entries()) {
        now += step.passes;
        const before = new Map(known);
        database.exec("BEGIN");
        for (const [index, [lane, name, repeat]] of step.puts.entries()) {
          const key = { repeat, key: `key ${name}`, ttlMs: name % 2 === 0 ? 500 : 1500 };
          const eventId = `event-${number}-${index}`;
          table.put(lane, key, eventId, now);
          known.set(`${lane} ${repeat} ${key.key}`, [eventId, now + key.ttlMs]);
          assertEquals(table.find(lane, key, now), eventId);
        }
        if (step.sweeps) { while (table.removeExpired(5, now)); }
        table.flush();
        database.exec(step.isCommitted ? "COMMIT" : "ROLLBACK");
        if (step.isCommitted) table.commit();
        else {
          table.rollback();
          known = before;
        }
        if (step.reopens) table = new IdempotencyTable(database, MAX_RECENT);
        compare(table, known, now);
      }
    }),
    { numRuns: 60 },
  );
});

function compare(
  table: IdempotencyTable,
  known: ReadonlyMap<string, readonly [eventId: string, expiresAt: number]>,
  now: number,
): void {
  for (let lane = 1; lane <= 3; lane++) {
    const replayed: string[] = [];
    for (let name = 0; name <= 60; name++) {
      for (const repeat of ["replayed", "duplicate"] as const) {
        const key = { repeat, key: `key ${name}`, ttlMs: 0 };
        const [eventId, expiresAt] = known.get(`${lane} ${repeat} ${key.key}`) ?? ["", 0];
        assertEquals(table.find(lane, key, now), expiresAt > now ? eventId : undefined);
        if (repeat === "replayed" && expiresAt > now) replayed.push(key.key);
      }
    }
    const recalled = table.recall(lane, 1000, now);
    assertEquals(recalled.map(({ key }) => key).sort(), replayed.sort());
    const newest = table.recall(lane, 5, now).map(({ expiresAt }) => expiresAt);
    assertEquals(newest, newest.toSorted((a, b) => a - b));
    assertEquals(newest.length, Math.min(5, replayed.length));
  }
}

Deno.test("a key that comes again and again within a transaction may be sorted with it", () => {
  using database = openFile();
  const table = new IdempotencyTable(database, MAX_RECENT);
  const key = { repeat: "replayed", key: "key", ttlMs: 500 } as const;
  for (const count of [MAX_RECENT, 10]) {
    database.exec("BEGIN");
    for (let event = 1; event <= count; event++) table.put(1, key, `${event} of ${count}`, 1000);
    table.flush();
    database.exec("COMMIT");
    table.commit();
  }
  assertEquals(table.find(1, key, 1000), "10 of 10");
});

Deno.test("keys with the same print in memory are told apart", () => {
  using database = openFile();
  const runs = new KeyRuns(database);
  // The print begins with the lane and the first character: 1 and "b" make what 2 and "a" make.
  runs.add(1, "b-key", "first", 2000, 1000);
  runs.flush();
  runs.commit();
  assertEquals([runs.find(1, "b-key", 1000), runs.find(2, "a-key", 1000)], ["first", undefined]);
  runs.add(2, "a-key", "second", 2500, 1000);
  runs.flush();
  runs.commit();
  assertEquals([runs.find(1, "b-key", 1000), runs.find(2, "a-key", 1000)], ["first", "second"]);
  assertEquals(runs.removeExpired(10, 2000), false);
  runs.commit();
  assertEquals([runs.find(1, "b-key", 2000), runs.find(2, "a-key", 2000), runs.size], [
    undefined,
    "second",
    1,
  ]);
});
