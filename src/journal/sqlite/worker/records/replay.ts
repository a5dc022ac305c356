/**
 * Has events delivered again, in the worker's thread.
 *
 * @module
 */

import type { ReplaySlice, ReplaySliceDone, StoredRecord } from "../../protocol.ts";
import type { Holdings } from "../holdings.ts";
import type { DeadLetterTable } from "../tables/dead_letter.ts";
import type { EventTable } from "../tables/event.ts";
import type { PendingTable } from "../tables/pending.ts";
import type { Retention } from "../tables/retention.ts";
import type { RecordReader } from "./reader.ts";

/** Events that one slice copies, in bytes, so that no transaction is long. */
const BYTES_PER_SLICE = 1024 * 1024;

/** Events that one slice makes pending. */
const EVENTS_PER_SLICE = 100;

/** The tables that events are taken from and put into. */
interface ReplayTables {
  readonly records: RecordReader;
  readonly events: EventTable;
  readonly pending: PendingTable;
  readonly deadLetters: DeadLetterTable;
  readonly retention: Retention;
  readonly holdings: Holdings;
}

/** Makes the events of a slice pending: again in their own lane, or as copies in another one. */
export function replayRecords(
  { records, events, pending, deadLetters, retention, holdings }: ReplayTables,
  { to, ...slice }: ReplaySlice,
  free: number,
): ReplaySliceDone {
  const limit = Math.min(slice.limit, EVENTS_PER_SLICE);
  const read = records.read({
    ...slice,
    limit,
    mayExceed: true,
    bytes: to === undefined ? undefined : BYTES_PER_SLICE,
  });
  const done = { replayed: 0, skipped: 0, upTo: read.upTo, isFull: false };
  let last = read.start;
  let copied = 0;
  for (const record of read.records) {
    const lane = to ?? record;
    if (holdings.isBeyondShare(events.laneOf(lane), free - copied)) {
      return { ...done, next: last, isFull: true };
    }
    if (isOf(record, lane) ? revive(record) : copy(record, lane)) done.replayed++;
    else done.skipped++;
    last = record.sequence;
  }
  return { ...done, next: read.next };

  /** Its old place in its lane is free, so that it is not stored twice. */
  function revive({ sequence, state }: StoredRecord): boolean {
    if (state === "dead_letter") return deadLetters.revive(sequence);
    if (state !== "delivered" || !retention.take(sequence)) return false;
    pending.add(sequence, null);
    return true;
  }

  function copy(
    { event }: StoredRecord,
    { namespace, webhook }: Pick<StoredRecord, "namespace" | "webhook">,
  ) {
    if (event === undefined) return false;
    pending.add(events.insert({ ...event, namespace, webhook }), null);
    copied += event.headers.length + event.body.length;
    return true;
  }
}

function isOf(record: StoredRecord, lane: Pick<StoredRecord, "namespace" | "webhook">): boolean {
  return record.namespace === lane.namespace && record.webhook === lane.webhook;
}
