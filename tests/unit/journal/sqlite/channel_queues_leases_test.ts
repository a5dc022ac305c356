import { assertEquals } from "@std/assert";
import type { LeasedEvent } from "../../../../src/channels/channel_queues.ts";
import { eventually } from "../../../support/eventually.ts";
import { JournalDirectory } from "../../../support/journal/sqlite_journal.ts";
import { verifiedEvent } from "../../../support/verified_event.ts";

const CHANNEL = "orders";
const MINUTE_MS = 60_000;

Deno.test("SQLite channel queues tell watchers of what a lease in the same commit leaves", async () => {
  await using directory = await JournalDirectory.create();
  await using open = await directory.openQueues();
  const { queues } = open;
  const leased: LeasedEvent[] = [];
  let leasing = Promise.resolve();
  using _watch = queues.watch(CHANNEL, () => {
    leasing = leasing.then(async () => {
      leased.push(...await queues.lease(CHANNEL, 10, MINUTE_MS));
    });
  });
  const events = Array.from({ length: 5 }, () => verifiedEvent());
  const bounded = queues.lease(CHANNEL, 1, MINUTE_MS);
  const enqueued = events.map((event) => queues.enqueue(CHANNEL, event, { ttlMs: MINUTE_MS, maxSize: 10 }));
  leased.push(...await bounded);
  await Promise.all(enqueued);
  await eventually(() => leased.length === events.length);
  await leasing;
  assertEquals(leased.map(({ tag }) => tag).toSorted(), events.map(({ id }) => id).toSorted());
});
