/**
 * The statements of the channels, each one commit.
 *
 * - `message` holds the events, and is never changed: a body of two kilobytes at most would be written with each lease.
 * - `message_turn` holds what changes: whose turn it is. `hidden_until` is null for one that may be leased.
 * - `channel_caller` has a row for each connection that changes them. All begin with a lock on its row: none of them
 *   happens once the row's session was raised, since the connection was lost and the statement is sent again; and each
 *   writes something, so that one that finds its work done waits for the synchronous standby as well.
 *
 * Times are those of the server, in milliseconds: all gateways have it in common, and none of them another one.
 *
 * Rows are looked for by `= any (…)`, by their place or by a subquery each, and not by joins. A plan that was made while
 * a table was empty would read a table that has grown since once for each row that is looked for, and with it all that was
 * removed and vacuum has not got to. For the same reason `(… in (…)) is true` says which rows are among others, which is
 * looked up in a hash; as a join, each would be compared with each.
 *
 * @module
 */

import { prepared } from "../../../io/postgres/statement.ts";

/** `leased` of a turn that nobody holds. */
const FREE = 0;

/** `leased` of one that a consumer holds. */
export const HELD = 1;

/** `leased` of one that a consumer holds until `hidden_until`, whatever happens to a gateway. */
export const TIMED = 2;

/** The longest lease or pause that a consumer may ask for, and a minute: what is hidden longer is so by a clock set back. */
const MAX_HIDDEN_MS = 3_660_000;

/** Turns that one statement makes visible, or buries, at most. */
const MAX_MOVED = 10_000;

const ME =
  `me as materialized (select id from cwm.channel_caller where id = $1 and session = $2 for key share)`;

const NOW = `t as materialized (select (extract(epoch from clock_timestamp()) * 1000)::bigint as now)`;

/**
 * The id of a message's event: its tag begins with the number of its channel. In the collation of the dead letters' ids,
 * whose index is of no use for another one.
 */
const ID = `(substr(tag, strpos(tag, '/') + 1) collate "default")`;

/** What says whether the statement has happened: 0 rows of the caller, and nothing has. */
const ALIVE = `(select count(*)::int from me) as alive`;

/** Whether hidden turns `h` of a channel have to be looked at: their time is over. */
const IS_DUE = `(h.hidden_until <= t.now or h.hidden_until > t.now + ${MAX_HIDDEN_MS})`;

/** Registers a connection. */
export const REGISTER = prepared(`insert into cwm.channel_caller default values returning id, session`);

/** Raises a session, once no statement of the former one is under way any more. Value: the caller. */
export const RAISE = prepared(
  `with l as materialized (select id from cwm.channel_caller where id = $1 for update)
  update cwm.channel_caller c set session = session + 1, seen_at = clock_timestamp() from l where c.id = l.id
  returning c.id, c.session`,
);

/** Forgets a caller, and what has not been heard of for a week: they find that out. Value: the caller. */
export const UNREGISTER = prepared(
  `with receipts as (delete from cwm.receipt where at < clock_timestamp() - interval '7 days')
  delete from cwm.channel_caller where id = $1 or seen_at < clock_timestamp() - interval '7 days'`,
);

/** Makes channels and lanes. Values after the caller: names of channels; namespaces and webhooks. */
export const INTRODUCE = prepared(
  `with ${ME},
  channels as (
    insert into cwm.channel (name) select distinct name from me, unnest($3::text[]) name order by name
    on conflict do nothing),
  lanes as (
    insert into cwm.lane (namespace, webhook)
    select distinct namespace, webhook from me, unnest($4::text[], $5::text[]) lane (namespace, webhook)
    order by namespace, webhook
    on conflict do nothing)
  select ${ALIVE}`,
);

/** What {@linkcode ENQUEUE} returns. The numbers are places in the arrays, from 1. */
export interface EnqueuedRow {
  readonly alive: number;
  /** Those whose channel and lane are known: where others are not, nothing has happened. */
  readonly known: readonly number[] | null;
  /** 1: it has happened now. 0: before, unless channels or lanes are not known; see {@linkcode REFUSED}. */
  readonly receipts: number;
  /** Those that there was no room for. */
  readonly full: readonly number[] | null;
  /** Channels that have something new. */
  readonly channels: readonly string[] | null;
  /** How many events channels held before, counted up to `most`. */
  readonly counted:
    | readonly { readonly channel: string; readonly held: number; readonly most: number }[]
    | null;
}

