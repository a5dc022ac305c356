/**
 * The table of packs, in the worker's thread: many small events in one row.
 *
 * @module
 */

import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Claims } from "../claims.ts";
import { storedBytes } from "../holdings.ts";
import type { EventTable } from "./event.ts";
import type { PendingTable } from "./pending.ts";
import { unpackEvents } from "./pack_events.ts";
import type { Pack } from "../../protocol.ts";
import { returnArrays } from "./row_inserter.ts";

/**
 * How much of packs is given rows when a file is opened, in bytes: they take room in the log, and a disk may be full.
 * Beyond it packs wait as they are, and what is known of their events is that no attempt was begun.
 */
const MAX_UNPACKED_AT_START = 2 * 1024 * 1024;

/** A pack in the file whose events are claimed. */
interface ClaimedPack {
  readonly first: number;
  readonly count: number;
  readonly lane: number;
  readonly bytes: number;
}

/**
 * New events of one lane that came by one commit, in one row: writing a row costs several times what its
 * bytes cost. A pack is written once and removed once, when all its events have been delivered by one commit.
 * With any other outcome of one of them, the pack is *unpacked* first: its events become rows of their own in
 * `events` and `pending`, as all others are.
 */
export class PackTable {
  readonly #events: EventTable;
  readonly #pending: PendingTable;
  readonly #claims: Claims;
  readonly #keepsDelivered: boolean;
  readonly #insert: StatementSync;
  readonly #read: StatementSync;
  readonly #remove: StatementSync;
  readonly #nextWaiting: StatementSync;
  readonly #oldest: StatementSync;
  readonly #claimed: StatementSync;
  readonly #unclaim: StatementSync;
  /** Of claimed packs, by the sequence of each event. */
  readonly #bySequence = new Map<number, ClaimedPack>();
  /** What the open transaction has changed in it. */
  #added: ClaimedPack[] = [];
  #removed: ClaimedPack[] = [];

