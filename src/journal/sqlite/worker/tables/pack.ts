/**
 * The table of packs, in the worker's thread: many small events in one row.
 *
 * @module
 */

import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { ClaimLimit } from "../../../journal.ts";
import type { Claims } from "../claims.ts";
import type { EventTable } from "./event.ts";
import type { LaneTable } from "./lane.ts";
import type { PendingTable } from "./pending.ts";
import { IS_HELD, type PackReader } from "./pack_events.ts";
import type { Pack, StoredPendingEvent } from "../../protocol.ts";
import { returnArrays } from "./row_inserter.ts";

/**
 * How many events of packs get rows when a file is opened whose last process had them under way. Beyond it packs wait
 * as they are, and what is known of their events is that no attempt was begun.
 */
const MAX_HELD_AT_START = 100_000;

/** What waits for longer than this, in milliseconds, does not keep a pack of which little is left. */
const LONG_PAUSE_MS = 60_000;

/** Of such a pack, at most this share is left. */
const LITTLE_LEFT = 1 / 4;

/** A pack in the file whose events are all in the same state. */
interface WholePack {
  readonly first: number;
  readonly count: number;
  readonly lane: number;
  readonly bytes: number;
}

/**
 * New events of one lane that came by one commit, in one row: writing a row costs several times what its
 * bytes cost. A pack is written once and removed once, whole, when the last of its events is done. As long as all of
 * them are new, or all are being delivered, nothing else is written of them. With any other outcome of one of them the
 * pack is *held*: what is left of its events gets small rows in `pending`, and the bodies stay where they are.
 */
export class PackTable {
  readonly #events: EventTable;
  readonly #pending: PendingTable;
  readonly #packed: PackReader;
  readonly #lanes: LaneTable;
  readonly #claims: Claims;
  readonly #insert: StatementSync;
  readonly #remove: StatementSync;
  readonly #removeIfDone: StatementSync;
  readonly #nextWaiting: StatementSync;
  readonly #waitingOf: StatementSync;
  readonly #oldest: StatementSync;
  readonly #claimed: StatementSync;
  readonly #setClaimed: StatementSync;
  readonly #left: StatementSync;
  /** Of packs that are claimed and not held, by the sequence of each event. */
  readonly #bySequence = new Map<number, WholePack>();
  /** What the open transaction has changed in it. */
  #added: WholePack[] = [];
  #removed: WholePack[] = [];

