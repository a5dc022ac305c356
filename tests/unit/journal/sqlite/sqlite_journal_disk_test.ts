import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { mayHoldSqliteJournal, type SqliteJournal } from "../../../../src/journal/sqlite/sqlite_journal.ts";
import { GatewayError } from "../../../../src/errors.ts";
import { Health } from "../../../../src/health/health.ts";
import { claimAll } from "../../../contracts/journal.ts";
import { LimitedDisk } from "../../../support/limited_disk.ts";
import { openJournal } from "../../../support/journal/sqlite_journal.ts";
import { TempDir } from "../../../support/temp_dir.ts";
import { verifiedEvent } from "../../../support/verified_event.ts";
import { append } from "../../../support/journal/append.ts";
import { patience } from "../../../support/patience.ts";

const CLAIM = { claim: true };
const WAIT = { claim: false };

Deno.test("SQLite journal makes nothing on disk before it is used", async () => {
  await using temporary = await TempDir.create();
  const directory = temporary.file("data", "cwm");
  {
    await using journal = await openJournal(directory);
    assertEquals(await mayHoldSqliteJournal(directory), false);
    assertEquals(await listDirectory(temporary.path), []);
    await append(journal, verifiedEvent(), WAIT);
    assertEquals(await mayHoldSqliteJournal(directory), true);
  }
  await using reopened = await openJournal(directory);
  assertEquals(reopened.stats().pending, 1, "an existing journal is opened at once");
});

Deno.test("SQLite journal can be read by nobody else", async () => {
  await using temporary = await TempDir.create();
  const directory = temporary.file("data");
  await using journal = await openJournal(directory);
  await append(journal, verifiedEvent(), WAIT);
  assertEquals(await modeOf(directory), 0o700);
  const files = await listDirectory(directory);
  assertEquals(files, ["journal.db", "journal.db-wal"]);
  for (const file of files) assertEquals(await modeOf(`${directory}/${file}`), 0o600, file);
});

Deno.test("SQLite journal refuses what does not fit on a full disk, and takes it when there is space", async () => {
  await using disk = await LimitedDisk.create();
  const acknowledged: string[] = [];
  {
    await using journal = await openJournal(disk.directory);
    const acknowledge = async (bytes: number) => {
      const event = verifiedEvent({ body: "x".repeat(bytes) });
      await append(journal, event, WAIT);
      acknowledged.push(event.id);
    };
    await acknowledge(1_000);
    await disk.fill();
    await assertUnavailable(async () => {
      while (true) await acknowledge(50_000);
    });
    assertEquals(journal.stats().pending, acknowledged.length);
    await disk.free();
    await acknowledge(50_000);
    assertEquals(journal.stats().pending, acknowledged.length);
  }
  await using reopened = await openJournal(disk.directory);
  const { events } = await reopened.claim({ namespace: "default", webhook: "orders" }, {
    events: 10_000,
    bytes: 100_000_000,
  });
  assertEquals(events.map(({ event }) => event.id), acknowledged, "nothing half-written, nothing lost");
});

Deno.test("SQLite journal is settled and read while its disk is full", async () => {
  await using disk = await LimitedDisk.create();
  await using journal = await openJournal(disk.directory);
  const sequences: number[] = [];
  for (let count = 0; count < 10; count++) sequences.push(await sequenceOf(journal, 1_000));
  await disk.fill();
  // What is written here goes into the log, which has its place on the disk already.
  await assertUnavailable(async () => {
    while (true) await sequenceOf(journal, 50_000);
  });
  const settled = await Promise.allSettled([
    ...sequences.map((sequence) => journal.settle({ sequence, state: "delivered" })),
    append(journal, verifiedEvent({ body: "x".repeat(500_000) }), WAIT),
  ]);
  const refused = settled.filter(({ status }) => status === "rejected");
  assertNotEquals(refused.length, 0);
  for (const { reason } of refused as PromiseRejectedResult[]) assertUnavailableError(reason);
  await disk.free();
  await Promise.all(sequences.map((sequence) => journal.settle({ sequence, state: "delivered" })));
  const before = journal.stats().pending ?? NaN;
  await sequenceOf(journal, 1_000);
  assertEquals(journal.stats().pending, before + 1);
});

Deno.test("SQLite journal is no reason not to start when its disk is read-only, and recovers", async () => {
  await using disk = await LimitedDisk.create();
  {
    await using journal = await openJournal(disk.directory);
    await append(journal, verifiedEvent({ id: "first" }), CLAIM);
  }
  await disk.makeReadOnly("journal.db");
  await using journal = await openJournal(disk.directory);
  await assertUnavailable(() => append(journal, verifiedEvent(), WAIT));
  await assertUnavailable(() => claimAll(journal));
  await assertUnavailable(() => journal.deadLetters.list({}, 10));
  await disk.makeWritable("journal.db");
  await append(journal, verifiedEvent({ id: "second" }), WAIT);
  const { events } = await claimAll(journal);
  assertEquals(events.map(({ event }) => event.id), ["first", "second"]);
});

