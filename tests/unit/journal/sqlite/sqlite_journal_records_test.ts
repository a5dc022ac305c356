import { assert, assertEquals, assertRejects } from "@std/assert";
import { GatewayError } from "../../../../src/errors.ts";
import { testRecordsContract } from "../../../contracts/records.ts";
import { append } from "../../../support/journal/append.ts";
import { JournalDirectory, openJournal } from "../../../support/journal/sqlite_journal.ts";
import { TempDir } from "../../../support/temp_dir.ts";
import { verifiedEvent } from "../../../support/verified_event.ts";

const OTHER_LANE = { namespace: "team", webhook: "payments" };

testRecordsContract("SQLite journal", (choices) => JournalDirectory.create(choices));

Deno.test("a replay takes no more of the journal than a webhook may hold", async () => {
  await using temporary = await TempDir.create();
  const maxBytes = 2_000_000;
  await using journal = await openJournal(temporary.path, { retentionMs: 3_600_000, maxBytes });
  for (let number = 0; number < 12; number++) {
    const appended = await append(journal, verifiedEvent({ body: "x".repeat(100_000) }), { claim: true });
    assert("sequence" in appended);
    await journal.settle({ sequence: appended.sequence, state: "delivered" });
  }
  const first = await journal.records.replay({}, 100, OTHER_LANE);
  assert(first.replayed > 0 && first.replayed < 12, `${first.replayed} replayed`);
  const again = () => journal.records.replay({}, 100, OTHER_LANE, first.cursor);
  const error = await assertRejects(again, GatewayError);
  assertEquals(error.code, "journal_share_full");
  const { events } = await journal.claim(OTHER_LANE, { events: 100, bytes: 10_000_000 });
  assertEquals(events.length, first.replayed);
});
