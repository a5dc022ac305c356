import { testChannelQueueContract } from "../../../contracts/channel_queue.ts";
import { JournalDirectory } from "../../../support/journal/sqlite_journal.ts";

testChannelQueueContract("SQLite channel queues", () => JournalDirectory.create());
