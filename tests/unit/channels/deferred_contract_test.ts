import { DeferredChannelQueues } from "../../../src/channels/deferred.ts";
import { testChannelQueueContract } from "../../contracts/channel_queue.ts";
import { JournalDirectory } from "../../support/journal/sqlite_journal.ts";

testChannelQueueContract("Deferred channel queues", async () => {
  const journals = await JournalDirectory.create();
  return {
    openQueues: async () => {
      const { queues, deadLetters, ...open } = await journals.openQueues();
      const deferred = new DeferredChannelQueues(() => Promise.resolve(queues));
      // Whoever watched before they were open is woken when they are.
      await deferred.channels();
      return { queues: deferred, deadLetters, [Symbol.asyncDispose]: open[Symbol.asyncDispose] };
    },
    crash: () => journals.crash(),
    [Symbol.asyncDispose]: () => journals[Symbol.asyncDispose](),
  };
});
