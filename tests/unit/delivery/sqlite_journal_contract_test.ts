import { testDeadLetterContract } from "../../support/dead_letter_contract.ts";
import { testJournalContract } from "../../support/journal_contract.ts";
import { JournalDirectory } from "../../support/sqlite_journal.ts";

testJournalContract("SQLite journal", () => JournalDirectory.create());
testDeadLetterContract("SQLite journal", () => JournalDirectory.create());
testJournalContract("SQLite journal that keeps nothing", () => JournalDirectory.create({ retentionMs: 0 }));
