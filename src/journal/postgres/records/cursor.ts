/**
 * Cursors of records: a place in a list, as text that says nothing to those who keep it.
 *
 * @module
 */

import { GatewayError } from "../../../errors.ts";
import type { RecordOrder } from "../../../records/records.ts";

/** The position of a record: first by time, then by the number of its row, then by its place in the row. */
export interface Position {
  /** When the row's oldest event was received, in milliseconds since 1970. */
  readonly at: number;
  /** The row's number. */
  readonly no: number;
  /** Of the event in its pack. */
  readonly index: number;
}

/** A place in a list. */
export interface Place {
  /** The record behind which the list goes on, in its order. */
  readonly after: Position;
  /** What was received later does not belong to the list, in milliseconds since 1970. */
  readonly upTo: number;
}

/** How cursors begin, by the order of the list. */
const LETTERS: Readonly<Record<RecordOrder, string>> = { oldest: "o", newest: "n" };

/** The text of a place. */
export function formatCursor(order: RecordOrder, { after: { at, no, index }, upTo }: Place): string {
  return `${LETTERS[order]}${at}-${no}-${index}-${upTo}`;
}

/**
 * The place of a text.
 *
 * @throws {GatewayError} `invalid_query` when it is no cursor of a list in this order
 */
export function parseCursor(order: RecordOrder, cursor: string): Place {
  const match = /^([on])(\d{1,16})-(\d{1,16})-(\d{1,16})-(\d{1,16})$/.exec(cursor);
  const [at, no, index, upTo] = [2, 3, 4, 5].map((group) => Number(match?.[group])) as [
    number,
    number,
    number,
    number,
  ];
  if (match?.[1] === LETTERS[order] && [at, no, index, upTo].every(Number.isSafeInteger)) {
    return { after: { at, no, index }, upTo };
  }
  throw new GatewayError("invalid_query", "'cursor' must be one of a list with the same order");
}
