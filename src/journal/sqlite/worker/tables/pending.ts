/**
 * The table of what is yet to be delivered, in the worker's thread.
 *
 * @module
 */

import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { AttemptFailure } from "../../../../dead_letters/dead_letters.ts";
import type { ClaimLimit } from "../../../journal.ts";
import type { Claims } from "../claims.ts";
import { type Holdings, STORED_BYTES, storedBytes } from "../holdings.ts";
import { EVENT_COLUMNS, type EventTable, type Row } from "./event.ts";
import type { PackedEvent, StoredEvent, StoredPendingEvent } from "../../protocol.ts";
import { releaseBody } from "../large_bodies.ts";
import type { LaneTable } from "./lane.ts";
import { IS_HELD, type PackReader } from "./pack_events.ts";
import { returnArrays } from "./row_inserter.ts";
import { TransactionCounts } from "../transaction_counts.ts";

/** `due` of an event that somebody is delivering. */
const CLAIMED = -1;

/** `due` of an event that may be claimed at any time. */
const READY = 0;

/**
 * Retries whose time has come and that are put back into their places by one claim, so that no transaction
 * is long. More than these are due at once only after an outage; their order is then that of their times.
 */
const MAX_PROMOTED = 10_000;

/** A pause may seem longer than it can be by so much before the clock counts as set back, in milliseconds. */
const MARGIN_MS = 1_000;

/** A pending event that was taken out. */
export interface TakenEvent {
  readonly attempts: number;
  readonly progress: string | null;
}

/** Consecutive events of a pack, and the state that they get rows with. */
export interface HeldEvents {
  readonly sequences: readonly number[];
  readonly lane: number;
  readonly claimed: boolean;
  /** That were begun of each. */
  readonly attempts: number;
  /** The `first` of the pack. */
  readonly pack: number;
}

/** An event that was taken out of a pack. */
export interface UnpackedEvent {
  readonly sequence: number;
  readonly lane: number;
  /** The `first` of the pack. */
  readonly pack: number;
  readonly event: PackedEvent;
}

/** Events that were claimed, and whether there was no room for the next one. */
export interface ClaimedPart {
  readonly events: StoredPendingEvent[];
  readonly isFull: boolean;
}

/** What is yet to be delivered. */
export class PendingTable {
  readonly #events: EventTable;
  readonly #lanes: LaneTable;
  readonly #packed: PackReader;
  readonly #claims: Claims;
  readonly #holdings: Holdings;
  readonly #counts = new TransactionCounts();
  readonly #insertRange: StatementSync;
  readonly #insert: StatementSync;
  readonly #promote: StatementSync;
  readonly #promoteFirst: StatementSync;
  readonly #select: StatementSync;
  readonly #claim: StatementSync;
  readonly #nextDue: StatementSync;
  readonly #removeMany: StatementSync;
  readonly #remove: StatementSync;
  readonly #retry: StatementSync;
  readonly #attempt: StatementSync;
  readonly #progress: StatementSync;
  readonly #oldest: StatementSync;
  readonly #hold: StatementSync;
  readonly #packsOf: StatementSync;
  readonly #leavePack: StatementSync;

