/**
 * Records of events that have rows of their own.
 *
 * @module
 */

import type { SQLInputValue } from "node:sqlite";
import type { AttemptFailure } from "../../../../dead_letters/dead_letters.ts";
import type { RecordState } from "../../../../records/records.ts";
import type { RecordSlice } from "../../protocol.ts";
import type { Row } from "../tables/event.ts";
import type { LaneTable } from "../tables/lane.ts";
import {
  type Conditions,
  type Found,
  NOTHING_KNOWN,
  pendingState,
  type Statements,
  type Window,
} from "./found.ts";

/** What the tables say of an event beside its place in the list, by the table that has it. */
const COLUMNS = {
  pending: "due, attempts, failure, progress",
  delivered: "at, attempts",
  dead: "connection, reason, message, attempts, died_at",
  messages:
    "deliveries AS attempts, (SELECT name FROM channels WHERE channels.id = messages.channel) AS name",
} as const;

type RecordTable = keyof typeof COLUMNS;

const TABLE_OF: Readonly<Record<RecordState, RecordTable>> = {
  waiting: "pending",
  under_way: "pending",
  in_channel: "messages",
  delivered: "delivered",
  dead_letter: "dead",
};

/** Finds them in the tables that say in which state events are. */
export class RowRecords {
  readonly #statements: Statements;
  readonly #lanes: LaneTable;

  constructor(statements: Statements, lanes: LaneTable) {
    this.#statements = statements;
    this.#lanes = lanes;
  }

  /** What matches in a window, at most as many of each table as the slice may have. */
  find(window: Window, conditions: Conditions, slice: RecordSlice): Found[] {
    const tables = new Set(Array.from(conditions.states, (state) => TABLE_OF[state]));
    return [...tables].flatMap((table) => this.#rowsOf(table, window, conditions, slice));
  }

  #rowsOf(table: RecordTable, { from, to }: Window, conditions: Conditions, slice: RecordSlice): Found[] {
    const { lanes, ids, after, before, states } = conditions;
    const claimed = table !== "pending" || states.has("waiting") === states.has("under_way")
      ? ""
      : states.has("waiting")
      ? "AND due >= 0"
      : "AND due < 0";
    const statement = this.#statements.get(
      `SELECT ${table}.seq AS seq, ${table}.lane AS lane, ${COLUMNS[table]}, events.id AS id,
        events.received_at AS received_at, octet_length(events.body) AS bytes
        FROM ${table} JOIN events ON events.seq = ${table}.seq
        WHERE ${table}.seq BETWEEN ?1 AND ?2 ${claimed} AND events.received_at >= ?3 AND events.received_at < ?4
        AND (?5 IS NULL OR ${table}.lane IN (SELECT value FROM json_each(?5)))
        AND (?6 IS NULL OR events.id IN (SELECT value FROM json_each(?6)))
        ORDER BY ${table}.seq ${slice.order === "oldest" ? "ASC" : "DESC"} LIMIT ?7`,
    );
    const values: SQLInputValue[] = [
      from,
      to,
      after,
      before,
      lanes,
      ids === undefined ? null : JSON.stringify([...ids]),
      slice.limit,
    ];
    return (statement.all(...values) as Row[]).map((row) => this.#recordOf(table, row));
  }

  #recordOf(table: RecordTable, row: Row): Found {
    return {
      ...NOTHING_KNOWN,
      ...this.#lanes.get(Number(row["lane"])),
      sequence: Number(row["seq"]),
      id: String(row["id"]),
      receivedAt: Number(row["received_at"]),
      bytes: Number(row["bytes"]),
      attempts: row["attempts"] === null ? undefined : Number(row["attempts"]),
      ...PARTICULARS[table](row),
    };
  }
}

/** What the rows of a table say. */
const PARTICULARS: Readonly<Record<RecordTable, (row: Row) => Pick<Found, "state"> & Partial<Found>>> = {
  pending: pendingState,
  delivered: ({ at }) => ({ state: "delivered", deliveredAt: Number(at) }),
  dead: ({ connection, reason, message, died_at: diedAt }) => ({
    state: "dead_letter",
    diedAt: Number(diedAt),
    failure: {
      connection: String(connection),
      code: reason as AttemptFailure["code"],
      message: String(message),
    },
  }),
  messages: ({ name }) => ({ state: "in_channel", channel: String(name) }),
};
