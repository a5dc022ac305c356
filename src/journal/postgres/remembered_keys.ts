/**
 * Keys of events that are remembered without the events: those of webhooks that answer once they have delivered.
 *
 * @module
 */

import type { Buffer } from "node:buffer";
import type { RepeatKey } from "../../event/repeat_key.ts";
import type { LaneKey, RecalledKey, RememberedEvent } from "../journal.ts";
import type { PostgresClient } from "../../io/postgres/client.ts";
import { prepared } from "../../io/postgres/statement.ts";
import { decodeSignedKey, encodeKey, kindByte } from "./packs/repeat_keys.ts";
import { numberLanes } from "./packs/lane_numbers.ts";
import type { Packs } from "./packs/packs.ts";

const FIND = prepared(
  `select i.event_id from cwm.idempotency i join cwm.lane l on l.id = i.lane
  where l.namespace = $1 and l.webhook = $2 and i.key = $3 and i.until > clock_timestamp() and i.claimer is null`,
);

/** In one order, so that two gateways never wait for each other. What came later holds, as where a key has expired. */
const REMEMBER = prepared(
  `insert into cwm.idempotency (lane, key, event_id, until)
  select lane, key, event_id, clock_timestamp() + ttl * interval '1 millisecond'
  from unnest($1::int[], $2::bytea[], $3::text[], $4::bigint[]) t(lane, key, event_id, ttl) order by lane, key
  on conflict (lane, key) do update set event_id = excluded.event_id, until = excluded.until, claimer = null`,
);

/** By how long they are remembered yet, since the clocks of the server and of gateways may differ. */
const RECALL = prepared(
  `select key, event_id, extract(epoch from until - clock_timestamp()) * 1000 as left_ms
  from cwm.idempotency i join cwm.lane l on l.id = i.lane
  where l.namespace = $1 and l.webhook = $2 and i.key >= $3 and i.key < $4 and i.until > clock_timestamp()
    and i.claimer is null
  order by until desc limit $5`,
);

/** Keys that have expired and are removed by one statement. */
const SLICE = 500;

const FORGET = prepared(
  `delete from cwm.idempotency where (lane, key) in (
    select lane, key from cwm.idempotency where until <= clock_timestamp() order by until limit ${SLICE}
    for update skip locked)`,
);

/** The event that had a key within its time to live. */
export async function findRepeated(
  client: PostgresClient,
  { namespace, webhook }: LaneKey,
  key: RepeatKey,
): Promise<string | undefined> {
  const { rows: [row] } = await client.query<{ readonly event_id: string }>(FIND, [
    namespace,
    webhook,
    encodeKey(key),
  ]);
  return row?.event_id;
}

/** Remembers the keys of events. */
export async function remember(
  client: PostgresClient,
  packs: Packs,
  events: readonly RememberedEvent[],
): Promise<void> {
  const lanes = new Set(events.map((event) => packs.lane(event)));
  await numberLanes(client, packs, [...lanes].filter(({ id }) => id === 0));
  // One statement may change a row once.
  const byName = new Map(events.flatMap((event) =>
    event.keys.map((key) => {
      const { id } = packs.lane(event);
      const bytes = encodeKey(key);
      return [`${id} ${bytes.toHex()}`, [id, bytes, event.eventId, Math.round(key.ttlMs)] as const] as const;
    })
  ));
  const rows = [...byName.values()];
  await client.query(REMEMBER, [0, 1, 2, 3].map((column) => rows.map((row) => row[column]!)));
}

/** The newest keys of a webhook that its senders have signed, the oldest of them first. @param now by `steadyNow` */
export async function recall(
  client: PostgresClient,
  { namespace, webhook }: LaneKey,
  limit: number,
  now: number,
): Promise<readonly RecalledKey[]> {
  const kind = kindByte("replayed");
  const { rows } = await client.query<
    { readonly key: Buffer; readonly event_id: string; readonly left_ms: string }
  >(RECALL, [namespace, webhook, Uint8Array.of(kind), Uint8Array.of(kind + 1), limit]);
  return rows.map(({ key, event_id: eventId, left_ms: leftMs }) => ({
    key: decodeSignedKey(key),
    eventId,
    expiresAt: now + Number(leftMs),
  })).toReversed();
}

/** Removes keys that have expired. @returns whether there may be more of them */
export async function forgetExpired(client: PostgresClient): Promise<boolean> {
  return (await client.query(FORGET)).count >= SLICE;
}
