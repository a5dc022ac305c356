/**
 * The table of what was delivered, in the worker's thread: it is kept for a while, as long as there is room.
 *
 * @module
 */

import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { EventTable } from "./event.ts";
import { returnArrays } from "./row_inserter.ts";
import { readPragma } from "../schema.ts";

/** Events that one slice looks at, so that no transaction is long. */
const EVENTS_PER_SLICE = 500;

/** After so many bytes a slice removes nothing more. */
const BYTES_PER_SLICE = 4 * 1024 * 1024;

/** What an event takes besides its headers and body, roughly. */
const BYTES_PER_ROW = 64;

/** Free pages are given back to the file system beyond this share of the file. */
const FREE_SHARE = 0.25;

/** Pages that are given back by one slice. */
const PAGES_PER_SLICE = 1_000;

/** Bounds of what is kept of delivered events. */
export interface RetentionLimits {
  /** How long an event is kept after it was delivered, in milliseconds. */
  readonly retentionMs: number;
  /** Delivered events are removed, oldest first, while the store is larger than this. */
  readonly retentionBytes: number;
}

/**
 * Knows what was delivered and when, removes it once its retention is over or the store is too large, and gives the
 * space of what was removed back to the file system.
 */
export class Retention {
  readonly #limits: RetentionLimits;
  readonly #events: EventTable;
  readonly #pageSize: number;
  readonly #add: StatementSync;
  readonly #take: StatementSync;
  readonly #oldest: StatementSync;
  readonly #removeMany: StatementSync;
  readonly #pageCount: StatementSync;
  readonly #freeCount: StatementSync;
  readonly #vacuum: StatementSync;

  constructor(database: DatabaseSync, events: EventTable, limits: RetentionLimits) {
    this.#limits = limits;
    this.#events = events;
    this.#pageSize = readPragma(database, "page_size");
    this.#add = database.prepare(
      `INSERT INTO delivered (seq, lane, at, attempts)
        SELECT seq, lane, ?, attempts FROM pending WHERE seq IN (SELECT value FROM json_each(?)) AND pack IS NULL`,
    );
    this.#take = database.prepare("DELETE FROM delivered WHERE seq = ?");
    this.#oldest = returnArrays(
      database.prepare(
        `SELECT delivered.seq, octet_length(headers) + octet_length(body)
          FROM delivered JOIN events ON events.seq = delivered.seq
          WHERE at <= ? ORDER BY at LIMIT ${EVENTS_PER_SLICE}`,
      ),
    );
    this.#removeMany = database.prepare(
      "DELETE FROM delivered WHERE seq IN (SELECT value FROM json_each(?))",
    );
    this.#pageCount = returnArrays(database.prepare("PRAGMA page_count"));
    this.#freeCount = returnArrays(database.prepare("PRAGMA freelist_count"));
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

  /** Whether events are kept at all after they were delivered. */
  get keeps(): boolean {
    return this.#limits.retentionMs > 0;
  }

  /**
   * Keeps events that are delivered, and still pending, from now on; those in packs are not.
   *
   * @param now by `steadyNow`
   */
  add(sequences: readonly number[], now: number): void {
    this.#add.run(Math.floor(now), JSON.stringify(sequences));
  }

  /** Takes an event out that is delivered, and leaves it where it is. Returns whether it was there. */
  take(sequence: number): boolean {
    return Number(this.#take.run(sequence).changes) > 0;
  }

  /** Goes on by one slice. Returns whether there is more to remove. @param now by `steadyNow` */
  removeSlice(now: number): boolean {
    if (this.#removeOldest(now - this.#limits.retentionMs, Infinity)) return true;
    const excess = this.usedBytes - this.#limits.retentionBytes;
    return excess > 0 && this.#removeOldest(Number.MAX_SAFE_INTEGER, excess);
  }

  /** Gives one slice of free pages back to the file system. Returns whether there are more. */
  shrinkSlice(): boolean {
    const surplus = this.#freePages - this.#pages * FREE_SHARE;
    if (surplus < PAGES_PER_SLICE) return false;
    this.#vacuum.all();
    return surplus >= 2 * PAGES_PER_SLICE;
  }

  /**
   * Removes what was delivered first, at most a slice of it. Returns whether the slice was full.
   *
   * @param until of events that were delivered up to this time
   * @param excess as much as this, in bytes
   */
  #removeOldest(until: number, excess: number): boolean {
    const removed: number[] = [];
    let bytes = 0;
    for (const [sequence, size] of this.#oldest.iterate(until) as unknown as Iterable<[number, number]>) {
      if (bytes > BYTES_PER_SLICE || bytes >= excess) break;
      removed.push(sequence);
      bytes += size + BYTES_PER_ROW;
    }
    if (removed.length === 0) return false;
    this.#removeMany.run(JSON.stringify(removed));
    this.#events.removeMany(removed);
    return removed.length === EVENTS_PER_SLICE || bytes > BYTES_PER_SLICE;
  }

  get #pages(): number {
    return numberOf(this.#pageCount);
  }

  get #freePages(): number {
    return numberOf(this.#freeCount);
  }
}

function numberOf(statement: StatementSync): number {
  return (statement.get() as unknown as [number])[0];
}
