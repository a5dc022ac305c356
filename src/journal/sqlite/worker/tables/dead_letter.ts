/**
 * The table of the dead letters, in the worker's thread.
 *
 * @module
 */

import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import type {
  AttemptFailure,
  DeadLetterCount,
  DeadLetterCounts,
  DeadLetterFilter,
  DeadLetterSummary,
} from "../../../../dead_letters/dead_letters.ts";
import { EVENT_COLUMNS, type EventTable, type Row } from "./event.ts";
import { type Holdings, STORED_BYTES } from "../holdings.ts";
import type { LaneTable } from "./lane.ts";
import type { PendingTable } from "./pending.ts";
import type { DeadSlice, DeadSliceChanged, DeadSliceRead, StoredDeadLetter } from "../../protocol.ts";

const SUMMARY_COLUMNS =
  `dead.number AS number, dead.seq AS seq, dead.id AS id, dead.lane AS lane, connection, reason, message,
  attempts, died_at, progress, events.received_at AS received_at, octet_length(events.body) AS bytes`;

/** Events that were given up. */
export class DeadLetterTable {
  readonly #events: EventTable;
  readonly #lanes: LaneTable;
  readonly #pending: PendingTable;
  readonly #holdings: Holdings;
  readonly #database: DatabaseSync;
  readonly #insert: StatementSync;
  readonly #get: StatementSync;
  readonly #findSequence: StatementSync;
  readonly #find: StatementSync;
  readonly #remove: StatementSync;
  readonly #last: StatementSync;
  readonly #after: StatementSync;
  #count: number;
  #change = 0;
  #buried = 0;
  #newlyBuried = 0;

