/**
 * The gateway thread's side of events as records.
 *
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";
import { GatewayError } from "../../../errors.ts";
import type {
  DropStep,
  EventRecord,
  EventRecords,
  RecordFilter,
  RecordListOptions,
  RecordOrder,
  RecordPage,
  ReplayStep,
} from "../../../records/records.ts";
import type { LaneKey } from "../../journal.ts";
import { decodeEvent } from "../../event_codec.ts";
import type { RecordSliceRead, StoredRecord } from "../protocol.ts";
import type { WorkerClient } from "../worker_client.ts";
import { formatCursor, parseCursor, type Place } from "./cursor.ts";

/** Events of a page that brings them, in bytes. */
const PAGE_BYTES = 1024 * 1024;

/** Records that are read by one commit, and their events in bytes, so that none is long. */
const SLICE_RECORDS = 250;
const SLICE_BYTES = 512 * 1024;

/**
 * The pause behind a slice takes so many times as long as the slice, so that most commits are without one: the busier
 * the journal, the longer it waits. And the longest such pause, in milliseconds.
 */
const PAUSE_PER_SLICE = 3;
const LONGEST_PAUSE_MS = 100;

/** After so long a page ends with what it has, in milliseconds: what matches may be far away. */
const PAGE_MS = 1_000;

/** The records of a {@linkcode SqliteJournal}. Each page is read in slices, between which events are written. */
export class SqliteRecords implements EventRecords {
  readonly #worker: WorkerClient;

  constructor(worker: WorkerClient) {
    this.#worker = worker;
  }

  async list(
    filter: RecordFilter,
    { order, limit, contents, cursor }: RecordListOptions,
  ): Promise<RecordPage> {
    let place = cursor === undefined ? undefined : parseCursor(order, cursor);
    // To look at a journal must not make one.
    if (!this.#worker.isStarted) return { records: [], cursor: undefined };
    const endsAt = performance.now() + PAGE_MS;
    let bytes = PAGE_BYTES;
    const records: EventRecord[] = [];
    for (;;) {
      const begunAt = performance.now();
      const slice: RecordSliceRead = await this.#worker.operate("listRecords", {
        filter,
        order,
        place,
        limit: Math.min(limit - records.length, SLICE_RECORDS),
        bytes: contents ? Math.min(bytes, SLICE_BYTES) : undefined,
        mayExceed: records.length === 0,
      });
      const { upTo, next } = slice;
      for (const record of slice.records) {
        records.push(restored(record, order, upTo));
        if (contents) bytes -= record.bytes;
      }
      if (next === undefined) return { records, cursor: undefined };
      place = { after: next, upTo };
      const isFull = records.length >= limit || (slice.isFull && slice.records.length === 0) || bytes <= 0;
      if (isFull || performance.now() >= endsAt) return { records, cursor: formatCursor(order, place) };
      await pauseAfter(begunAt);
    }
  }

  async replay(
    filter: RecordFilter,
    limit: number,
    to: LaneKey | undefined,
    cursor?: string,
  ): Promise<ReplayStep> {
    let place: Place | undefined = cursor === undefined ? undefined : parseCursor("oldest", cursor);
    if (!this.#worker.isStarted) return { replayed: 0, skipped: 0, cursor: undefined };
    const endsAt = performance.now() + PAGE_MS;
    let [replayed, skipped] = [0, 0];
    for (;;) {
      const begunAt = performance.now();
      const slice = await this.#worker.operate("replayRecords", {
        filter,
        order: "oldest",
        place,
        limit: limit - replayed - skipped,
        to,
      });
      replayed += slice.replayed;
      skipped += slice.skipped;
      const { upTo, next } = slice;
      if (next === undefined) return { replayed, skipped, cursor: undefined };
      place = { after: next, upTo };
      if (slice.isFull && replayed + skipped === 0) {
        throw new GatewayError("journal_share_full", undefined, { retryAfterSeconds: 5 });
      }
      if (slice.isFull || replayed + skipped >= limit || performance.now() >= endsAt) {
        return { replayed, skipped, cursor: formatCursor("oldest", place) };
      }
      await pauseAfter(begunAt);
    }
  }

  async drop(filter: RecordFilter, limit: number, cursor?: string): Promise<DropStep> {
    let place: Place | undefined = cursor === undefined ? undefined : parseCursor("oldest", cursor);
    let step: DropStep = { dropped: 0, kept: 0, waiting: [], cursor: undefined };
    if (!this.#worker.isStarted) return step;
    const endsAt = performance.now() + PAGE_MS;
    for (;;) {
      const begunAt = performance.now();
      const left = limit - step.dropped - step.kept;
      const slice = await this.#worker.operate("dropRecords", {
        filter,
        order: "oldest",
        place,
        limit: left,
      });
      const { dropped, kept, waiting, upTo, next } = slice;
      place = next === undefined ? undefined : { after: next, upTo };
      step = {
        dropped: step.dropped + dropped,
        kept: step.kept + kept,
        waiting: [...step.waiting, ...waiting],
        cursor: place && formatCursor("oldest", place),
      };
      if (place === undefined || step.dropped + step.kept >= limit || performance.now() >= endsAt) {
        return step;
      }
      await pauseAfter(begunAt);
    }
  }
}

function pauseAfter(sliceBegunAt: number): Promise<void> {
  return sleep(Math.min(LONGEST_PAUSE_MS, PAUSE_PER_SLICE * (performance.now() - sliceBegunAt)));
}

function restored(
  { sequence, event, ...record }: StoredRecord,
  order: RecordOrder,
  upTo: number,
): EventRecord {
  return {
    ...record,
    event: event && decodeEvent(event),
    cursor: formatCursor(order, { after: sequence, upTo }),
  };
}
