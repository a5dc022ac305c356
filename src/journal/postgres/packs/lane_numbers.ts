/**
 * What the tables know webhooks by.
 *
 * @module
 */

import type { PostgresClient } from "../../../io/postgres/client.ts";
import { prepared } from "../../../io/postgres/statement.ts";
import { webhookPath } from "../../../event/names.ts";
import type { LaneKey } from "../../journal.ts";
import type { Packs } from "./packs.ts";
import type { WaitingLane } from "./waiting_lane.ts";

interface LaneRow extends LaneKey {
  readonly id: number;
}

const FIND = prepared(
  `select l.id, l.namespace, l.webhook from cwm.lane l
  join unnest($1::text[], $2::text[]) t(namespace, webhook) on l.namespace = t.namespace and l.webhook = t.webhook`,
);

/** In one order, so that two gateways never wait for each other. */
const MAKE = prepared(
  `insert into cwm.lane (namespace, webhook)
  select * from unnest($1::text[], $2::text[]) t(namespace, webhook) order by 1, 2 on conflict do nothing`,
);

const NAMES = prepared("select id, namespace, webhook from cwm.lane where id = any($1::int[])");

/** Finds out the numbers of lanes, or makes them. */
export async function numberLanes(
  client: PostgresClient,
  packs: Packs,
  lanes: readonly WaitingLane[],
): Promise<void> {
  if (lanes.length === 0 || await findNumbers(client, packs, lanes)) return;
  await client.query(MAKE, namesOf(lanes));
  await findNumbers(client, packs, lanes);
}

async function findNumbers(
  client: PostgresClient,
  packs: Packs,
  lanes: readonly WaitingLane[],
): Promise<boolean> {
  const { rows } = await client.query<LaneRow>(FIND, namesOf(lanes));
  const byPath = new Map(lanes.map((lane) => [webhookPath(lane.key.namespace, lane.key.webhook), lane]));
  for (const { namespace, webhook, id } of rows) {
    packs.numbered(byPath.get(webhookPath(namespace, webhook))!, id);
  }
  return rows.length === byPath.size;
}

function namesOf(lanes: readonly WaitingLane[]): [string[], string[]] {
  return [lanes.map(({ key }) => key.namespace), lanes.map(({ key }) => key.webhook)];
}

/** Finds out which webhooks numbers are of, where this gateway has not met them. */
export async function meetLanes(client: PostgresClient, packs: Packs, ids: Iterable<number>): Promise<void> {
  const unknown = [...new Set(ids)].filter((id) => packs.laneOfId(id) === undefined);
  if (unknown.length === 0) return;
  const { rows } = await client.query<LaneRow>(NAMES, [unknown]);
  for (const { id, ...key } of rows) packs.numbered(packs.lane(key), id);
}
