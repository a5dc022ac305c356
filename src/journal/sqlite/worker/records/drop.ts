/**
 * Removes events that are not delivered, in the worker's thread.
 *
 * @module
 */

import { webhookPath } from "../../../../event/names.ts";
import type { DroppedWaiting } from "../../../../records/records.ts";
import type { DropSlice, DropSliceDone, StoredRecord } from "../../protocol.ts";
import type { DeadLetterTable } from "../tables/dead_letter.ts";
import type { EventTable } from "../tables/event.ts";
import type { PackTable } from "../tables/pack.ts";
import type { PendingTable } from "../tables/pending.ts";
import type { RecordReader } from "./reader.ts";

/** Events that one slice removes. */
const EVENTS_PER_SLICE = 100;

/** The tables that events are taken out of. */
interface DropTables {
  readonly records: RecordReader;
  readonly events: EventTable;
  readonly pending: PendingTable;
  readonly packs: PackTable;
  readonly deadLetters: DeadLetterTable;
}

/** Removes the events of a slice that wait or are dead letters. What is claimed stays: its attempt is under way. */
export function dropRecords(tables: DropTables, slice: DropSlice): DropSliceDone {
  const { records, deadLetters } = tables;
  const limit = Math.min(slice.limit, EVENTS_PER_SLICE);
  const read = records.read({ ...slice, limit, mayExceed: true, bytes: undefined });
  const waiting = new Map<string, DroppedWaiting>();
  let [dropped, kept] = [0, 0];
  for (const record of read.records) {
    const isDropped = record.state === "waiting"
      ? dropWaiting(tables, record)
      : record.state === "dead_letter" && deadLetters.dropEvent(record.sequence);
    if (!isDropped) {
      kept++;
      continue;
    }
    dropped++;
    if (record.state === "waiting") count(waiting, record);
  }
  return { dropped, kept, waiting: [...waiting.values()], next: read.next, upTo: read.upTo };
}

function dropWaiting({ events, pending, packs }: DropTables, { sequence }: StoredRecord): boolean {
  packs.holdWaitingOf(sequence);
  const inPacks = pending.removeMany([sequence]);
  // One that stands in a pack has no row of its own.
  events.remove(sequence);
  packs.removeDone(inPacks);
  return true;
}

function count(lanes: Map<string, DroppedWaiting>, { namespace, webhook }: StoredRecord): void {
  const path = webhookPath(namespace, webhook);
  lanes.set(path, { namespace, webhook, count: (lanes.get(path)?.count ?? 0) + 1 });
}