/**
 * Appends events. Values after the caller: channels, namespaces, webhooks, ids, times to live, times of reception; how
 * many events the channel may hold (null: that is not looked at); where the bytes of the event begin and how many they
 * are; how long the body is; the bytes of all events; the ticket of the statement, and those of others before it whose
 * answers are read, or that will not be sent again. Each event is there once.
 *
 * A statement that was sent before and has happened adds nothing: a consumer may have taken the events away since.
 */
export const ENQUEUE = prepared(
  `with ${ME}, ${NOW},
  given as materialized (
    select c.id as channel, c.name, l.id as lane, c.id || '/' || g.id as tag, g.ttl, g.received_at, g.most, g.at,
      g.length, g.size, g.n
    from unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::bigint[], $9::int[], $10::int[],
      $11::int[], $12::int[])
      with ordinality as g (channel, namespace, webhook, id, ttl, received_at, most, at, length, size, n)
    join cwm.channel c on c.name = g.channel
    join cwm.lane l on l.namespace = g.namespace and l.webhook = g.webhook),
  held as materialized (
    select b.channel, b.name, b.most, (
      select count(*)::int from (
        (select from cwm.message_turn m where m.channel = b.channel and m.hidden_until is null limit b.most)
        union all
        (select from cwm.message_turn m where m.channel = b.channel and m.hidden_until is not null limit b.most)
      ) counted) as held
    from (select channel, name, max(most) as most from given where most is not null group by channel, name) b),
  repeated as materialized (select tag from cwm.message where tag = any (array(select tag from given))),
  fresh as materialized (
    select g.*, row_number() over (partition by g.channel order by g.n) as turn from given g
    where not exists (select from repeated r where r.tag = g.tag)),
  fitting as materialized (
    select f.*, nextval('cwm.message_seq_seq') as seq from (
      select f.* from fresh f left join held h on h.channel = f.channel
      where f.most is null or h.held + f.turn <= f.most order by f.n) f),
  refused as materialized (
    select array_agg(n::int) as places from fresh where (n in (select n from fitting)) is not true),
  former as (delete from cwm.receipt r using me where r.ticket = any ($15::bigint[])),
  receipt as (
    insert into cwm.receipt (ticket, refused) select $14::bigint, refused.places from me, refused
    where (select count(*) from given) = cardinality($3::text[])
    on conflict do nothing returning ticket),
  messages as (
    insert into cwm.message (seq, tag, lane, expires_at, received_at, event) overriding system value
    select f.seq, f.tag, f.lane, t.now + f.ttl, f.received_at, substr($13::bytea, f.at, f.length) from receipt, t, fitting f
    order by f.n
    on conflict (tag) do nothing returning seq),
  turns as (
    insert into cwm.message_turn (seq, channel, lane, expires_at, size)
    select f.seq, f.channel, f.lane, t.now + f.ttl, f.size from t, fitting f
    where (f.seq in (select seq from messages)) is true
    returning channel)
  select ${ALIVE},
    (select array_agg(n::int) from given) as known,
    (select count(*)::int from receipt) as receipts,
    (select places from refused) as full,
    (select array_agg(distinct c.name) from turns join cwm.channel c on c.id = turns.channel) as channels,
    (select json_agg(json_build_object('channel', name, 'held', held, 'most', most)) from held) as counted`,
);

/** Which events an {@linkcode ENQUEUE} had no room for that has happened before. Values after the caller: its ticket. */
export const REFUSED = prepared(
  `with ${ME} select ${ALIVE}, (select refused from cwm.receipt where ticket = $3) as full`,
);

/** A row of {@linkcode LEASE}: an event, or what is said of a channel where there is none. */
export interface LeasedRow {
  readonly alive: number;
  /** The place of the channel in the array, from 1. */
  readonly n: number | null;
  /** Whether leases or delays of the channel have ended: nothing was leased before {@linkcode REVEAL}. Null: nobody looked. */
  readonly due: boolean | null;
  /** How many milliseconds it is until the next lease or delay of the channel ends, if there are any. */
  readonly next: number | null;
  readonly deliveries: number | null;
  /** The place of the event in its channel. */
  readonly seq: number | null;
  readonly event: Uint8Array | null;
}

