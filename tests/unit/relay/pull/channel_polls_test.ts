import { assert, assertEquals } from "@std/assert";
import type { ChannelQueues } from "../../../../src/channels/channel_queues.ts";
import { ChannelDirectory } from "../../../../src/relay/channel_directory.ts";
import { ChannelPolls, type PollRequest } from "../../../../src/relay/pull/channel_polls.ts";
import { webhookConnectModule } from "../../../../src/modules/webhook_connect/webhook_connect.ts";
import { eventually } from "../../../support/eventually.ts";
import { openJournal } from "../../../support/journal/sqlite_journal.ts";
import { TempDir } from "../../../support/temp_dir.ts";
import { verifiedEvent } from "../../../support/verified_event.ts";

const POLLS = 200;
const OPTIONS = { ttlMs: 3_600_000, maxSize: 1_000 };

/** The queues, and how often they were asked for events. */
function counted(queues: ChannelQueues): { readonly queues: ChannelQueues; readonly asked: () => number } {
  let asked = 0;
  const lease: ChannelQueues["lease"] = (...args) => {
    asked++;
    return queues.lease(...args);
  };
  const handler = {
    get: (target: ChannelQueues, name: keyof ChannelQueues) => {
      const value = target[name];
      return name === "lease" ? lease : typeof value === "function" ? value.bind(target) : value;
    },
  };
  return { queues: new Proxy(queues, handler as ProxyHandler<ChannelQueues>), asked: () => asked };
}

function pollRequest(signal: AbortSignal): PollRequest {
  const directory = new ChannelDirectory();
  directory.set("team/one", [
    webhookConnectModule.configSchema.parse({ channel: "inbox", channel_token: "token" }),
  ]);
  const channel = directory.find("inbox")!;
  return { channel, token: "token", limit: 10, waitMs: 30_000, leaseMs: 3_600_000, signal };
}

Deno.test("hundreds of polls that wait ask the queue as seldom as two, each event being one's", async () => {
  await using directory = await TempDir.create();
  await using journal = await openJournal(directory.file("data"));
  const { queues, asked } = counted(journal.channels);
  using polls = new ChannelPolls("inbox", queues, () => undefined);
  const stop = new AbortController();
  const request = pollRequest(stop.signal);
  const answers: string[] = [];
  const waiting = Array.from({ length: POLLS }, async () => {
    const { events } = await polls.receive(request);
    answers.push(...events.map(({ tag }) => tag));
  });
  await eventually(() => polls.waiting === POLLS);
  assertEquals(asked(), POLLS, "each has looked once");
  for (let count = 1; count <= 3; count++) {
    const before = asked();
    await journal.channels.enqueue("inbox", verifiedEvent(), OPTIONS);
    await eventually(() => answers.length === count);
    assert(asked() - before <= 3, `${asked() - before} looks for one event`);
    assertEquals(polls.waiting, POLLS - count);
  }
  stop.abort();
  await Promise.all(waiting);
  assertEquals([new Set(answers).size, polls.waiting], [3, 0]);
});
