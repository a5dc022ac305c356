/**
 * Cursors of records: a place in a list, as text that says nothing to those who keep it.
 *
 * @module
 */

import { GatewayError } from "../../../errors.ts";
import type { RecordOrder } from "../../../records/records.ts";

/** A place in a list. */
export interface Place {
  /** The sequence behind which the list goes on, in its order. */
  readonly after: number;
  /** The last sequence that belongs to the list: what is accepted later does not. */
  readonly upTo: number;
}

/** How cursors begin, by the order of the list. */
const LETTERS: Readonly<Record<RecordOrder, string>> = { oldest: "o", newest: "n" };

/** The text of a place. */
export function formatCursor(order: RecordOrder, { after, upTo }: Place): string {
  return `${LETTERS[order]}${after}-${upTo}`;
}

/**
 * The place of a text.
 *
 * @throws {GatewayError} `invalid_query` when it is no cursor of a list in this order
 */
export function parseCursor(order: RecordOrder, cursor: string): Place {
  const match = /^([on])(\d{1,16})-(\d{1,16})$/.exec(cursor);
  const [after, upTo] = [Number(match?.[2]), Number(match?.[3])];
  if (match?.[1] === LETTERS[order] && Number.isSafeInteger(after) && Number.isSafeInteger(upTo)) {
    return { after, upTo };
  }
  throw new GatewayError("invalid_query", "'cursor' must be one of a list with the same order");
}
