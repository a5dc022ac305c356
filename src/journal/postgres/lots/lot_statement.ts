/**
 * The one statement that a lot is: everything that waited, committed together.
 *
 * It begins with the gateway's own row, which it locks and does not change: where the row is gone, or has another
 * session, nothing of the statement happens. Events come as one piece of bytes, of which each row takes its part,
 * since arrays of bytes are sent as text.
 *
 * @module
 */

import { prepared } from "../../../io/postgres/statement.ts";
import { ORDERED_FROM, unreadOwnerSql } from "../lanes/ordered_rows.ts";

/** Whose packs are whose events are delivered and kept. */
export const DONE_OWNER = -1;

const FENCE = "me as materialized (select id from cwm.gateway where id = $1 and session = $2 for key share)";

/**
 * The place of a pack. By a subquery for each: a join would be planned by what is known of the table's size, which says
 * nothing of a table that is empty at one moment and full at the next.
 */
const PLACE = "(select p.ctid from cwm.pack p where p.owner = me.id and p.no = t.no)";

const GONE = `gone_at as materialized (select ${PLACE} as place from me, unnest($3::bigint[]) t(no)),
gone as (delete from cwm.pack p using gone_at t where p.ctid = t.place)`;

const KEPT = `kept_at as materialized (
  select ${PLACE} as place, t.*
  from me, unnest($4::bigint[], $5::text[], $6::bigint[], $7::bigint[]) t(no, held, due, done_at)),
kept as (
  update cwm.pack p set held = t.held, due = t.due, done_at = t.done_at,
    owner = case when t.done_at is null then p.owner else ${DONE_OWNER} end
  from kept_at t where p.ctid = t.place)`;

const PACK_COLUMNS = "owner, no, count, oldest_at, claimed, lanes, data";

const BORN = `born as (
  insert into cwm.pack (${PACK_COLUMNS})
  select me.id, t.no, t.count, t.oldest_at, t.claimed, t.lanes::int[], substring($15::bytea from t.start for t.length)
  from me, unnest($8::bigint[], $9::int[], $10::bigint[], $11::bool[], $12::text[], $13::int[], $14::int[])
    t(no, count, oldest_at, claimed, lanes, start, length)
  on conflict do nothing)`;

/** A lot without keys and dead letters. */
export const PLAIN_LOT = prepared(
  `with ${FENCE}, ${GONE}, ${KEPT}, ${BORN} select count(*)::int as alive from me`,
);

/** A letter of the same event of another webhook, which this one is a copy of, stays. */
const LETTER_ID = `case when exists (select from cwm.dead d where d.id = t.id and d.lane <> t.lane)
    then t.id || '~' || t.no else t.id end`;

const BURIED = `buried as (
  insert into cwm.dead
    (no, id, lane, connection, reason, message, attempts, died_at, received_at, progress, bytes, event)
  select t.no, ${LETTER_ID}, t.lane, t.connection, t.reason, t.message, t.attempts, t.died_at, t.received_at, t.progress,
    t.bytes, substring($15::bytea from t.start for t.length)
  from me, unnest($16::bigint[], $17::text[], $18::int[], $19::text[], $20::text[], $21::text[], $22::int[],
    $23::bigint[], $24::bigint[], $25::text[], $26::int[], $27::int[], $28::int[])
    t(no, id, lane, connection, reason, message, attempts, died_at, received_at, progress, bytes, start, length)
  on conflict (id) do update set no = excluded.no, connection = excluded.connection, reason = excluded.reason,
    message = excluded.message, attempts = excluded.attempts, died_at = excluded.died_at,
    progress = excluded.progress, event = excluded.event)`;

/**
 * Events with keys, a pack each. `known`: keys of other events that have not expired; one that is claimed for a delivery
 * without the journal gives way, since that may fail. `fresh`: events all of whose keys
 * are this event's now, also where an earlier try of the same lot has made them so. Keys are taken in one order, so that
 * two gateways never wait for each other. What a race with another gateway has left of an event that turned out to be a
 * repeat is given back when it is asked for again.
 */
const KEYED = `asked as materialized (
  select t.* from me, unnest($29::int[], $30::int[], $31::bytea[], $32::bigint[], $33::text[])
    t(ordinal, lane, key, ttl, event_id)),
known as materialized (
  select * from (
    select a.ordinal, a.key, (
      select i.event_id from cwm.idempotency i where i.lane = a.lane and i.key = a.key
        and i.until > clock_timestamp() and i.event_id <> a.event_id and i.claimer is null) as event_id
    from asked a) found
  where event_id is not null),
freed_at as materialized (
  select (
    select i.ctid from cwm.idempotency i where i.lane = a.lane and i.key = a.key and i.event_id = a.event_id) as place
  from asked a where a.ordinal in (select ordinal from known)),
freed as (delete from cwm.idempotency i using freed_at t where i.ctid = t.place),
taken as (
  insert into cwm.idempotency as i (lane, key, event_id, until)
  select a.lane, a.key, a.event_id, clock_timestamp() + a.ttl * interval '1 millisecond'
  from asked a where a.ordinal not in (select ordinal from known) order by a.lane, a.key
  on conflict (lane, key) do update set event_id = excluded.event_id, until = excluded.until, claimer = null
    where i.until <= clock_timestamp() or i.event_id = excluded.event_id or i.claimer is not null
  returning i.lane, i.key),
fresh as (
  select a.ordinal from asked a left join taken t on t.lane = a.lane and t.key = a.key
  group by a.ordinal having bool_and(t.key is not null)),
born_keyed as (
  insert into cwm.pack (${PACK_COLUMNS})
  select me.id, t.no, 1, t.oldest_at, t.claimed, array[t.lane, 1], substring($15::bytea from t.start for t.length)
  from me, unnest($34::int[], $35::bigint[], $36::bigint[], $37::bool[], $38::int[], $39::int[], $40::int[])
    t(ordinal, no, oldest_at, claimed, lane, start, length)
  join fresh using (ordinal)
  on conflict do nothing)`;

