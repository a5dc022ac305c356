/**
 * Rows of packs, as they are read.
 *
 * @module
 */

import type { PostgresClient } from "../../../io/postgres/client.ts";
import { prepared } from "../../../io/postgres/statement.ts";
import { decodeHeld } from "./held.ts";
import { meetLanes } from "./lane_numbers.ts";
import type { PackRow, Packs } from "./packs.ts";

/** The columns of a {@linkcode StoredPack}, of the table `p`. */
export const STORED_PACK =
  `p.no::float8 as no, p.count, p.oldest_at::float8 as oldest_at, p.claimed, p.lanes, p.held,
  octet_length(p.data) as bytes`;

/**
 * The rows `p` of packs of one gateway, each by a look into the index, whatever is known of the table's size. Values: the
 * gateway, the numbers.
 */
export const OWN_PACKS = `unnest($2::bigint[]) t(no)
  cross join lateral (select * from cwm.pack p where p.owner = $1 and p.no = t.no offset 0) p`;

/** Owners of packs that are no gateways, or none any more, by one look into the index for each. */
export const ENDED_OWNERS = prepared(
  `with recursive o as (
    (select owner from cwm.pack where owner > 0 order by owner limit 1)
    union all
    select (select p.owner from cwm.pack p where p.owner > o.owner order by p.owner limit 1) from o
    where o.owner is not null)
  select owner from o where owner is not null and not exists (select from cwm.gateway g where g.id = o.owner)`,
);

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
