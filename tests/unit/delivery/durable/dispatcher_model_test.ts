import { testDispatcherModel } from "../../../contracts/dispatcher_model.ts";
import { JournalDirectory } from "../../../support/journal/sqlite_journal.ts";

testDispatcherModel("SQLite journal", [1, 2, 3, 4, 5, 6], () => JournalDirectory.create());