  constructor(
    database: DatabaseSync,
    { events, pending, packed, lanes, claims }: {
      readonly events: EventTable;
      readonly pending: PendingTable;
      readonly packed: PackReader;
      readonly lanes: LaneTable;
      readonly claims: Claims;
    },
  ) {
    this.#events = events;
    this.#pending = pending;
    this.#packed = packed;
    this.#lanes = lanes;
    this.#claims = claims;
    const prepare = (sql: string) => returnArrays(database.prepare(sql));
    this.#insert = prepare(
      "INSERT INTO packs (first, lane, claimed, count, received_at, fields, data, bytes) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    );
    this.#remove = prepare("DELETE FROM packs WHERE first = ?");
    this.#removeIfDone = prepare(
      `DELETE FROM packs WHERE first = ? AND NOT ${IS_HELD} RETURNING lane, bytes`,
    );
    this.#nextWaiting = prepare(
      "SELECT first, count, lane, bytes FROM packs WHERE lane = ? AND claimed = 0 ORDER BY first LIMIT 1",
    );
    this.#waitingOf = prepare(
      `SELECT first, count, lane, bytes FROM (
        SELECT first, count, lane, bytes, claimed FROM packs WHERE first <= ?1 ORDER BY first DESC LIMIT 1
      ) WHERE claimed = 0 AND first + count > ?1`,
    );
    this.#oldest = prepare("SELECT received_at FROM packs ORDER BY first LIMIT 1");
    this.#claimed = prepare(
      `SELECT first, count, lane, bytes FROM packs WHERE claimed = 1 AND NOT ${IS_HELD}`,
    );
    // Neither number takes a byte, so that the data stays where it is.
    this.#setClaimed = prepare("UPDATE packs SET claimed = ?2 WHERE first = ?1");
    this.#left = prepare(
      `SELECT packs.count, held.seq FROM pending JOIN packs ON packs.first = pending.pack
        JOIN pending AS held ON held.seq BETWEEN packs.first AND packs.first + packs.count - 1
          AND held.pack = packs.first
        WHERE pending.seq = ?`,
    );
  }

  /** The last sequence that stands in a pack; 0 when there is none. */
  static lastSequence(database: DatabaseSync): number {
    const row = database.prepare("SELECT first + count - 1 AS last FROM packs ORDER BY first DESC LIMIT 1")
      .get();
    return Number(row?.["last"] ?? 0);
  }

  /**
   * Sees to the packs that were claimed when the file was opened: those of this process stay claimed, the
   * events of all others are ready again.
   *
   * @param isOwn whether all claims in the file are this process' own
   */
  recover(isOwn: boolean): void {
    let held = 0;
    for (const pack of (this.#claimed.all() as unknown as PackRow[]).map(toPack)) {
      if (isOwn || this.#claims.has(pack.first)) {
        if (isOwn) this.#claim(pack);
        else this.#added.push(pack);
        continue;
      }
      held += pack.count;
      if (held <= MAX_HELD_AT_START) this.#hold(pack, sequencesOf(pack), false, 1);
      else this.#setClaimed.run(pack.first, 0);
    }
  }

  /** Writes a pack and returns the sequence of its first event. */
  add({ claimed, count, receivedAt, fields, data }: Pack, lane: number): number {
    const first = this.#events.reserve(count);
    const bytes = fields.length + data.length;
    this.#insert.run(first, lane, claimed ? 1 : 0, count, receivedAt, fields, data, bytes);
    this.#pending.count(lane, count, bytes);
    if (claimed) this.#claim({ first, count, lane, bytes });
    return first;
  }

  /**
   * Claims events of a lane that are due, whether they stand in packs or not. A pack that is claimed as a whole has no
   * rows.
   *
   * @param now by `steadyNow`
   */
  claim(lane: number, limit: ClaimLimit, now: number): StoredPendingEvent[] {
    const claimed: StoredPendingEvent[] = [];
    let { events, bytes, largest } = limit;
    const take = (part: readonly StoredPendingEvent[]) => {
      for (const each of part) {
        claimed.push(each);
        bytes -= each.event.body.length;
      }
      events -= part.length;
      // Only the first of all may be longer than there is room for.
      if (claimed.length > 0) largest = 0;
    };
    this.#pending.promote(lane, now, limit.longestPauseMs);
    while (true) {
      const pack = this.#firstWaiting(lane);
      const part = this.#pending.claim(lane, { events, bytes, largest }, pack?.first);
      take(part.events);
      if (part.isFull || pack === undefined) return claimed;
      if (pack.count <= events && pack.bytes <= bytes) take(this.#claimWhole(pack));
      else this.#holdWaiting(pack);
    }
  }

  /** Removes the packs whose events are all delivered. Returns the events that have rows in `pending`. */
  removeDelivered(sequences: readonly number[]): readonly number[] {
    if (this.#bySequence.size === 0) return sequences;
    const others: number[] = [];
    const delivered = new Map<WholePack, Set<number>>();
    for (const sequence of sequences) {
      const pack = this.#bySequence.get(sequence);
      const those = pack && delivered.get(pack);
      if (pack === undefined) others.push(sequence);
      else if (those === undefined) delivered.set(pack, new Set([sequence]));
      else those.add(sequence);
    }
    for (const [pack, those] of delivered) this.#removePart(pack, those);
    return others;
  }

  /** Gives a claimed event, and those that are left beside it, rows in `pending` if they have none. */
  holdOf(sequence: number): void {
    const pack = this.#bySequence.get(sequence);
    if (pack === undefined) return;
    this.#hold(pack, sequencesOf(pack), true, 1);
    this.#take(pack);
  }

  /** Gives an event that waits, and those beside it, rows in `pending` if they stand in a pack and have none. */
  holdWaitingOf(sequence: number): void {
    const row = this.#waitingOf.get(sequence) as unknown as PackRow | undefined;
    if (row !== undefined) this.#holdWaiting(toPack(row));
  }

  /** Gives events in packs that have rows in `pending` rows in `events`, too, and removes the packs that are done. */
  unpack(sequences: readonly number[]): void {
    const unpacked = this.#pending.leavePacks(sequences);
    // First, so that their space serves for the rows: on a full disk there is no other.
    this.removeDone(new Set(unpacked.map(({ pack }) => pack)));
    for (const { sequence, lane, event: { id, receivedAt, headers, body } } of unpacked) {
      this.#events.put(sequence, id, lane, receivedAt, headers, body);
    }
    this.#events.flush();
  }

  /** Removes those packs of which nothing is left. */
  removeDone(packs: Iterable<number>): void {
    for (const first of packs) {
      const removed = this.#removeIfDone.get(first) as unknown as [number, number] | undefined;
      if (removed !== undefined) this.#pending.count(removed[0], 0, -removed[1]);
    }
  }

  /** An event goes to wait for so many milliseconds: where it keeps a pack of which little is left, it does no more. */
  leaveForLong(sequence: number, milliseconds: number): void {
    if (milliseconds < LONG_PAUSE_MS) return;
    const left = this.#left.all(sequence) as unknown as [count: number, sequence: number][];
    if (left.length > 0 && left.length <= left[0]![0] * LITTLE_LEFT) {
      this.unpack(left.map(([, each]) => each));
    }
  }

  /** Whether a pack waits in a lane. */
  hasWaiting(lane: number): boolean {
    return this.#firstWaiting(lane) !== undefined;
  }

  oldestReceivedAt(): number | undefined {
    return (this.#oldest.get() as unknown as [number] | undefined)?.[0];
  }

  commit(): void {
    for (const { first, count } of this.#removed) this.#forget(first, count);
    for (const pack of this.#added) this.#know(pack);
    this.#removed = [];
    this.#added = [];
  }

  rollback(): void {
    for (const pack of this.#removed) this.#know(pack);
    this.#removed = [];
    this.#added = [];
    this.#packed.forget();
  }

  #firstWaiting(lane: number): WholePack | undefined {
    const row = this.#nextWaiting.get(lane) as unknown as PackRow | undefined;
    return row && toPack(row);
  }

  #claim(pack: WholePack): void {
    for (const sequence of sequencesOf(pack)) this.#claims.add(sequence);
    this.#added.push(pack);
  }

  #claimWhole(pack: WholePack): StoredPendingEvent[] {
    this.#setClaimed.run(pack.first, 1);
    this.#claim(pack);
    const lane = this.#lanes.get(pack.lane);
    return this.#packed.events(pack.first).map((event, index) => ({
      sequence: pack.first + index,
      event: { ...event, ...lane },
      attempts: 1,
      progress: undefined,
    }));
  }

  #holdWaiting(pack: WholePack): void {
    this.#setClaimed.run(pack.first, 1);
    this.#hold(pack, sequencesOf(pack), false, 0);
  }

  #hold({ first, lane }: WholePack, sequences: readonly number[], claimed: boolean, attempts: number): void {
    this.#pending.hold({ sequences, lane, claimed, attempts, pack: first });
  }

  /** Some events of a claimed pack, or all of them, are delivered. */
  #removePart(pack: WholePack, delivered: ReadonlySet<number>): void {
    const isWhole = delivered.size === pack.count;
    if (isWhole) this.#remove.run(pack.first);
    else this.#hold(pack, sequencesOf(pack).filter((sequence) => !delivered.has(sequence)), true, 1);
    this.#pending.count(pack.lane, -delivered.size, isWhole ? -pack.bytes : 0);
    for (const sequence of delivered) this.#claims.remove(sequence);
    this.#take(pack);
  }

  /** It is out of memory at once, since the same transaction may ask for its events again. */
  #take(pack: WholePack): void {
    this.#removed.push(pack);
    this.#forget(pack.first, pack.count);
  }

  #know(pack: WholePack): void {
    for (const sequence of sequencesOf(pack)) this.#bySequence.set(sequence, pack);
  }

  #forget(first: number, count: number): void {
    for (let index = 0; index < count; index++) this.#bySequence.delete(first + index);
  }
}

/** A pack as statements return it. */
type PackRow = readonly [first: number, count: number, lane: number, bytes: number];

function toPack([first, count, lane, bytes]: PackRow): WholePack {
  return { first, count, lane, bytes };
}

function sequencesOf({ first, count }: WholePack): number[] {
  return Array.from({ length: count }, (_, index) => first + index);
}