/**
 * Leases the oldest events. Values after the caller: channels, each once; events at most; how long they are the
 * consumer's; bytes of bodies after which no further event is taken; the kind of lease; the number that the leases get,
 * by which {@linkcode LEASED} finds them again; whether what is there is leased although leases or delays have ended;
 * and the places from which on each channel is looked at, or null for a thorough look: from the first on, and for leases
 * and delays that have ended. What was removed, and vacuum has not got to, is in the way of a thorough one.
 *
 * Turns that another gateway is about to lease are skipped: to claim is what several consumers of a queue do.
 */
export const LEASE = prepared(
  `with ${ME}, ${NOW},
  wanted as materialized (
    select c.id as channel, w.*,
      case when w.first is null then
        exists (select from cwm.message_turn h where h.channel = c.id and ${IS_DUE})
      end as due,
      case when w.first is null then
        (select min(hidden_until) - t.now from cwm.message_turn h where h.channel = c.id and hidden_until > t.now)
      end as next
    from t, unnest($3::text[], $4::int[], $5::bigint[], $6::bigint[], $7::int[], $10::bigint[])
      with ordinality as w (name, most, visibility, room, kind, first, n)
    join cwm.channel c on c.name = w.name),
  locked as materialized (
    select w.n, w.visibility, w.room, w.kind, m.place, m.seq, m.size
    from t, wanted w cross join lateral (
      select m.ctid as place, m.seq, m.size from cwm.message_turn m
      where m.channel = w.channel and m.hidden_until is null and m.expires_at > t.now and m.seq >= coalesce(w.first, 0)
      order by m.seq limit w.most for update skip locked) m
    where w.due is not true or $9),
  picked as materialized (
    select * from (
      select *, sum(size) over (partition by n order by seq) - size as before from locked) summed
    where before < room),
  leased as (
    update cwm.message_turn m
    set hidden_until = t.now + p.visibility, leased = p.kind, deliveries = m.deliveries + 1, lease = $8
    from me, t, picked p where m.ctid = p.place and m.hidden_until is null
    returning p.n, m.seq, m.deliveries)
  select (select count(*)::int from me) as alive, w.n::int, w.due,
    least(w.next, case when l.seq is not null then w.visibility end) as next, l.deliveries, l.seq,
    (select event from cwm.message e where e.seq = l.seq) as event
  from (select 1) one left join wanted w on true left join leased l on l.n = w.n
  order by w.n, l.seq`,
);

/**
 * What a lease has got whose answer was lost, as {@linkcode LEASE} returns it. Values after the caller: channels, and
 * the number of the leases.
 */
export const LEASED = prepared(
  `with ${ME}, ${NOW},
  wanted as (select c.id as channel, w.n from unnest($3::text[]) with ordinality as w (name, n)
    join cwm.channel c on c.name = w.name),
  leased as (select w.n, m.seq, m.deliveries, m.hidden_until from me, wanted w join cwm.message_turn m on m.channel = w.channel
    where m.hidden_until is not null and m.lease = $4)
  select (select count(*)::int from me) as alive, l.n::int, false as due, l.hidden_until - t.now as next, l.deliveries,
    l.seq, (select event from cwm.message e where e.seq = l.seq) as event
  from t left join leased l on true order by l.n, l.seq`,
);

/**
 * Makes the events visible whose leases or delays have ended. Values after the caller: channels. A timed lease stands
 * until somebody else gets the event.
 */
export const REVEAL = prepared(
  `with ${ME}, ${NOW},
  due as materialized (
    select h.seq from me, t, cwm.message_turn h
    where h.channel = any (array(select id from cwm.channel where name = any ($3::text[]))) and ${IS_DUE}
    order by h.hidden_until limit ${MAX_MOVED} for update of h skip locked),
  moved as (
    update cwm.message_turn m
    set hidden_until = null, leased = case m.leased when ${TIMED} then ${TIMED} else ${FREE} end
    where m.seq = any (array(select seq from due)) returning m.seq)
  select ${ALIVE}, (select count(*)::int from moved) as moved`,
);

/** What statements return that name events. */
export interface AppliedRow {
  readonly alive: number;
  /** Places in the arrays, from 1. */
  readonly applied: readonly number[] | null;
}

