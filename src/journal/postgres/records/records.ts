/**
 * All events of the tables as records.
 *
 * @module
 */

import { GatewayError } from "../../../errors.ts";
import type {
  DropStep,
  EventRecord,
  EventRecords,
  RecordFilter,
  RecordListOptions,
  RecordPage,
  ReplayStep,
} from "../../../records/records.ts";
import type { LaneKey } from "../../journal.ts";
import { readEvent } from "../event_bytes.ts";
import type { StatementRunner } from "../statement_runner.ts";
import { formatCursor, parseCursor } from "./cursor.ts";
import type { Found } from "./found.ts";
import { Replay, type ReplayListener } from "./replay.ts";
import { beginningOf, scan } from "./scan.ts";
import { Drop, type DropListener } from "./drop.ts";

/** Events of a page that brings them, in bytes. */
const PAGE_BYTES = 1024 * 1024;

/** After so long a page ends with what it has, in milliseconds: what matches may be far away. */
const PAGE_MS = 1_000;

/** The gateway that uses the journal. */
export interface RecordListener extends ReplayListener, DropListener {}

/** The records of a journal in PostgreSQL: those of all gateways. */
export class PostgresRecords implements EventRecords {
  readonly #runner: StatementRunner;
  readonly #laneBytes: number;
  readonly #listener: RecordListener | undefined;

  /**
   * @param laneBytes how much one webhook may hold
   * @param listener of the gateway that uses the journal; left out where none does, as in a command
   */
  constructor(runner: StatementRunner, laneBytes: number, listener?: RecordListener) {
    this.#runner = runner;
    this.#laneBytes = laneBytes;
    this.#listener = listener;
  }

  async list(
    filter: RecordFilter,
    { order, limit, contents, cursor }: RecordListOptions,
  ): Promise<RecordPage> {
    const place = cursor === undefined ? await beginningOf(this.#runner, order) : parseCursor(order, cursor);
    const { upTo } = place;
    const endsAt = performance.now() + PAGE_MS;
    const records: EventRecord[] = [];
    let bytes = 0;
    let after = place.after;
    for await (const { position, found } of scan(this.#runner, { filter, order, place, contents })) {
      if (found !== undefined) {
        bytes += found.record.bytes;
        const isTooMuch = contents && records.length > 0 && bytes > PAGE_BYTES;
        if (isTooMuch || records.length >= limit) {
          return { records, cursor: formatCursor(order, { after, upTo }) };
        }
        records.push(recordOf(found, contents, formatCursor(order, { after: position, upTo })));
      }
      after = position;
      if (performance.now() >= endsAt) return { records, cursor: formatCursor(order, { after, upTo }) };
    }
    return { records, cursor: undefined };
  }

  async replay(
    filter: RecordFilter,
    limit: number,
    to: LaneKey | undefined,
    cursor?: string,
  ): Promise<ReplayStep> {
    const order = "oldest";
    const place = cursor === undefined ? await beginningOf(this.#runner, order) : parseCursor(order, cursor);
    const { upTo } = place;
    const endsAt = performance.now() + PAGE_MS;
    const replay = new Replay(this.#runner, { to, upTo, laneBytes: this.#laneBytes });
    let after = place.after;
    let seen = 0;
    let isOver = true;
    for await (const { position, found } of scan(this.#runner, { filter, order, place, contents: true })) {
      if (found !== undefined) {
        if (seen >= limit) {
          isOver = false;
          break;
        }
        if (!await replay.add(found)) {
          if (seen === 0) throw new GatewayError("journal_share_full", undefined, { retryAfterSeconds: 5 });
          isOver = false;
          break;
        }
        seen++;
      }
      after = position;
      if (performance.now() >= endsAt) {
        isOver = false;
        break;
      }
    }
    const { replayed, letters } = await replay.end();
    if (replayed > 0) await this.#listener?.onReplayed(letters);
    return {
      replayed,
      skipped: seen - replayed,
      cursor: isOver ? undefined : formatCursor(order, { after, upTo }),
    };
  }

  async drop(filter: RecordFilter, limit: number, cursor?: string): Promise<DropStep> {
    const order = "oldest";
    const place = cursor === undefined ? await beginningOf(this.#runner, order) : parseCursor(order, cursor);
    const { upTo } = place;
    const endsAt = performance.now() + PAGE_MS;
    const drop = new Drop(this.#runner, this.#listener);
    let after = place.after;
    let isOver = true;
    for await (const { position, found } of scan(this.#runner, { filter, order, place, contents: false })) {
      if (drop.seen >= limit) {
        isOver = false;
        break;
      }
      if (found !== undefined) drop.add(found);
      after = position;
      if (performance.now() >= endsAt) {
        isOver = false;
        break;
      }
    }
    const done = await drop.end();
    return { ...done, cursor: isOver ? undefined : formatCursor(order, { after, upTo }) };
  }
}

function recordOf({ record, bytes }: Found, contents: boolean, cursor: string): EventRecord {
  return { ...record, event: contents && bytes !== undefined ? readEvent(bytes).event : undefined, cursor };
}