const KEYED_ANSWER = `(select coalesce(json_agg(ordinal), '[]') from fresh) as fresh,
  (select coalesce(json_agg(json_build_array(ordinal, encode(key, 'hex'), event_id)), '[]') from known) as known`;

/** A lot without packs of webhooks whose order counts. */
export const WHOLE_LOT = prepared(
  `with ${FENCE}, ${GONE}, ${KEPT}, ${BORN}, ${BURIED}, ${KEYED}
  select (select count(*)::int from me) as alive, ${KEYED_ANSWER}`,
);

/** How many values {@linkcode ordered} has. */
const ORDERED_VALUES = 12;

/**
 * Packs of webhooks whose order counts. The server numbers them in the order in which they are given; `mark` is the
 * number that the gateway has given, by which it knows them until then, and by which a lot that is sent again finds
 * what it has appended already. Those of lanes that this gateway does not hold are left to who does, who may have
 * delivered and removed them before the lot is sent again: so a lot that has happened has a receipt, and adds nothing.
 *
 * @param first the number of the first value: ordinals of events with keys, lanes, marks, counts, times, whether they
 * are claimed, whether the lane is held here, where the bytes start and how many they are; and the marks of packs that
 * senders were refused; the ticket of the lot, which is the first mark, and those of lots before it that are over
 * @param condition which of them are appended
 */
function ordered(first: number, condition: string): string {
  const [ordinal, lane, mark, count, oldest, claimed, own, start, length, refused, ticket, former] = Array
    .from(
      { length: ORDERED_VALUES },
      (_, index) => `$${first + index}`,
    );
  return `withdrawn as (
    delete from cwm.pack p using me where p.mark = any(${refused}::bigint[])
      and (p.owner = me.id or p.owner = ${unreadOwnerSql("p.lanes[1]")})),
  former as (delete from cwm.receipt r using me where r.ticket = any(${former}::bigint[])),
  receipt as (
    insert into cwm.receipt (ticket) select t.ticket from me, (values (${ticket}::bigint)) t(ticket)
    where t.ticket is not null on conflict do nothing returning ticket),
  lined as (
    insert into cwm.pack (${PACK_COLUMNS}, mark)
    select case when t.own then t.me else ${unreadOwnerSql("t.lane")} end,
      ${ORDERED_FROM} + nextval('cwm.line_seq'), t.count, t.oldest_at, t.claimed, array[t.lane, t.count],
      substring($15::bytea from t.start for t.length), t.mark
    from (
      select me.id as me, t.* from me, receipt, unnest(${ordinal}::int[], ${lane}::int[], ${mark}::bigint[], ${count}::int[],
        ${oldest}::bigint[], ${claimed}::bool[], ${own}::bool[], ${start}::int[], ${length}::int[])
        with ordinality t(ordinal, lane, mark, count, oldest_at, claimed, own, start, length, place)
      where ${condition} order by place) t
    on conflict (mark) where mark is not null do nothing
    returning mark, no),
  lanes as materialized (select distinct lane from unnest(${lane}::int[]) lane)`;
}

/** What a lot with such packs answers as well. @param marks the value with their marks */
function orderedAnswer(marks: string): string {
  return `(select json_agg(json_build_array(mark, no)) from (
      select mark, no from lined union all select p.mark, p.no from cwm.pack p where p.mark = any(${marks}::bigint[])
    ) l) as lined,
    (select json_agg(lane) from lanes where exists (
      select from cwm.pack p where p.owner = ${unreadOwnerSql("lanes.lane")})) as unread,
    (select json_agg(json_build_array(l.id, l.holder)) from lanes join cwm.lane l on l.id = lanes.lane
      join cwm.gateway g on g.id = l.holder) as holders`;
}

/** A lot of webhooks whose order counts and others, without keys and dead letters. */
export const PLAIN_ORDERED_LOT = prepared(
  `with ${FENCE}, ${GONE}, ${KEPT}, ${BORN}, ${ordered(16, "true")}
  select (select count(*)::int from me) as alive, ${orderedAnswer("$18")}`,
);

/** A lot with everything that there may be. */
export const WHOLE_ORDERED_LOT = prepared(
  `with ${FENCE}, ${GONE}, ${KEPT}, ${BORN}, ${BURIED}, ${KEYED},
    ${ordered(41, "t.ordinal is null or t.ordinal in (select ordinal from fresh)")}
  select (select count(*)::int from me) as alive, ${KEYED_ANSWER}, ${orderedAnswer("$43")}`,
);

/** What a lot answers. */
export interface LotRow {
  /** 1: all of it has happened. 0: nothing has. */
  readonly alive: number;
  /** Of a {@linkcode WHOLE_LOT}: the ordinals of events with keys that were taken. */
  readonly fresh?: readonly number[];
  /** Keys that other events have: the ordinal of the event, the key in hexadecimal, and the event that has it. */
  readonly known?: readonly (readonly [ordinal: number, key: string, eventId: string])[];
  /** Of a lot with packs of webhooks whose order counts: the marks of those that were appended, and their numbers. */
  readonly lined?: readonly (readonly [mark: number, no: number])[] | null;
  /** Lanes of those packs that have others before them, which their holder has not got yet. */
  readonly unread?: readonly number[] | null;
  /** Lanes of those packs, and which living gateway holds them. */
  readonly holders?: readonly (readonly [lane: number, holder: number])[] | null;
}