/** The turns of the events that are named by channels and ids in the third and fourth value, locked in their order. */
function named(...further: readonly string[]): string {
  const columns = ["channel", "id", ...further.map((column) => column.split(" ")[0]!)];
  const arrays = ["$3::text[]", "$4::text[]"];
  for (const column of further) arrays.push(`$${arrays.length + 3}::${column.split(" ")[1]}[]`);
  return `asked as materialized (
    select c.id || '/' || g.id as tag, g.* from unnest(${arrays.join(", ")})
      with ordinality as g (${columns.join(", ")}, n) join cwm.channel c on c.name = g.channel),
  found as materialized (select seq, tag from cwm.message where tag = any (array(select tag from asked))),
  turn as materialized (
    select m.seq, m.leased, m.deliveries from cwm.message_turn m
    where m.seq = any (array(select seq from found)) order by m.seq for update),
  stands as materialized (
    select a.*, m.seq, m.deliveries from me, asked a join found f on f.tag = a.tag join turn m on m.seq = f.seq`;
}

/** Ends the text of {@linkcode named} for events of which a certain timed lease may have to stand. */
const IF_LEASE_STANDS = `where a.delivery is null or (m.leased = ${TIMED} and m.deliveries = a.delivery))`;

/** Removes events. Values after the caller: channels, ids. */
export const ACKNOWLEDGE = prepared(
  `with ${ME},
  asked as materialized (
    select c.id || '/' || g.id as tag, g.n from unnest($3::text[], $4::text[]) with ordinality as g (channel, id, n)
    join cwm.channel c on c.name = g.channel),
  found as materialized (select seq, tag from cwm.message where tag = any (array(select tag from asked))),
  turns as (
    delete from cwm.message_turn m using me where m.seq = any (array(select seq from found)) returning m.seq),
  gone as (delete from cwm.message m where m.seq = any (array(select seq from turns)))
  select ${ALIVE}, (
    select array_agg(n::int) from asked
    where (tag in (select tag from found where (seq in (select seq from turns)) is true)) is true) as applied`,
);

/** Gives events back. Values after the caller: channels, ids, deliveries or null, delays in milliseconds. */
export const RELEASE = prepared(
  `with ${ME}, ${NOW}, ${named("delivery int", "delay bigint")} ${IF_LEASE_STANDS},
  released as (
    update cwm.message_turn m
    set hidden_until = case when s.delay > 0 then t.now + s.delay end, leased = ${FREE}
    from t, stands s where m.seq = s.seq)
  select ${ALIVE}, (select array_agg(n::int) from stands) as applied`,
);

/** Gives events back that nobody saw. Values after the caller: channels, ids. */
export const TAKE_BACK = prepared(
  `with ${ME}, ${named()}),
  released as (
    update cwm.message_turn m set hidden_until = null, leased = ${FREE},
      deliveries = m.deliveries - case m.leased when ${FREE} then 0 else 1 end
    from stands s where m.seq = s.seq)
  select ${ALIVE}, (select array_agg(n::int) from stands) as applied`,
);

/** Lengthens leases that are not timed. Values after the caller: channels, ids, times in milliseconds. */
export const RENEW = prepared(
  `with ${ME}, ${NOW}, ${named("visibility bigint")}),
  renewed as (
    update cwm.message_turn m set hidden_until = t.now + s.visibility
    from t, stands s where m.seq = s.seq and m.leased = ${HELD})
  select ${ALIVE}, (select array_agg(n::int) from stands) as applied`,
);

/** Lengthens timed leases. Values after the caller: channels, ids, deliveries, times in milliseconds. */
export const EXTEND = prepared(
  `with ${ME}, ${NOW}, ${named("delivery int", "visibility bigint")} ${IF_LEASE_STANDS},
  extended as (
    update cwm.message_turn m set hidden_until = t.now + s.visibility from t, stands s where m.seq = s.seq)
  select ${ALIVE}, (select array_agg(n::int) from stands) as applied`,
);

/**
 * Moves the messages `gone` to the dead letters, with the reason of `why`. One of the same webhook with the same id
 * gives way; where another webhook has one, of which this is a copy, the letter's id has a number behind it.
 */
function bury(gone: string, why: string): string {
  return `letters as (
    insert into cwm.dead
      (id, lane, no, connection, reason, message, attempts, died_at, received_at, bytes, event)
    select distinct on (id) case when (select d.lane from cwm.dead d where d.id = g.id) <> g.lane
        then g.id || '~' || g.seq else g.id end as id,
      g.lane, 0, w.channel, w.reason, w.message, coalesce(w.attempts, g.deliveries), t.now, g.received_at, g.size,
      g.event
    from t, ${gone} g join ${why} w on w.seq = g.seq order by id, g.seq
    on conflict (id) do update set lane = excluded.lane, connection = excluded.connection, reason = excluded.reason,
      message = excluded.message, attempts = excluded.attempts, died_at = excluded.died_at,
      received_at = excluded.received_at, bytes = excluded.bytes, event = excluded.event, progress = null)`;
}

