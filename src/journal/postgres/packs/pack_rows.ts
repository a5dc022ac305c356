/**
 * Rows of packs, as they are read.
 *
 * @module
 */

import type { PostgresClient } from "../../../io/postgres/client.ts";
import { decodeHeld } from "./held.ts";
import { meetLanes } from "./lane_numbers.ts";
import type { PackRow, Packs } from "./packs.ts";

/** The columns of a {@linkcode StoredPack}, of the table `p`. */
export const STORED_PACK =
  `p.no::float8 as no, p.count, p.oldest_at::float8 as oldest_at, p.claimed, p.lanes, p.held,
  octet_length(p.data) as bytes`;

/** A row of the table `pack`, without its events. */
export interface StoredPack {
  readonly no: number;
  readonly count: number;
  readonly oldest_at: number;
  readonly claimed: boolean;
  /** The number of a lane and how many events in a row are of it, one after the other. */
  readonly lanes: readonly number[];
  readonly held: string | null;
  readonly bytes: number;
}

/** What rows say, with the lanes of their events. */
export async function readPackRows(
  client: PostgresClient,
  packs: Packs,
  rows: readonly StoredPack[],
): Promise<readonly PackRow[]> {
  await meetLanes(client, packs, rows.flatMap(({ lanes }) => lanes.filter((_, index) => index % 2 === 0)));
  return rows.map(({ no, count, oldest_at: oldestAt, claimed, lanes, held, bytes }) => ({
    no,
    count,
    oldestAt,
    bytes,
    lanes: lanes.flatMap((id, index) =>
      index % 2 === 0 ? Array.from({ length: lanes[index + 1]! }, () => packs.laneOfId(id)!) : []
    ),
    attempts: claimed ? 1 : 0,
    held: held === null ? undefined : decodeHeld(JSON.parse(held)),
  }));
}
