/**
 * Records as JSON, for the admin routes and the command line.
 *
 * @module
 */

import { type EventContents, eventContents } from "../dead_letters/view.ts";
import { isDropped, type ListedState } from "./query.ts";
import type { DropStep, EventRecord, RecordPage } from "./records.ts";

/** An event in a list. What is not known of one in its state is left out. */
export interface RecordRow extends Partial<EventContents> {
  readonly id: string;
  readonly namespace: string;
  readonly webhook: string;
  readonly state: ListedState;
  readonly received_at: string;
  /** Has a list of the same filter and order go on behind this one. */
  readonly cursor: string;
  readonly bytes?: number;
  readonly attempts?: number;
  readonly next_attempt_at?: string;
  readonly delivered_at?: string;
  readonly died_at?: string;
  readonly channel?: string;
  /** The code of the last attempt's failure, or of the refusal or failure of the request. */
  readonly reason?: string;
  readonly message?: string;
  readonly connection?: string;
  /** The status of the answer to a request that stands in no journal. */
  readonly status?: number;
  /** Of requests that stand in no journal: they are in memory. */
  readonly lost_at_restart?: true;
  /** The address of the client whose request was refused. */
  readonly client?: string;
}

/** A page of a list, as it is answered. */
export interface RecordPageRow {
  readonly events: readonly RecordRow[];
  readonly cursor: string | null;
}

/** What one step of a drop has done, as it is answered. */
export interface DropStepRow {
  /** Events that wait or are dead letters: they are gone, or would be. */
  readonly matching: number;
  /** 0 where it was not confirmed. */
  readonly dropped: number;
  /** Other events of the filter, which stay: an attempt is under way, or another gateway delivers them. */
  readonly kept: number;
  readonly cursor: string | null;
}

/** The row of a record. */
export function recordRow(record: EventRecord): RecordRow {
  const { failure, event } = record;
  return {
    id: record.id,
    namespace: record.namespace,
    webhook: record.webhook,
    state: record.state,
    received_at: timeText(record.receivedAt),
    bytes: record.bytes,
    ...(record.attempts === undefined ? {} : { attempts: record.attempts }),
    ...(record.dueAt === undefined ? {} : { next_attempt_at: timeText(record.dueAt) }),
    ...(record.deliveredAt === undefined ? {} : { delivered_at: timeText(record.deliveredAt) }),
    ...(record.diedAt === undefined ? {} : { died_at: timeText(record.diedAt) }),
    ...(record.channel === undefined ? {} : { channel: record.channel }),
    ...(failure === undefined
      ? {}
      : { reason: failure.code, message: failure.message, connection: failure.connection }),
    ...(event === undefined ? {} : eventContents(event)),
    cursor: record.cursor,
  };
}

/** The row of a step of a drop. */
export function dropRow({ dropped, kept, cursor }: DropStep): DropStepRow {
  return { matching: dropped, dropped, kept, cursor: cursor ?? null };
}

/** What a drop of a page would do. */
export function countRow({ records, cursor }: RecordPage): DropStepRow {
  const matching = records.filter(({ state }) => isDropped(state)).length;
  return { matching, dropped: 0, kept: records.length - matching, cursor: cursor ?? null };
}

function timeText(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