/**
 * Moves events to the dead letters. Values after the caller: channels, ids, deliveries or null, reasons, messages,
 * attempts or null.
 */
export const REJECT = prepared(
  `with ${ME}, ${NOW},
  ${named("delivery int", "reason text", "message text", "attempts int")} ${IF_LEASE_STANDS},
  gone as (
    delete from cwm.message m where m.seq = any (array(select seq from stands))
    returning m.seq, ${ID} as id, m.lane, m.received_at, m.event),
  turns as (
    delete from cwm.message_turn m where m.seq = any (array(select seq from stands))
    returning m.seq, m.size, m.deliveries),
  both_gone as materialized (select gone.*, turns.size, turns.deliveries from gone join turns on turns.seq = gone.seq),
  ${bury("both_gone", "stands")}
  select ${ALIVE}, (select array_agg(n::int) from stands) as applied`,
);

/** What {@linkcode EXPIRE} returns. */
export interface ExpiredRow {
  readonly alive: number;
  readonly moved: number;
}

/** Moves events whose time is over, and which nobody holds, to the dead letters. Values after the caller: why. */
export const EXPIRE = prepared(
  `with ${ME}, ${NOW},
  due as materialized (
    select m.seq, m.channel, m.deliveries, m.size from me, t, cwm.message_turn m
    where m.seq = any (array(
        select seq from cwm.message, t where expires_at <= t.now order by expires_at limit ${MAX_MOVED}))
      and (m.leased = ${FREE} or m.hidden_until is null or m.hidden_until <= t.now)
    order by m.seq limit 1000 for update of m skip locked),
  turns as (delete from cwm.message_turn m where m.seq = any (array(select seq from due))),
  gone as (
    delete from cwm.message m where m.seq = any (array(select seq from due))
    returning m.seq, ${ID} as id, m.lane, m.received_at, m.event),
  both_gone as materialized (select gone.*, due.size, due.deliveries from gone join due on due.seq = gone.seq),
  why as materialized (
    select due.seq, c.name as channel, 'expired' as reason, $3 as message, null::int as attempts
    from due join cwm.channel c on c.id = due.channel),
  ${bury("both_gone", "why")}
  select ${ALIVE}, (select count(*)::int from due) as moved`,
);

/** How full channels are. */
export interface DepthRow {
  readonly name: string;
  readonly all: number;
  readonly leased: number;
  readonly oldest: number | null;
}

/** Values: channels. */
export const DEPTH = prepared(
  `with ${NOW}
  select c.name,
    (select count(*)::int from cwm.message_turn m where m.channel = c.id and m.hidden_until is null) +
      (select count(*)::int from cwm.message_turn m where m.channel = c.id and m.hidden_until is not null) as all,
    (select count(*)::int from cwm.message_turn m
      where m.channel = c.id and m.hidden_until > t.now and m.leased <> ${FREE}) as leased,
    (select received_at from cwm.message where seq = least(
      (select seq from cwm.message_turn m where m.channel = c.id and m.hidden_until is null order by seq limit 1),
      (select min(seq) from cwm.message_turn m where m.channel = c.id and m.hidden_until is not null))) as oldest
  from t, cwm.channel c where c.name = any ($1::text[])`,
);

/** Channels that hold events. */
export const CHANNELS = prepared(
  `select name from cwm.channel c
  where coalesce(
    (select true from cwm.message_turn m where m.channel = c.id and m.hidden_until is null limit 1),
    (select true from cwm.message_turn m where m.channel = c.id and m.hidden_until is not null limit 1))`,
);

/** What {@linkcode LOOK} says of channels. */
export interface LookRow {
  readonly name: string;
  /** Whether there is something to lease now. */
  readonly ready: boolean;
  /** How many milliseconds it is until the next lease or delay ends, if there are any. */
  readonly next: number | null;
}

/** Values: channels. */
export const LOOK = prepared(
  `with ${NOW}
  select c.name,
    exists (select from cwm.message_turn m where m.channel = c.id and m.hidden_until is null and m.expires_at > t.now)
      or exists (select from cwm.message_turn h where h.channel = c.id and ${IS_DUE}) as ready,
    (select min(hidden_until) - t.now from cwm.message_turn h where h.channel = c.id and hidden_until > t.now) as next
  from t, cwm.channel c where c.name = any ($1::text[])`,
);
