import type { DatabaseSync, StatementSync } from "node:sqlite";
import { readPragma } from "./schema.ts";

/** Events that one slice removes at most, so that no transaction is long. */
const EVENTS_PER_SLICE = 500;

/** Bytes that one slice removes at most; one event is removed however large it is. */
const BYTES_PER_SLICE = 4 * 1024 * 1024;

/** What an event takes besides its headers and body, roughly. */
const BYTES_PER_ROW = 64;

/** Free pages are given back to the file system beyond this share of the file. */
const FREE_SHARE = 0.25;

/** Pages that are given back by one slice. */
const PAGES_PER_SLICE = 1_000;

/** Bounds of what is kept of finished events. */
export interface RetentionLimits {
  /** How long an event is kept after it was received, in milliseconds. */
  readonly retentionMs: number;
  /** Finished events are removed, oldest first, while the store is larger than this. */
  readonly retentionBytes: number;
}

/**
 * Removes finished events, and gives the space of removed ones back to the file system. Only what stands in
 * `finished` is ever removed, and that is where an event comes to when it leaves `pending` as delivered.
 */
export class Retention {
  readonly #limits: RetentionLimits;
  readonly #pageSize: number;
  readonly #oldest: StatementSync;
  readonly #removeFinished: StatementSync;
  readonly #removeEvents: StatementSync;
  readonly #pageCount: StatementSync;
  readonly #freeCount: StatementSync;
  readonly #vacuum: StatementSync;

  constructor(database: DatabaseSync, limits: RetentionLimits) {
    this.#limits = limits;
    this.#pageSize = readPragma(database, "page_size");
    this.#oldest = database.prepare(
      `SELECT finished.seq AS seq, received_at, octet_length(headers) + octet_length(body) AS bytes
        FROM finished JOIN events ON events.seq = finished.seq ORDER BY finished.seq LIMIT ${EVENTS_PER_SLICE}`,
    );
    this.#removeFinished = database.prepare(
      "DELETE FROM finished WHERE seq IN (SELECT value FROM json_each(?))",
    );
    this.#removeEvents = database.prepare("DELETE FROM events WHERE seq IN (SELECT value FROM json_each(?))");
    this.#pageCount = database.prepare("PRAGMA page_count");
    this.#freeCount = database.prepare("PRAGMA freelist_count");
    this.#vacuum = database.prepare(`PRAGMA incremental_vacuum(${PAGES_PER_SLICE})`);
  }

  /** Size of the file in bytes. */
  get fileBytes(): number {
    return this.#pages * this.#pageSize;
  }

  /** How much of the file is in use, in bytes. */
  get usedBytes(): number {
    return (this.#pages - this.#freePages) * this.#pageSize;
  }

  /** Removes one slice of what need not be kept. Returns whether there is more. */
  removeSlice(): boolean {
    const receivedBefore = Date.now() - this.#limits.retentionMs;
    let excess = this.usedBytes - this.#limits.retentionBytes;
    let left = BYTES_PER_SLICE;
    const removed: number[] = [];
    for (const row of this.#oldest.all()) {
      if (Number(row["received_at"]) > receivedBefore && excess <= 0) break;
      const bytes = Number(row["bytes"]) + BYTES_PER_ROW;
      if (left < bytes && removed.length > 0) break;
      removed.push(Number(row["seq"]));
      left -= bytes;
      excess -= bytes;
    }
    if (removed.length === 0) return false;
    const list = JSON.stringify(removed);
    this.#removeFinished.run(list);
    this.#removeEvents.run(list);
    return removed.length === EVENTS_PER_SLICE || left < BYTES_PER_SLICE / 2;
  }

  /** Gives one slice of free pages back to the file system. Returns whether there are more. */
  shrinkSlice(): boolean {
    const surplus = this.#freePages - this.#pages * FREE_SHARE;
    if (surplus < PAGES_PER_SLICE) return false;
    this.#vacuum.all();
    return surplus >= 2 * PAGES_PER_SLICE;
  }

  get #pages(): number {
    return Number(this.#pageCount.get()?.["page_count"]);
  }

  get #freePages(): number {
    return Number(this.#freeCount.get()?.["freelist_count"]);
  }
}
