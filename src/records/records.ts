/**
 * The contract of events as records: what stands in the journal, and where each event of it stands.
 *
 * @module
 */

import type { AttemptFailure } from "../dead_letters/dead_letters.ts";
import type { VerifiedEvent } from "../event/verified_event.ts";

/**
 * Where an event stands: it waits for its next attempt, an attempt is under way, it is in a channel for a connector,
 * it was delivered and is kept for the retention, or it is a dead letter.
 */
export const RECORD_STATES = ["waiting", "under_way", "in_channel", "delivered", "dead_letter"] as const;

/** One of {@linkcode RECORD_STATES}. */
export type RecordState = typeof RECORD_STATES[number];

/** Which events are meant. Left out, a condition does not matter; an empty filter means all. */
export interface RecordFilter {
  readonly ids?: readonly string[];
  readonly namespace?: string;
  /** Patterns of `schema/namespace_patterns.ts`, one of which the namespace matches. */
  readonly namespaces?: readonly string[];
  /** The webhook's id within its namespace. */
  readonly webhook?: string;
  readonly states?: readonly RecordState[];
  /** Received before this time, in milliseconds since 1970. */
  readonly before?: number;
  /** Received at or after this time, in milliseconds since 1970. */
  readonly after?: number;
}

/** The order of a list: that in which events were accepted, or the opposite one. */
export type RecordOrder = "oldest" | "newest";

/** Which part of a list is read. */
export interface RecordListOptions {
  readonly order: RecordOrder;
  /** Most records on the page. */
  readonly limit: number;
  /** Whether records bring their events. Pages then have 1 MiB of them at most, or one larger event. */
  readonly contents: boolean;
  /** Of the page, or of the record, behind which to go on. @default from the beginning */
  readonly cursor?: string | undefined;
}

/** One event of the journal. */
export interface EventRecord {
  readonly id: string;
  readonly namespace: string;
  readonly webhook: string;
  readonly state: RecordState;
  /** In milliseconds since 1970. */
  readonly receivedAt: number;
  /** Size of the body, in bytes. */
  readonly bytes: number;
  /** Attempts begun so far; `undefined` where that is not known any more. */
  readonly attempts: number | undefined;
  /** When the next attempt may begin, in milliseconds since 1970; `undefined` where none waits for its time. */
  readonly dueAt: number | undefined;
  /** When it was delivered, in milliseconds since 1970. */
  readonly deliveredAt: number | undefined;
  /** When it was given up, in milliseconds since 1970. */
  readonly diedAt: number | undefined;
  /** The channel that it stands in. */
  readonly channel: string | undefined;
  /** Why the last attempt failed. */
  readonly failure: AttemptFailure | undefined;
  /** What is stored of a chain whose event waits, or is under way. Left out for others. */
  readonly progress?: string | undefined;
  /** `undefined` unless contents were asked for. */
  readonly event: VerifiedEvent | undefined;
  /** Has a list of the same filter and order go on behind this record. */
  readonly cursor: string;
}

/** A page of records. It may have fewer than asked for, even none, and still be followed by another one. */
export interface RecordPage {
  readonly records: readonly EventRecord[];
  /** Pass it as `cursor` for the next page; `undefined` on the last one. */
  readonly cursor: string | undefined;
}

/** What one step of a replay has done. */
export interface ReplayStep {
  /** Events that are to be delivered again. */
  readonly replayed: number;
  /** Events of the filter that are yet to be delivered anyway. */
  readonly skipped: number;
  /** Pass it as `cursor` for the next step; `undefined` after the last one. */
  readonly cursor: string | undefined;
}

/** How many events of a webhook waited, and are gone. */
export interface DroppedWaiting {
  readonly namespace: string;
  readonly webhook: string;
  readonly count: number;
}

/** What one step of a drop has done. */
export interface DropStep {
  /** Events that are gone. */
  readonly dropped: number;
  /** Events of the filter that stay: an attempt is under way, or they are another gateway's, delivered or in a channel. */
  readonly kept: number;
  /** Of the dropped ones, those that waited. A webhook may stand there several times. */
  readonly waiting: readonly DroppedWaiting[];
  /** Pass it as `cursor` for the next step; `undefined` after the last one. */
  readonly cursor: string | undefined;
}

/** Lists, replays and drops what stands in the journal. Rejects as the journal does. */
export interface EventRecords {
  /** @throws {GatewayError} `invalid_query` for a cursor that is none of a list in this order */
  list(filter: RecordFilter, options: RecordListOptions): Promise<RecordPage>;
  /**
   * Has events delivered again, with their ids, in the order in which they were accepted; events that are accepted
   * after the first step are left out of all later ones.
   *
   * @param to what gets them, as new events of its own. @default the webhook of each, to which delivered events and
   *   dead letters go back
   * @throws {GatewayError} `journal_share_full` when the webhook that gets the next one holds its share of the store,
   *   `invalid_query` for a cursor that is none
   */
  replay(
    filter: RecordFilter,
    limit: number,
    to: { readonly namespace: string; readonly webhook: string } | undefined,
    cursor?: string,
  ): Promise<ReplayStep>;
  /**
   * Removes events for good that wait or are dead letters, in the order in which they were accepted; what is accepted
   * after the first step is left out of all later ones. An event is removed whole, or not at all.
   *
   * @throws {GatewayError} `invalid_query` for a cursor that is none
   */
  drop(filter: RecordFilter, limit: number, cursor?: string): Promise<DropStep>;
}