  /** @param keepsDelivered whether what is delivered is kept, which takes a row of its own */
  constructor(
    database: DatabaseSync,
    events: EventTable,
    pending: PendingTable,
    claims: Claims,
    keepsDelivered: boolean,
  ) {
    this.#keepsDelivered = keepsDelivered;
    this.#events = events;
    this.#pending = pending;
    this.#claims = claims;
    this.#insert = database.prepare(
      "INSERT INTO packs (first, lane, claimed, count, received_at, fields, data, bytes) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    );
    this.#read = returnArrays(
      database.prepare("SELECT lane, fields, data, bytes FROM packs WHERE first = ?"),
    );
    this.#remove = database.prepare("DELETE FROM packs WHERE first = ?");
    this.#nextWaiting = returnArrays(
      database.prepare(
        "SELECT first, count FROM packs WHERE lane = ? AND claimed = 0 ORDER BY first LIMIT 1",
      ),
    );
    this.#oldest = returnArrays(database.prepare("SELECT received_at FROM packs ORDER BY first LIMIT 1"));
    this.#claimed = returnArrays(
      database.prepare("SELECT first, count, lane, bytes FROM packs WHERE claimed = 1"),
    );
    // Neither number takes a byte, so that the data stays where it is.
    this.#unclaim = database.prepare("UPDATE packs SET claimed = 0 WHERE first = ?");
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
    const rows = this.#claimed.all() as unknown as [number, number, number, number][];
    let unpacked = 0;
    for (const [first, count, lane, bytes] of rows) {
      const pack = { first, count, lane, bytes };
      if (!isOwn && !this.#claims.has(first)) {
        unpacked += bytes;
        if (unpacked <= MAX_UNPACKED_AT_START) this.#unpack(first, count, false);
        else this.#unclaim.run(first);
        continue;
      }
      for (let index = 0; isOwn && index < count; index++) this.#claims.add(first + index);
      this.#added.push(pack);
    }
  }

  /** Writes a pack and returns the sequence of its first event. */
  add({ claimed, count, receivedAt, fields, data }: Pack, lane: number): number {
    const first = this.#events.reserve(count);
    const bytes = fields.length + data.length;
    this.#insert.run(first, lane, claimed ? 1 : 0, count, receivedAt, fields, data, bytes);
    this.#pending.count(lane, count, bytes);
    if (!claimed) return first;
    for (let index = 0; index < count; index++) this.#claims.add(first + index);
    this.#added.push({ first, count, lane, bytes });
    return first;
  }

  /** Removes the packs whose events were all delivered, unless they are kept. Returns the events that have rows of their own. */
  removeDelivered(sequences: readonly number[]): readonly number[] {
    if (this.#bySequence.size === 0) return sequences;
    const others: number[] = [];
    const delivered = new Map<ClaimedPack, number[]>();
    for (const sequence of new Set(sequences)) {
      const pack = this.#bySequence.get(sequence);
      if (pack === undefined) {
        others.push(sequence);
        continue;
      }
      const those = delivered.get(pack);
      if (those === undefined) delivered.set(pack, [sequence]);
      else those.push(sequence);
    }
    for (const [pack, those] of delivered) {
      if (those.length === pack.count && !this.#keepsDelivered) this.#removeWhole(pack, those);
      else {
        this.#unpackClaimed(pack);
        others.push(...those);
      }
    }
    return others;
  }

  /** Gives a claimed event, and those that came with it, rows of their own if it has none. */
  unpackOf(sequence: number): void {
    const pack = this.#bySequence.get(sequence);
    if (pack !== undefined) this.#unpackClaimed(pack);
  }

  /** Unpacks what waits in a lane, until so many events can be claimed there. */
  unpackFor(lane: number, events: number): void {
    for (let ready = this.#pending.countReady(lane, events); ready < events;) {
      const next = this.#nextWaiting.get(lane) as unknown as [first: number, count: number] | undefined;
      if (next === undefined) return;
      const [first, count] = next;
      this.#unpack(first, count, false, 0);
      ready += count;
    }
  }

  /** Whether a pack waits in a lane. */
  hasWaiting(lane: number): boolean {
    return this.#nextWaiting.get(lane) !== undefined;
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
  }

  #removeWhole(pack: ClaimedPack, sequences: readonly number[]): void {
    this.#remove.run(pack.first);
    this.#pending.count(pack.lane, -pack.count, -pack.bytes);
    for (const sequence of sequences) this.#claims.remove(sequence);
    this.#take(pack);
  }

  #unpackClaimed(pack: ClaimedPack): void {
    this.#unpack(pack.first, pack.count, true);
    this.#take(pack);
  }

  /** It is out of memory at once, since the same transaction may ask for its events again. */
  #take(pack: ClaimedPack): void {
    this.#removed.push(pack);
    this.#forget(pack.first, pack.count);
  }

  /** @param attempts that were begun of each event */
  #unpack(first: number, count: number, claimed: boolean, attempts = 1): void {
    const row = this.#read.get(first) as unknown as [number, string, Uint8Array<ArrayBuffer>, number];
    const [lane, fields, data, packedBytes] = row;
    let bytes = 0;
    // First, so that its space serves for the rows: on a full disk there is no other.
    this.#remove.run(first);
    for (const [index, { receivedAt, id, headers, body }] of unpackEvents({ fields, data }).entries()) {
      this.#events.put(first + index, id, lane, receivedAt, headers, body);
      bytes += storedBytes(headers, body);
    }
    this.#events.flush();
    this.#pending.addRange(first, first + count - 1, claimed, attempts);
    this.#pending.count(lane, 0, bytes - packedBytes);
  }

  #know(pack: ClaimedPack): void {
    for (let index = 0; index < pack.count; index++) this.#bySequence.set(pack.first + index, pack);
  }

  #forget(first: number, count: number): void {
    for (let index = 0; index < count; index++) this.#bySequence.delete(first + index);
  }
}
