/**
 * Reads records in the worker's thread: a bounded part of all sequences at a time, whatever the filter says, so that
 * no commit waits for long.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { RECORD_STATES, type RecordOrder } from "../../../../records/records.ts";
import type { RecordSlice, RecordSliceRead, StoredBody, StoredRecord } from "../../protocol.ts";
import type { EventTable } from "../tables/event.ts";
import type { LaneTable } from "../tables/lane.ts";
import { type Conditions, type Found, Statements, type Window } from "./found.ts";
import { PackRecords } from "./pack_records.ts";
import { RowRecords } from "./row_records.ts";

/** Sequences that one slice looks at. */
const WINDOW = 500;

/** Reads what stands in the tables as records. */
export class RecordReader {
  readonly #statements: Statements;
  readonly #events: EventTable;
  readonly #rows: RowRecords;
  readonly #packs: PackRecords;

  constructor(
    database: DatabaseSync,
    { events, lanes }: { readonly events: EventTable; readonly lanes: LaneTable },
  ) {
    this.#statements = new Statements(database);
    this.#events = events;
    this.#rows = new RowRecords(this.#statements, lanes);
    this.#packs = new PackRecords(this.#statements, lanes);
  }

  /** Reads one slice. */
  read(slice: RecordSlice): RecordSliceRead {
    const { order, limit, place } = slice;
    const upTo = place?.upTo ?? this.#events.lastSequence;
    const start = place?.after ?? (order === "oldest" ? 0 : upTo + 1);
    const conditions = this.#conditionsOf(slice);
    const window = conditions && this.#windowIn(rangeBehind(start, upTo, order), order);
    if (window === undefined) return { records: [], start, next: undefined, upTo, isFull: false };
    const { found, looked } = this.#find(window, conditions!, slice);
    const records = this.#withContents(found, slice);
    const isFull = records.length < found.length;
    const end = order === "oldest" ? looked.to : looked.from;
    const next = isFull || records.length === limit ? records.at(-1)?.sequence ?? start : end;
    return { records, start, next, upTo, isFull };
  }

  /** What matches in a window, and the part of it that was looked at. */
  #find(
    window: Window,
    conditions: Conditions,
    slice: RecordSlice,
  ): { readonly found: readonly Found[]; readonly looked: Window } {
    const { found, looked } = this.#packs.find(window, conditions, slice);
    const rows = this.#rows.find(looked, conditions, slice);
    const sign = slice.order === "oldest" ? 1 : -1;
    const sorted = [...found, ...rows].sort((a, b) => sign * (a.sequence - b.sequence));
    return { found: sorted.slice(0, slice.limit), looked };
  }

  /** `undefined` where nothing can match. */
  #conditionsOf({ filter }: RecordSlice): Conditions | undefined {
    const { ids, namespace, namespaces, webhook, states = RECORD_STATES, before, after } = filter;
    let lanes: string | null = null;
    if (namespace !== undefined || namespaces !== undefined || webhook !== undefined) {
      // Patterns mean the same to GLOB: they hold no other character of its own than the star.
      const rows = this.#statements.get(
        `SELECT id FROM lanes WHERE (?1 IS NULL OR namespace = ?1) AND (?2 IS NULL OR webhook = ?2)
          AND (?3 IS NULL OR EXISTS (SELECT 1 FROM json_each(?3) WHERE namespace GLOB value))`,
      ).all(namespace ?? null, webhook ?? null, namespaces === undefined ? null : JSON.stringify(namespaces));
      if (rows.length === 0) return undefined;
      lanes = JSON.stringify(rows.map(({ id }) => Number(id)));
    }
    return {
      lanes,
      ids: ids && new Set(ids),
      after: after ?? 0,
      before: before ?? Number.MAX_SAFE_INTEGER,
      states: new Set(states),
    };
  }

  /** The part of a range that is looked at first: it begins with an event. */
  #windowIn({ from, to }: Window, order: RecordOrder): Window | undefined {
    if (from > to) return undefined;
    const isUp = order === "oldest";
    const sign = isUp ? ">=" : "<=";
    const row = this.#statements.get(
      `SELECT seq FROM events WHERE seq ${sign} ? ORDER BY seq ${isUp ? "ASC" : "DESC"} LIMIT 1`,
    ).get(isUp ? from : to);
    const ends = [
      ...(row === undefined ? [] : [Number(row["seq"])]),
      ...this.#packs.nearest(isUp ? from : to, isUp),
    ].filter((end) => end >= from && end <= to);
    if (ends.length === 0) return undefined;
    return isUp
      ? { from: Math.min(...ends), to: Math.min(to, Math.min(...ends) + WINDOW - 1) }
      : { from: Math.max(from, Math.max(...ends) - WINDOW + 1), to: Math.max(...ends) };
  }

  /** Brings the events, until they have so many bytes. */
  #withContents(
    found: readonly Found[],
    { bytes: limit, mayExceed }: Pick<RecordSlice, "bytes" | "mayExceed">,
  ): StoredRecord[] {
    const records: StoredRecord[] = [];
    let bytes = 0;
    for (const { headers, body, ...record } of found) {
      bytes += record.bytes;
      const isFirst = mayExceed && records.length === 0;
      if (limit !== undefined && bytes > limit && !isFirst) break;
      const { id, namespace, webhook, receivedAt, sequence } = record;
      const stored = limit === undefined
        ? undefined
        : headers === undefined || body === undefined
        ? this.#stored(sequence)
        : { headers, body };
      records.push({ ...record, event: stored && { id, namespace, webhook, receivedAt, ...stored } });
    }
    return records;
  }

  #stored(sequence: number): { readonly headers: string; readonly body: StoredBody } {
    const row = this.#statements.get("SELECT headers, body FROM events WHERE seq = ?").get(sequence);
    return { headers: String(row?.["headers"]), body: row?.["body"] as StoredBody };
  }
}

function rangeBehind(start: number, upTo: number, order: RecordOrder): Window {
  return order === "oldest" ? { from: start + 1, to: upTo } : { from: 1, to: Math.min(start - 1, upTo) };
}
