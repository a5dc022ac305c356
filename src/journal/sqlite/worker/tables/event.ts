/**
 * The table of the events, in the worker's thread.
 *
 * @module
 */

import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import type { LaneTable } from "./lane.ts";
import type { LaneKey } from "../../../journal.ts";
import type { StoredBody, StoredEvent } from "../../protocol.ts";
import { LargeRowInserter, RowInserter } from "./row_inserter.ts";

/** The columns that {@linkcode EventTable.restore} takes, for statements that join the events. */
export const EVENT_COLUMNS =
  "events.id AS id, events.lane AS lane, events.received_at AS received_at, events.headers AS headers, events.body AS body";

/** From this length on a body is inserted by itself, so that no statement goes on holding it. */
const LARGE_LENGTH = 16 * 1024;

/** A row of a statement. */
export type Row = Record<string, unknown>;

/** The events themselves. A row never changes: it is written once and removed once. */
export class EventTable {
  readonly #lanes: LaneTable;
  readonly #inserter: RowInserter;
  readonly #large: LargeRowInserter;
  readonly #remove: StatementSync;
  readonly #removeMany: StatementSync;
  readonly #values: SQLInputValue[] = [];
  #next: number;
  /** The first sequence of the open transaction: after a rollback its numbers are given again. */
  #committed: number;

  /** @param lastSequence the last one that this process knows of, so that none is ever given twice */
  constructor(database: DatabaseSync, lanes: LaneTable, lastSequence: number) {
    this.#lanes = lanes;
    const columns = ["seq", "id", "lane", "received_at", "headers", "body"];
    this.#inserter = new RowInserter(database, "events", columns);
    this.#large = new LargeRowInserter(database, "events", columns);
    this.#remove = database.prepare("DELETE FROM events WHERE seq = ?");
    this.#removeMany = database.prepare("DELETE FROM events WHERE seq IN (SELECT value FROM json_each(?))");
    const row = database.prepare("SELECT max(seq) AS last FROM events").get();
    this.#next = this.#committed = Math.max(lastSequence, Number(row?.["last"] ?? 0)) + 1;
  }

  get lastSequence(): number {
    return this.#next - 1;
  }

  /** Adds an event, which is written by {@linkcode flush} at the latest, and returns its sequence. */
  add(
    id: string,
    lane: number,
    receivedAt: number,
    headers: string,
    body: StoredBody,
  ): number {
    const sequence = this.reserve(1);
    this.put(sequence, id, lane, receivedAt, headers, body);
    return sequence;
  }

  /** Gives so many sequences away, and returns the first. */
  reserve(count: number): number {
    const first = this.#next;
    this.#next += count;
    return first;
  }

  /** Adds an event that has its sequence already, as {@linkcode add} does. */
  put(
    sequence: number,
    id: string,
    lane: number,
    receivedAt: number,
    headers: string,
    body: StoredBody,
  ): void {
    if (body.length > LARGE_LENGTH) this.#large.insert([sequence, id, lane, receivedAt, headers, body]);
    else this.#values.push(sequence, id, lane, receivedAt, headers, body);
  }

  flush(): void {
    if (this.#values.length === 0) return;
    this.#inserter.insert(this.#values);
    this.#values.length = 0;
  }

  /** The number of an event's lane, a new one if it has none. */
  laneOf({ namespace, webhook }: LaneKey): number {
    return this.#lanes.ensure(namespace, webhook);
  }

  /** Writes one event and returns its sequence. */
  insert(event: StoredEvent): number {
    const { id, receivedAt, headers, body } = event;
    const sequence = this.add(id, this.laneOf(event), receivedAt, headers, body);
    this.flush();
    return sequence;
  }

  remove(sequence: number): void {
    this.#remove.run(sequence);
  }

  removeMany(sequences: readonly number[]): void {
    if (sequences.length > 0) this.#removeMany.run(JSON.stringify(sequences));
  }

  /** Makes an event of a row with {@linkcode EVENT_COLUMNS}. */
  restore(row: Row): StoredEvent {
    return {
      id: String(row["id"]),
      ...this.#lanes.get(Number(row["lane"])),
      receivedAt: Number(row["received_at"]),
      headers: String(row["headers"]),
      body: row["body"] as StoredBody,
    };
  }

  commit(): void {
    this.#committed = this.#next;
  }

  rollback(): void {
    this.#next = this.#committed;
    this.#values.length = 0;
  }
}
