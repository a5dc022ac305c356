import type { PostgresJournal } from "../../src/journal/postgres/postgres_journal.ts";
import { testJournalContract } from "../contracts/journal.ts";
import { PostgresJournals } from "../support/journal/postgres_journal.ts";

testJournalContract("PostgreSQL journal", async () => {
  const journals = await PostgresJournals.create();
  return {
    open: () => journals.open(),
    crash: (journal) => journals.crash(journal as PostgresJournal),
    [Symbol.asyncDispose]: () => journals[Symbol.asyncDispose](),
  };
});
