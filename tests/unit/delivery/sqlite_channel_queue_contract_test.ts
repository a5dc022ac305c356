import { testChannelQueueContract } from "../../support/channel_queue_contract.ts";
import { JournalDirectory } from "../../support/sqlite_journal.ts";

testChannelQueueContract("SQLite channel queues", () => JournalDirectory.create());
