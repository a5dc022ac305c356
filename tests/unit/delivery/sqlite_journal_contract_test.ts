import { testJournalContract } from "../../support/journal_contract.ts";
import { JournalDirectory } from "../../support/sqlite_journal.ts";

testJournalContract("SQLite journal", () => JournalDirectory.create());
