/**
 * How much of the file each webhook holds: its pending events, its dead letters and what stands in channels. Events
 * that were delivered and are kept for a while are nobody's.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { DatabaseSync } from "node:sqlite";
import { fairRoom } from "../../../time/fair_share.ts";
import type { StoredBody } from "../protocol.ts";
import { TransactionCounts } from "./transaction_counts.ts";

/** What an event with a row of its own takes besides its headers and its body, roughly, in bytes. */
const BYTES_PER_EVENT = 100;

/** The same as {@linkcode storedBytes} in SQL, of a row of `events`. */
export const STORED_BYTES = `octet_length(events.headers) + octet_length(events.body) + ${BYTES_PER_EVENT}`;

/** How much an event counts for that has a row of its own, in bytes. */
export function storedBytes(headers: string, body: StoredBody): number {
  return Buffer.byteLength(headers) + Buffer.byteLength(body) + BYTES_PER_EVENT;
}

/** The bytes that lanes hold, by the lane's number. */
export class Holdings extends TransactionCounts {
  constructor(database: DatabaseSync) {
    super();
    const rows = database.prepare(
      `SELECT lane, sum(bytes) AS bytes FROM (
        SELECT lane, bytes FROM pending UNION ALL SELECT lane, bytes FROM packs
        UNION ALL SELECT lane, bytes FROM dead UNION ALL SELECT lane, bytes FROM messages
      ) GROUP BY lane`,
    ).all();
    this.load(rows.map((row) => [Number(row["lane"]), Number(row["bytes"])]));
  }

  /** Whether a lane may hold no more, so that there is room for others. @param free what nobody holds, in bytes */
  isBeyondShare(lane: number, free: number): boolean {
    return fairRoom(this.get(lane), free) < 0;
  }
}