  constructor(
    database: DatabaseSync,
    { events, lanes, packed, claims, holdings }: {
      readonly events: EventTable;
      readonly lanes: LaneTable;
      readonly packed: PackReader;
      readonly claims: Claims;
      readonly holdings: Holdings;
    },
  ) {
    this.#events = events;
    this.#lanes = lanes;
    this.#packed = packed;
    this.#claims = claims;
    this.#holdings = holdings;
    this.#insertRange = database.prepare(
      `INSERT INTO pending (seq, lane, due, attempts, bytes)
        SELECT seq, lane, ?, ?, ${STORED_BYTES} FROM events WHERE seq BETWEEN ? AND ?`,
    );
    this.#insert = database.prepare(
      `INSERT INTO pending (seq, lane, due, attempts, progress, bytes)
        SELECT seq, lane, ${READY}, 0, ?, ${STORED_BYTES} FROM events WHERE seq = ? RETURNING lane, bytes`,
    );
    this.#promote = database.prepare(
      `UPDATE pending SET due = ${READY} WHERE seq IN (SELECT seq FROM pending
        WHERE lane = ? AND due > ? AND due <= ? ORDER BY due LIMIT ${MAX_PROMOTED})`,
    );
    this.#promoteFirst = database.prepare(
      `UPDATE pending SET due = ${READY} WHERE seq IN (SELECT seq FROM pending
        WHERE lane = ? AND due > ${READY} ORDER BY due LIMIT ?)`,
    );
    this.#select = database.prepare(
      `SELECT pending.seq AS seq, pending.lane AS own_lane, attempts, progress, pack, ${EVENT_COLUMNS}
        FROM pending LEFT JOIN events ON events.seq = pending.seq
        WHERE pending.lane = ? AND due = ${READY} AND pending.seq < ? ORDER BY pending.seq LIMIT ?`,
    );
    this.#claim = database.prepare(
      `UPDATE pending SET due = ${CLAIMED}, attempts = attempts + 1
        WHERE lane = ? AND due = ${READY} AND seq <= ?`,
    );
    this.#nextDue = database.prepare(
      `SELECT due FROM pending WHERE lane = ? AND due >= ${READY} ORDER BY due LIMIT 1`,
    );
    this.#removeMany = returnArrays(
      database.prepare(
        "DELETE FROM pending WHERE seq IN (SELECT value FROM json_each(?)) RETURNING lane, bytes, pack",
      ),
    );
    this.#remove = database.prepare(
      "DELETE FROM pending WHERE seq = ? RETURNING lane, bytes, attempts, progress",
    );
    this.#retry = database.prepare(
      `UPDATE pending SET due = ?2, attempts = attempts - ?3, progress = coalesce(?4, progress),
        failure = coalesce(?5, failure) WHERE seq = ?1 AND due = ${CLAIMED}`,
    );
    this.#attempt = database.prepare(
      `UPDATE pending SET attempts = attempts + 1, progress = coalesce(?2, progress),
        failure = coalesce(?3, failure) WHERE seq = ?1`,
    );
    this.#progress = database.prepare("UPDATE pending SET progress = ?2 WHERE seq = ?1");
    this.#oldest = database.prepare(
      "SELECT received_at FROM events WHERE seq = (SELECT min(seq) FROM pending)",
    );
    this.#hold = database.prepare(
      `INSERT INTO pending (seq, lane, due, attempts, bytes, pack)
        SELECT value, ?, ?, ?, 0, ? FROM json_each(?)`,
    );
    this.#packsOf = returnArrays(
      database.prepare(
        `SELECT seq, lane, pack FROM pending
          WHERE seq IN (SELECT value FROM json_each(?)) AND pack IS NOT NULL ORDER BY seq`,
      ),
    );
    this.#leavePack = database.prepare("UPDATE pending SET pack = NULL, bytes = ?2 WHERE seq = ?1");
    const counts = database.prepare(
      `SELECT lane, sum(count) AS count FROM (
        SELECT lane, count(*) AS count FROM pending GROUP BY lane
        UNION ALL SELECT lane, sum(count) AS count FROM packs WHERE NOT ${IS_HELD} GROUP BY lane
      ) GROUP BY lane`,
    ).all();
    this.#counts.load(counts.map((row) => [Number(row["lane"]), Number(row["count"])]));
  }

  /** Makes claimed events ready again whose claims are not known: whoever made them has ended. */
  static releaseClaims(database: DatabaseSync, { known }: Claims): void {
    const statement = database.prepare(
      `UPDATE pending SET due = ${READY}
        WHERE due = ${CLAIMED} AND seq NOT IN (SELECT value FROM json_each(?))`,
    );
    statement.run(JSON.stringify([...known]));
  }

  /** Takes all claims in the file for this process' own. */
  static adoptClaims(database: DatabaseSync, claims: Claims): void {
    const rows = database.prepare(`SELECT seq FROM pending WHERE due = ${CLAIMED}`).all();
    for (const row of rows) claims.add(Number(row["seq"]));
    claims.commit();
  }

  /** Adds appended events of consecutive sequences. */
  addRange(first: number, last: number, claimed: boolean): void {
    this.#insertRange.run(claimed ? CLAIMED : READY, claimed ? 1 : 0, first, last);
    if (!claimed) return;
    for (let sequence = first; sequence <= last; sequence++) this.#claims.add(sequence);
  }

  /** Counts events that are added with {@linkcode addRange}, or that stand in packs, and what their lane holds. */
  count(lane: number, change: number, bytes: number): void {
    this.#counts.add(lane, change);
    this.#holdings.add(lane, bytes);
  }

  /** Gives events rows whose bodies stay in their pack; what they count for is the pack's. */
  hold({ sequences, lane, claimed, attempts, pack }: HeldEvents): void {
    this.#hold.run(lane, claimed ? CLAIMED : READY, attempts, pack, JSON.stringify(sequences));
  }

  /** Takes events out of the packs that they stand in. They are to get rows in `events`. */
  leavePacks(sequences: readonly number[]): readonly UnpackedEvent[] {
    const rows = this.#packsOf.all(JSON.stringify(sequences)) as unknown as [number, number, number][];
    return rows.map(([sequence, lane, pack]) => {
      const event = this.#packed.event(pack, sequence);
      const bytes = storedBytes(event.headers, event.body);
      this.#leavePack.run(sequence, bytes);
      this.#holdings.add(lane, bytes);
      return { sequence, lane, pack, event };
    });
  }

  /** Adds an event that was delivered, or given up, or is to be delivered for the first time. */
  add(sequence: number, progress: string | null): void {
    const row = this.#insert.get(progress, sequence);
    if (row !== undefined) this.count(Number(row["lane"]), 1, Number(row["bytes"]));
  }

  /**
   * Makes events of the lane ready that are not due yet: all of them, as far as to a bound, or the first one where none
   * is due.
   *
   * @param now by `steadyNow`
   */
  hasten(lane: number, which: "first" | "all", now: number): void {
    if (which === "all") this.#promoteFirst.run(lane, MAX_PROMOTED);
    else if ((this.nextDueAt(lane) ?? READY) > now) this.#promoteFirst.run(lane, 1);
  }

  /**
   * Puts events whose time has come back into their places.
   *
   * @param now by `steadyNow`
   * @param longestPauseMs what is due later than that is due at once
   */
  promote(lane: number, now: number, longestPauseMs: number | undefined): void {
    this.#promote.run(lane, READY, now);
    if (longestPauseMs !== undefined) {
      this.#promote.run(lane, now + longestPauseMs + MARGIN_MS, Number.MAX_SAFE_INTEGER);
    }
  }

  /** Claims events that are ready. @param before this sequence */
  claim(
    lane: number,
    { events: limit, bytes, largest = Infinity }: ClaimLimit,
    before = Number.MAX_SAFE_INTEGER,
  ): ClaimedPart {
    const events: StoredPendingEvent[] = [];
    let left = bytes;
    let isFull = false;
    for (const row of this.#select.iterate(lane, before, limit) as Iterable<Row>) {
      const event = this.#restore(row);
      left -= event.body.length;
      isFull = left < 0 && (events.length > 0 || event.body.length > largest);
      if (isFull) {
        releaseBody(event.body);
        break;
      }
      events.push({
        sequence: Number(row["seq"]),
        event,
        attempts: Number(row["attempts"]) + 1,
        progress: row["progress"] === null ? undefined : String(row["progress"]),
      });
    }
    const last = events.at(-1);
    if (last !== undefined) this.#claim.run(lane, last.sequence);
    for (const { sequence } of events) this.#claims.add(sequence);
    return { events, isFull: isFull || events.length === limit };
  }

  /** When the next event of the lane that nobody has claimed is due; 0: now. */
  nextDueAt(lane: number): number | undefined {
    const row = this.#nextDue.get(lane);
    return row === undefined ? undefined : Number(row["due"]);
  }

  /** Takes out events that were delivered, and returns the packs that they stand in. */
  removeMany(sequences: readonly number[]): ReadonlySet<number> {
    const rows = this.#removeMany.all(JSON.stringify(sequences)) as unknown as [
      lane: number,
      bytes: number,
      pack: number | null,
    ][];
    const packs = new Set<number>();
    for (const [lane, bytes, pack] of rows) {
      this.count(lane, -1, -bytes);
      if (pack !== null) packs.add(pack);
    }
    for (const sequence of sequences) this.#claims.remove(sequence);
    return packs;
  }

  /** Takes out one event; `undefined` when it is not pending. */
  remove(sequence: number): TakenEvent | undefined {
    const row = this.#remove.get(sequence);
    if (row === undefined) return undefined;
    this.count(Number(row["lane"]), -1, -Number(row["bytes"]));
    this.#claims.remove(sequence);
    return { attempts: Number(row["attempts"]), progress: row["progress"] as string | null };
  }

  retry(
    sequence: number,
    dueAt: number,
    attemptsTaken: number,
    progress: string | undefined,
    failure: AttemptFailure | undefined,
  ): void {
    this.#claims.remove(sequence);
    this.#retry.run(
      sequence,
      Math.max(READY, Math.ceil(dueAt)),
      attemptsTaken,
      progress ?? null,
      toJson(failure),
    );
  }

  attempt(sequence: number, progress: string | undefined, failure: AttemptFailure | undefined): void {
    this.#attempt.run(sequence, progress ?? null, toJson(failure));
  }

  setProgress(sequence: number, progress: string): void {
    this.#progress.run(sequence, progress);
  }

  oldestReceivedAt(): number | undefined {
    const row = this.#oldest.get();
    return row === undefined ? undefined : Number(row["received_at"]);
  }

  /** Lanes with pending events, and how many. */
  backlogs(): Iterable<[lane: number, pending: number]> {
    return this.#counts.entries();
  }

  get total(): number {
    return this.#counts.total;
  }

  commit(): void {
    this.#counts.commit();
    this.#claims.commit();
  }

  rollback(): void {
    this.#counts.rollback();
    this.#claims.rollback();
  }

  #restore(row: Row): StoredEvent {
    if (row["pack"] === null) return this.#events.restore(row);
    const event = this.#packed.event(Number(row["pack"]), Number(row["seq"]));
    return { ...event, ...this.#lanes.get(Number(row["own_lane"])) };
  }
}

function toJson(failure: AttemptFailure | undefined): string | null {
  return failure === undefined ? null : JSON.stringify(failure);
}
