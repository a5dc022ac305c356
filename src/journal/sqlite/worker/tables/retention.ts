/**
 * Removes finished events in the worker's thread, once their time is over or they take too much room.
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

/** Bounds of what is kept of finished events. */
export interface RetentionLimits {
  /** How long an event is kept after it was received, in milliseconds. */
  readonly retentionMs: number;
  /** Finished events are removed, oldest first, while the store is larger than this. */
  readonly retentionBytes: number;
}

/** How far the sweeper has come. */
interface Progress {
  /** The retention of all events up to this sequence has ended. */
  readonly ended: number;
  /** While the store is too large: finished events up to this sequence are removed, whatever their age. */
  readonly crowded: number | undefined;
}

/** What one look along the events found. */
interface Slice {
  /** The last event that was looked at. */
  readonly position: number;
  readonly more: boolean;
}

const BEGINNING: Progress = { ended: 0, crowded: undefined };

/**
 * Removes finished events, and gives the space of removed ones back to the file system. It goes through the
 * events in the order of their sequence, up to the first whose retention has not ended, and further while the
 * store is too large. On its way it leaves alone what is pending, dead or in a channel; what it has left
 * behind is removed by {@linkcode finish} when it is delivered.
 */
export class Retention {
  readonly #limits: RetentionLimits;
  readonly #events: EventTable;
  readonly #pageSize: number;
  readonly #next: StatementSync;
  readonly #pageCount: StatementSync;
  readonly #freeCount: StatementSync;
  readonly #vacuum: StatementSync;
  #progress = BEGINNING;
  #committed = BEGINNING;

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

  /** Removes those of the events that were just delivered which the sweeper would not come back to. */
  finish(sequences: readonly number[]): void {
    const { ended, crowded = 0 } = this.#progress;
    if (ended > 0) this.#events.removeMany(sequences.filter((sequence) => sequence <= ended));
    if (crowded === 0) return;
    for (const sequence of sequences) {
      if (sequence <= ended || sequence > crowded) continue;
      if (this.usedBytes <= this.#limits.retentionBytes) return;
      this.#events.remove(sequence);
    }
  }

  /** Goes on by one slice. Returns whether there is more to remove. */
  removeSlice(): boolean {
    const receivedBefore = Date.now() - this.#limits.retentionMs;
    const ended = this.#removeAfter(this.#progress.ended, (event) => event.receivedAt > receivedBefore);
    this.#progress = { ...this.#progress, ended: ended.position };
    if (ended.more) return true;
    let excess = this.usedBytes - this.#limits.retentionBytes;
    if (excess <= 0) {
      this.#progress = { ended: ended.position, crowded: undefined };
      return false;
    }
    const from = Math.max(ended.position, this.#progress.crowded ?? 0);
    const crowded = this.#removeAfter(from, (event) => {
      if (excess <= 0) return true;
      if (event.needed === 0) excess -= sizeOf(event);
      return false;
    });
    this.#progress = { ended: ended.position, crowded: crowded.position };
    return crowded.more;
  }

  /** Gives one slice of free pages back to the file system. Returns whether there are more. */
  shrinkSlice(): boolean {
    const surplus = this.#freePages - this.#pages * FREE_SHARE;
    if (surplus < PAGES_PER_SLICE) return false;
    this.#vacuum.all();
    return surplus >= 2 * PAGES_PER_SLICE;
  }

  commit(): void {
    this.#committed = this.#progress;
  }

  rollback(): void {
    this.#progress = this.#committed;
  }

  /** Removes finished events after a position, up to the first that is to be kept; at most a slice of them. */
  #removeAfter(position: number, isKept: (event: NextEvent) => boolean): Slice {
    const removed: number[] = [];
    let last = position;
    let bytes = 0;
    let looked = 0;
    for (const event of this.#next.iterate(position) as unknown as Iterable<NextEvent>) {
      if (bytes > BYTES_PER_SLICE || isKept(event)) break;
      looked++;
      last = event.seq;
      if (event.needed !== 0) continue;
      removed.push(event.seq);
      bytes += sizeOf(event);
    }
    this.#events.removeMany(removed);
    return { position: last, more: looked === EVENTS_PER_SLICE || bytes > BYTES_PER_SLICE };
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

function sizeOf({ bytes }: NextEvent): number {
  return bytes + BYTES_PER_ROW;
}

function numberOf(statement: StatementSync): number {
  return (statement.get() as unknown as [number])[0];
}
