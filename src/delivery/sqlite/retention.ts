import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { EventTable } from "./event_table.ts";
import { returnArrays } from "./return_arrays.ts";
import { readPragma } from "./schema.ts";

/** Events that one slice looks at, so that no transaction is long. */
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
 * Removes finished events, and gives the space of removed ones back to the file system. It goes through the
 * events in the order of their sequence and stops at the first whose retention has not ended; on its way it
 * leaves alone what is pending, dead or in a channel. An event that it has left behind is removed by
 * {@linkcode finish} when it is settled.
 */
export class Retention {
  readonly #limits: RetentionLimits;
  readonly #events: EventTable;
  readonly #pageSize: number;
  readonly #next: StatementSync;
  readonly #pageCount: StatementSync;
  readonly #freeCount: StatementSync;
  readonly #vacuum: StatementSync;
  /** The retention of all events up to this sequence has ended. */
  #position = 0;
  #committed = 0;

  constructor(database: DatabaseSync, events: EventTable, limits: RetentionLimits) {
    this.#limits = limits;
    this.#events = events;
    this.#pageSize = readPragma(database, "page_size");
    this.#next = database.prepare(
      `SELECT seq, received_at AS receivedAt, octet_length(headers) + octet_length(body) AS bytes,
        EXISTS (SELECT 1 FROM pending WHERE pending.seq = events.seq)
        OR EXISTS (SELECT 1 FROM dead WHERE dead.seq = events.seq)
        OR EXISTS (SELECT 1 FROM messages WHERE messages.seq = events.seq) AS needed
        FROM events WHERE seq > ? ORDER BY seq LIMIT ${EVENTS_PER_SLICE}`,
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

  /** Removes those of the events that were just delivered whose retention has ended already. */
  finish(sequences: readonly number[]): void {
    if (this.#position === 0) return;
    const ended = sequences.filter((sequence) => sequence <= this.#position);
    if (ended.length > 0) this.#events.removeMany(ended);
  }

  /** Goes on by one slice. Returns whether there is more to remove. */
  removeSlice(): boolean {
    const receivedBefore = Date.now() - this.#limits.retentionMs;
    let excess = this.usedBytes - this.#limits.retentionBytes;
    let left = BYTES_PER_SLICE;
    let looked = 0;
    const removed: number[] = [];
    for (const row of this.#next.iterate(this.#position) as Iterable<NextEvent>) {
      if (row.receivedAt > receivedBefore && excess <= 0) break;
      looked++;
      if (row.needed === 0) {
        const bytes = row.bytes + BYTES_PER_ROW;
        if (left < bytes && removed.length > 0) break;
        removed.push(row.seq);
        left -= bytes;
        excess -= bytes;
      }
      this.#position = row.seq;
    }
    if (removed.length > 0) this.#events.removeMany(removed);
    return looked === EVENTS_PER_SLICE || left < BYTES_PER_SLICE / 2;
  }

  /** Gives one slice of free pages back to the file system. Returns whether there are more. */
  shrinkSlice(): boolean {
    const surplus = this.#freePages - this.#pages * FREE_SHARE;
    if (surplus < PAGES_PER_SLICE) return false;
    this.#vacuum.all();
    return surplus >= 2 * PAGES_PER_SLICE;
  }

  commit(): void {
    this.#committed = this.#position;
  }

  rollback(): void {
    this.#position = this.#committed;
  }

  get #pages(): number {
    return numberOf(this.#pageCount);
  }

  get #freePages(): number {
    return numberOf(this.#freeCount);
  }
}

interface NextEvent {
  readonly seq: number;
  readonly receivedAt: number;
  readonly bytes: number;
  readonly needed: number;
}

function numberOf(statement: StatementSync): number {
  return (statement.get() as unknown as [number])[0];
}