  constructor(
    database: DatabaseSync,
    { events, lanes, pending, holdings }: {
      readonly events: EventTable;
      readonly lanes: LaneTable;
      readonly pending: PendingTable;
      readonly holdings: Holdings;
    },
  ) {
    this.#database = database;
    this.#events = events;
    this.#lanes = lanes;
    this.#pending = pending;
    this.#holdings = holdings;
    this.#insert = database.prepare(
      `INSERT INTO dead (seq, id, lane, connection, reason, message, attempts, died_at, progress, bytes)
        SELECT seq, id || ?, lane, ?, ?, ?, ?, ?, ?, ${STORED_BYTES} FROM events WHERE seq = ?
        RETURNING lane, bytes`,
    );
    this.#get = database.prepare(
      `SELECT ${SUMMARY_COLUMNS}, ${EVENT_COLUMNS} FROM dead JOIN events ON events.seq = dead.seq
        WHERE dead.id = ?`,
    );
    this.#findSequence = database.prepare("SELECT number, progress FROM dead WHERE seq = ?");
    this.#find = database.prepare(
      `SELECT number, dead.seq AS seq, dead.lane = events.lane AS is_own
        FROM dead JOIN events ON events.seq = ?1 WHERE dead.id = events.id`,
    );
    this.#remove = database.prepare("DELETE FROM dead WHERE number = ? RETURNING lane, bytes");
    this.#last = database.prepare("SELECT max(number) AS last FROM dead");
    this.#after = database.prepare(
      "SELECT number, lane, connection, reason, died_at FROM dead WHERE number > ? ORDER BY number LIMIT ?",
    );
    this.#count = Number(database.prepare("SELECT count(*) AS count FROM dead").get()?.["count"]);
  }

  get total(): number {
    return this.#count;
  }

  /** How many were added since the file was opened. */
  get buried(): number {
    return this.#buried;
  }

  /**
   * Adds a letter. One of the same webhook with the same event id gives way: it is the same event, given up before. Where
   * another webhook has one, of which this is a copy, the letter's id has the event's sequence behind it.
   */
  addEvent(
    sequence: number,
    failure: AttemptFailure,
    attempts: number,
    progress: string | null = null,
    diedAt: number = Date.now(),
  ): void {
    const former = this.#find.get(sequence);
    const isCopy = former?.["is_own"] === 0;
    if (former !== undefined && !isCopy) this.#drop(Number(former["number"]), Number(former["seq"]));
    const { connection, code, message } = failure;
    const suffix = isCopy ? `~${sequence}` : "";
    const added = this.#insert.get(
      suffix,
      connection,
      code,
      message,
      attempts,
      Math.round(diedAt),
      progress,
      sequence,
    );
    if (added !== undefined) this.#holdings.add(Number(added["lane"]), Number(added["bytes"]));
    this.#change++;
    this.#newlyBuried++;
  }

  get(id: string): StoredDeadLetter | undefined {
    const row = this.#get.get(id) as Row | undefined;
    if (row === undefined) return undefined;
    return {
      summary: this.#summarize(row),
      event: this.#events.restore(row),
      progress: row["progress"] === null ? undefined : String(row["progress"]),
    };
  }

  list(slice: DeadSlice): DeadSliceRead {
    // One more than asked for tells whether there is a next page.
    const found = this.#select({ ...slice, limit: slice.limit + 1 });
    const rows = found.slice(0, slice.limit);
    const next = found.length > slice.limit ? Number(rows.at(-1)?.["number"]) : undefined;
    return { letters: rows.map((row) => this.#summarize(row)), next };
  }

  /** Counts letters by their webhooks, at most `limit` after a number. */
  countSlice(after: number, limit: number): DeadLetterCounts {
    const rows = this.#after.all(after, limit);
    const counts = new Map<number, DeadLetterCount>();
    for (const row of rows) {
      const lane = Number(row["lane"]);
      const { count = 0, since = Number(row["died_at"]) } = counts.get(lane) ?? {};
      counts.set(lane, {
        ...this.#lanes.get(lane),
        count: count + 1,
        since,
        reason: row["reason"] as DeadLetterCount["reason"],
        connection: String(row["connection"]),
      });
    }
    const last = Number(rows.at(-1)?.["number"] ?? after);
    return { counts: [...counts.values()], last, more: rows.length === limit };
  }

  /** Makes the letters of a slice pending again, as if they had just been accepted. */
  replay(slice: DeadSlice): DeadSliceChanged {
    const upTo = slice.upTo ?? this.#lastNumber();
    const rows = this.#select({ ...slice, upTo });
    for (const row of rows) {
      this.#take(Number(row["number"]));
      this.#pending.add(Number(row["seq"]), row["progress"] as string | null);
    }
    return { count: rows.length, next: endOf(rows, slice.limit), upTo };
  }

  /** Makes one letter pending again. Returns whether it was there. */
  revive(sequence: number): boolean {
    const row = this.#findSequence.get(sequence);
    if (row === undefined) return false;
    this.#take(Number(row["number"]));
    this.#pending.add(sequence, row["progress"] as string | null);
    return true;
  }

  /** Removes one letter with its event. Returns whether it was there. */
  dropEvent(sequence: number): boolean {
    const row = this.#findSequence.get(sequence);
    if (row === undefined) return false;
    this.#drop(Number(row["number"]), sequence);
    return true;
  }

  /** Removes the letters of a slice with their events. */
  drop(slice: DeadSlice): DeadSliceChanged {
    const upTo = slice.upTo ?? this.#lastNumber();
    const rows = this.#select({ ...slice, upTo });
    for (const row of rows) this.#drop(Number(row["number"]), Number(row["seq"]));
    return { count: rows.length, next: endOf(rows, slice.limit), upTo };
  }

  commit(): void {
    this.#count += this.#change;
    this.#buried += this.#newlyBuried;
    this.#change = this.#newlyBuried = 0;
  }

  rollback(): void {
    this.#change = this.#newlyBuried = 0;
  }

  #drop(number: number, sequence: number): void {
    this.#take(number);
    this.#events.remove(sequence);
  }

  #take(number: number): void {
    const taken = this.#remove.get(number);
    if (taken !== undefined) this.#holdings.add(Number(taken["lane"]), -Number(taken["bytes"]));
    this.#change--;
  }

  #lastNumber(): number {
    return Number(this.#last.get()?.["last"] ?? 0);
  }

  #select({ filter, after, upTo = Number.MAX_SAFE_INTEGER, limit }: DeadSlice): Row[] {
    const { conditions, values } = toConditions(filter);
    const statement = this.#database.prepare(
      `SELECT ${SUMMARY_COLUMNS} FROM dead
        JOIN events ON events.seq = dead.seq JOIN lanes ON lanes.id = dead.lane
        WHERE dead.number > ? AND dead.number <= ?${conditions.map((each) => ` AND ${each}`).join("")}
        ORDER BY dead.number LIMIT ?`,
    );
    return statement.all(after, upTo, ...values, limit);
  }

  #summarize(row: Row): DeadLetterSummary {
    return {
      id: String(row["id"]),
      ...this.#lanes.get(Number(row["lane"])),
      connection: String(row["connection"]),
      reason: row["reason"] as DeadLetterSummary["reason"],
      message: String(row["message"]),
      attempts: Number(row["attempts"]),
      receivedAt: Number(row["received_at"]),
      diedAt: Number(row["died_at"]),
      bytes: Number(row["bytes"]),
    };
  }
}

/** A slice that is full is followed by another one. */
function endOf(rows: readonly Row[], limit: number): number | undefined {
  return rows.length < limit ? undefined : Number(rows.at(-1)?.["number"]);
}

function toConditions(filter: DeadLetterFilter): { conditions: string[]; values: SQLInputValue[] } {
  const conditions: string[] = [];
  const values: SQLInputValue[] = [];
  const add = (condition: string, value: SQLInputValue | undefined) => {
    if (value === undefined) return;
    conditions.push(condition);
    values.push(value);
  };
  add("dead.id IN (SELECT value FROM json_each(?))", filter.ids && JSON.stringify(filter.ids));
  add("lanes.namespace = ?", filter.namespace);
  // Patterns mean the same to GLOB: they hold no other character of its own than the star.
  add(
    "EXISTS (SELECT 1 FROM json_each(?) WHERE lanes.namespace GLOB value)",
    filter.namespaces && JSON.stringify(filter.namespaces),
  );
  add("lanes.webhook = ?", filter.webhook);
  add("connection = ?", filter.connection);
  add("reason = ?", filter.reason);
  add("died_at < ?", filter.before);
  add("died_at >= ?", filter.after);
  return { conditions, values };
}
