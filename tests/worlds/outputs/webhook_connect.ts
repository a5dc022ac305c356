import type { SqliteJournal } from "../../../src/journal/sqlite/sqlite_journal.ts";
import type { OutputUnderTest, OutputWorld, ReceivedEvent } from "../../contracts/output.ts";
import { openJournal } from "../../support/journal/sqlite_journal.ts";
import { TempDir } from "../../support/temp_dir.ts";
import { verifiedEvent } from "../../support/verified_event.ts";

/** Channels in a journal, whose events are leased as a connector's would be. */
export const world: OutputWorld = {
  setUp,
  exceptions: {
    silence: "its queues are the gateway's own",
    probe: "its queues are the gateway's own, and readiness asks the journal",
    abort: "it waits for a commit of the journal, which cannot be taken back",
  },
};

const CHANNEL = "inbox";
const FULL = "full";
const MINUTE_MS = 60_000;

async function setUp(): Promise<OutputUnderTest> {
  const directory = await TempDir.create();
  let journal = await openJournal(directory.path);
  await journal.channels.enqueue(FULL, verifiedEvent(), { ttlMs: MINUTE_MS, maxSize: 1 });
  const config = { channel: CHANNEL, channel_token: "token-s3cret" };
  const takeDown = () => journal[Symbol.asyncDispose]();
  return {
    config,
    secrets: ["token-s3cret"],
    channels: { enqueue: (...parameters) => journal.channels.enqueue(...parameters) },
    failures: [
      {
        when: "the channel is full",
        disposition: "refused",
        config: { ...config, channel: FULL, max_queue_size: 1 },
      },
      { when: "the journal is closed", disposition: "retry", arrange: takeDown },
    ],
    received: () => queuedEvents(journal),
    takeDown,
    restore: async () => {
      journal = await openJournal(directory.path);
    },
    [Symbol.asyncDispose]: async () => {
      await takeDown();
      await directory[Symbol.asyncDispose]();
    },
  };
}

/** Leases all events of the channel, and gives them back. */
async function queuedEvents({ channels }: SqliteJournal): Promise<readonly ReceivedEvent[]> {
  const leased = await channels.lease(CHANNEL, 1_000, MINUTE_MS);
  await channels.release(CHANNEL, leased.map(({ tag }) => ({ tag })), 0);
  return leased.map(({ event }) => ({ id: event.id, body: event.body.bytes }));
}
