/**
 * What the records of a slice are found by, and what is known of them.
 *
 * @module
 */

import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { AttemptFailure } from "../../../../dead_letters/dead_letters.ts";
import type { RecordState } from "../../../../records/records.ts";
import type { StoredBody, StoredRecord } from "../../protocol.ts";
import type { Row } from "../tables/event.ts";

/** The sequences that a slice looks at. */
export interface Window {
  readonly from: number;
  readonly to: number;
}

/** A record that was found; `body` and `headers` are known where it stands in a pack. */
export type Found = Omit<StoredRecord, "event"> & { readonly headers?: string; readonly body?: StoredBody };

/** The conditions of a slice, as statements take them. */
export interface Conditions {
  readonly lanes: string | null;
  readonly ids: ReadonlySet<string> | undefined;
  readonly after: number;
  readonly before: number;
  readonly states: ReadonlySet<RecordState>;
}

/** What is not known of most records. */
export const NOTHING_KNOWN = {
  dueAt: undefined,
  deliveredAt: undefined,
  diedAt: undefined,
  channel: undefined,
  failure: undefined,
} as const;

/** What a row of `pending` says of an event. */
export function pendingState(
  { due, failure, progress }: Row,
): Pick<Found, "state" | "dueAt" | "failure" | "progress"> {
  return {
    state: Number(due) < 0 ? "under_way" : "waiting",
    dueAt: Number(due) > 0 ? Number(due) : undefined,
    failure: failure === null ? undefined : JSON.parse(String(failure)) as AttemptFailure,
    progress: progress === null ? undefined : String(progress),
  };
}

/** Whether an event was received in time, and is one of those that are named. */
export function matches({ after, before, ids }: Conditions, receivedAt: number, id: string): boolean {
  return receivedAt >= after && receivedAt < before && (ids === undefined || ids.has(id));
}

/** Statements that are prepared when they are needed first. */
export class Statements {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  get(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}
