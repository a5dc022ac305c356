/**
 * The one statement that changes who has claimed keys.
 *
 * @module
 */

import { prepared } from "../../../io/postgres/statement.ts";

/** For how long an event has its keys while it is delivered, in milliseconds: no delivery takes as long. */
export const LEASE_MS = 15 * 60_000;

/** After so long a claim can be none of a gateway that a statement under way has not seen yet, in milliseconds. */
const SEEN_AFTER_MS = 5_000;

/**
 * Takes keys for events that are about to be delivered, or were. Values: this gateway, and of each key its lane, itself,
 * the event, for how long, and whether it was delivered.
 *
 * A claim gives way to one of the same event, and where its gateway has ended; whatever was delivered holds. To give a
 * key back is to claim it for no time. All go in one order, so that two gateways never wait for each other. What it
 * answers are the keys that others have: the place, and the event where it was delivered.
 */
export const TAKE = prepared(
  `with asked as materialized (
    select t.* from unnest($2::int[], $3::bytea[], $4::text[], $5::float8[], $6::boolean[])
      with ordinality t(lane, key, event_id, ms, is_delivered, place)),
  taken as (
    insert into cwm.idempotency as i (lane, key, event_id, until, claimer)
    select lane, key, event_id, clock_timestamp() + ms * interval '1 millisecond',
      case when is_delivered then null else $1::bigint end
    from asked order by lane, key
    on conflict (lane, key) do update
      set event_id = excluded.event_id, until = excluded.until, claimer = excluded.claimer
      where excluded.claimer is null or i.until <= clock_timestamp() or (i.claimer is not null and (
        i.event_id = excluded.event_id or (
          i.until < clock_timestamp() + interval '${LEASE_MS - SEEN_AFTER_MS} milliseconds'
          and not exists (select from cwm.gateway g where g.id = i.claimer))))
    returning lane, key)
  select a.place, (
      select i.event_id from cwm.idempotency i
      where i.lane = a.lane and i.key = a.key and i.claimer is null and i.until > clock_timestamp()) as event_id
  from asked a where not exists (select from taken t where t.lane = a.lane and t.key = a.key)`,
);

/** A key that another event has. */
export interface TakenKey {
  /** Among those that were asked for, from 1 on. */
  readonly place: number;
  /** The event, where it was delivered; `null` while it is under way. */
  readonly event_id: string | null;
}
