/**
 * The statements by which gateways hold lanes of webhooks whose order counts, and get what stands in them.
 *
 * @module
 */

import { prepared } from "../../../io/postgres/statement.ts";
import { STORED_PACK } from "../packs/pack_rows.ts";
import { isLaneSql, ORDERED_FROM, unreadOwnerSql } from "./ordered_rows.ts";

/** Packs that one statement takes, and lanes. */
export const SLICE = 500;

/** Lanes of packs that ended gateways have left. Values: those gateways. */
export const LEFT = prepared(
  `select distinct lanes[1] as lane from (
    select lanes from cwm.pack where owner = any($1::bigint[]) and no >= ${ORDERED_FROM}
    order by owner, no limit ${SLICE}) p`,
);

/**
 * Lanes with packs that nobody has got yet, of those that this gateway holds, or nobody. Value: this gateway.
 *
 * A look into the index for each lane that has any.
 */
export const UNREAD = prepared(
  `with recursive o as (
    (select owner from cwm.pack where ${isLaneSql("owner")} order by owner desc limit 1)
    union all
    select (select p.owner from cwm.pack p where p.owner < o.owner order by p.owner desc limit 1) from o
    where o.owner is not null)
  select l.id as lane, coalesce(l.holder = $1, false) as own
  from o join cwm.lane l on o.owner = ${unreadOwnerSql("l.id")}
  where l.holder is null or l.holder = $1 or not exists (select from cwm.gateway g where g.id = l.holder)`,
);

/**
 * Takes lanes that nobody holds. Values: this gateway, the lanes. Locked first, so that one of several gets a lane; a
 * holder that has ended has no lot under way any more, since its row is gone.
 */
export const HOLD = prepared(
  `with me as materialized (select id from cwm.gateway where id = $1 for key share),
  free as materialized (
    select l.id from cwm.lane l, me
    where l.id = any($2::int[]) and (l.holder is null or not exists (select from cwm.gateway g where g.id = l.holder))
    order by l.id for update of l skip locked)
  update cwm.lane l set holder = me.id from me, free where l.id = free.id returning l.id as lane`,
);

/** Which of these lanes this gateway holds. Values: this gateway, the lanes. */
export const HELD = prepared(`select id as lane from cwm.lane where holder = $1 and id = any($2::int[])`);

/** Packs of lanes that their holder has not got yet. Values: the owners that stand for the lanes. */
export const WAITING = prepared(
  `select no, owner from cwm.pack where owner = any($1::bigint[]) order by no limit ${SLICE}`,
);

/** Packs of lanes that ended gateways have left. Values: those gateways, the lanes. */
export const LEFT_PACKS = prepared(
  `select no, owner from cwm.pack
  where owner = any($1::bigint[]) and no >= ${ORDERED_FROM} and lanes[1] = any($2::int[]) order by no limit ${SLICE}`,
);

/**
 * Makes packs this gateway's, of lanes that it holds: by a subquery for each, as in a lot. Values: this gateway, owners
 * until now, numbers.
 */
export const TAKE = prepared(
  `with me as materialized (select id from cwm.gateway where id = $1 for key share),
  picked as materialized (
    select (select p.ctid from cwm.pack p where p.owner = t.owner and p.no = t.no for update) as place
    from me, unnest($2::bigint[], $3::bigint[]) t(owner, no))
  update cwm.pack p set owner = me.id from me, picked
  where p.ctid = picked.place
    and exists (select from cwm.lane l where l.id = p.lanes[1] and l.holder = me.id)
  returning ${STORED_PACK}, p.mark::float8 as mark`,
);
