import { testDeadLetterContract } from "../../../contracts/dead_letter.ts";
import { testJournalContract } from "../../../contracts/journal.ts";
import { JournalDirectory } from "../../../support/journal/sqlite_journal.ts";

testJournalContract("SQLite journal", () => JournalDirectory.create());
testDeadLetterContract("SQLite journal", () => JournalDirectory.create());
testJournalContract("SQLite journal that keeps nothing", () => JournalDirectory.create({ retentionMs: 0 }));