Deno.test("SQLite journal waits for a directory that cannot be made, and recovers", async () => {
  await using temporary = await TempDir.create();
  const inTheWay = await temporary.writeText("data", "a file where the directory should be");
  const health = new Health();
  await using journal = await openJournal(temporary.file("data", "cwm"), { health });
  await assertUnavailable(() => append(journal, verifiedEvent(), WAIT));
  assertEquals(health.troubles().map(({ part, kind }) => [part, kind]), [["journal", "unavailable"]]);
  await assertUnavailable(() =>
    journal.claim({ namespace: "default", webhook: "orders" }, { events: 1, bytes: 1 })
  );
  await Deno.remove(inTheWay);
  await append(journal, verifiedEvent(), WAIT);
  assertEquals(journal.stats().pending, 1);
  assertEquals(health.troubles(), []);
});

Deno.test("SQLite journal takes no more than its bound, and again once events were delivered", async () => {
  await using temporary = await TempDir.create();
  const health = new Health();
  await using journal = await openJournal(temporary.file("data"), {
    maxBytes: 1_000_000,
    retentionMs: 0,
    retentionBytes: 0,
    health,
  });
  const sequences: number[] = [];
  const error = await assertUnavailable(async () => {
    // Of several webhooks: one alone has its share only.
    for (let number = 0;; number++) sequences.push(await sequenceOf(journal, 20_000, `webhook-${number}`));
  });
  assert(error.message.includes("bound of 1000000 bytes"), error.message);
  assertEquals(health.troubles().map(({ part, kind }) => [part, kind]), [["journal", "full"]]);
  assert(sequences.length > 30, `${sequences.length} events fit`);
  assert(journal.stats().bytes < 1_100_000);
  await assertUnavailable(() => journal.deadLetters.bury(verifiedEvent(), FAILURE, 1));
  await assertUnavailable(() =>
    journal.channels.enqueue("a", verifiedEvent(), { ttlMs: 1_000, maxSize: 10 })
  );

  await journal.settle({ sequence: sequences[0]!, state: "attempt" });
  await Promise.all(sequences.map((sequence) => journal.settle({ sequence, state: "delivered" })));
  await untilAppended(journal);
  assert(journal.stats().bytes < 1_100_000);
});

Deno.test("SQLite journal refuses more than may wait for it, before memory grows", async () => {
  await using temporary = await TempDir.create();
  await using journal = await openJournal(temporary.file("data"), {
    maxWaiting: 50,
    maxWaitingBytes: 100_000,
  });
  const many = await Promise.allSettled(
    Array.from({ length: 80 }, () => append(journal, verifiedEvent({ body: "x" }), WAIT)),
  );
  assertEquals(many.filter(({ status }) => status === "fulfilled").length, 50);
  const large = await Promise.allSettled(
    Array.from({ length: 5 }, () => append(journal, verifiedEvent({ body: "x".repeat(40_000) }), WAIT)),
  );
  assertEquals(large.map(({ status }) => status), [
    "fulfilled",
    "fulfilled",
    "rejected",
    "rejected",
    "rejected",
  ]);
  for (const result of [...many, ...large]) {
    if (result.status === "fulfilled") continue;
    assertEquals([result.reason.code, result.reason.retryAfterSeconds], ["overloaded", 1]);
  }
  await append(journal, verifiedEvent({ body: "x".repeat(500_000) }), WAIT);
  assertEquals(journal.stats().pending, 53);
});

const FAILURE = { code: "output_rejected", message: "No", connection: "a" } as const;

async function sequenceOf(journal: SqliteJournal, bytes: number, webhook = "orders"): Promise<number> {
  const appended = await append(journal, verifiedEvent({ webhook, body: "x".repeat(bytes) }), CLAIM);
  if ("sequence" in appended) return appended.sequence;
  throw new Error(`The event repeats ${appended.duplicateOf}`);
}

/** The sweeper needs a moment to make room. */
async function untilAppended(journal: SqliteJournal): Promise<void> {
  const deadline = patience(10_000);
  while (true) {
    deadline.throwIfAborted();
    try {
      await append(journal, verifiedEvent(), WAIT);
      return;
    } catch (error) {
      assertUnavailableError(error);
    }
  }
}

async function assertUnavailable(operation: () => Promise<unknown>): Promise<GatewayError> {
  const error = await assertRejects(operation, GatewayError);
  assertUnavailableError(error);
  return error;
}

function assertUnavailableError(error: unknown): void {
  assert(error instanceof GatewayError);
  assertEquals([error.code, error.retryAfterSeconds !== undefined], ["journal_unavailable", true]);
}

async function listDirectory(path: string): Promise<string[]> {
  const names = [];
  for await (const { name } of Deno.readDir(path)) names.push(name);
  return names.toSorted();
}

async function modeOf(path: string): Promise<number> {
  return ((await Deno.stat(path)).mode ?? 0) & 0o777;
}
