/**
 * The statements of the dead letters.
 *
 * @module
 */

import type { DeadLetterFilter } from "../../../dead_letters/dead_letters.ts";
import { likePatterns } from "../../../schema/namespace_patterns.ts";
import type { Value } from "../../../io/postgres/client.ts";
import { prepared, type Statement } from "../../../io/postgres/statement.ts";
import { ORDERED_FROM, unreadOwnerSql } from "../lanes/ordered_rows.ts";

/** A letter as the statements return it. */
export interface LetterRow {
  readonly number: number;
  readonly id: string;
  readonly namespace: string;
  readonly webhook: string;
  readonly connection: string;
  readonly reason: string;
  readonly message: string;
  readonly attempts: number;
  readonly died_at: number;
  readonly received_at: number;
  readonly bytes: number;
}

const COLUMNS =
  `d.number, d.id, l.namespace, l.webhook, d.connection, d.reason, d.message, d.attempts, d.died_at,
  d.received_at, d.bytes`;

/** Planned for its values each time: conditions that are left out cost nothing then. */
const MEANT = `d.number > $1 and d.number <= $2
  and ($3::text[] is null or d.id = any($3)) and ($4::text is null or l.namespace = $4)
  and ($5::text is null or l.webhook = $5) and ($6::text is null or d.connection = $6)
  and ($7::text is null or d.reason = $7) and ($8::bigint is null or d.died_at < $8)
  and ($9::bigint is null or d.died_at >= $9) and ($10::text[] is null or l.namespace like any($10))`;

const FROM = "from cwm.dead d join cwm.lane l on l.id = d.lane";

/** The letters of a slice, oldest first. */
export const LIST: Statement = {
  text: `select ${COLUMNS} ${FROM} where ${MEANT} order by d.number limit $11`,
};

/** One letter with its event. */
export const GET: Statement = prepared(`select ${COLUMNS}, d.progress, d.event ${FROM} where d.id = $1`);

/** Letters by their webhooks, at most so many after a number. */
export const COUNT: Statement = prepared(
  `select l.namespace, l.webhook, d.number, d.connection, d.reason, d.died_at ${FROM}
  where d.number > $1 order by d.number limit $2`,
);

/** The last number that there is, and how many letters. */
export const LAST: Statement = prepared("select coalesce(max(number), 0) as last from cwm.dead");

/** How many letters there are. */
export const TOTAL: Statement = prepared("select count(*) as total from cwm.dead");

const TAKEN = `meant as materialized (
    select d.number ${FROM} where ${MEANT} order by d.number limit $11 for update of d skip locked),
  taken as (delete from cwm.dead d using meant where d.number = meant.number returning d.*)`;

const SUMMARY = "select count(*) as count, max(number) as last from taken";

/** What a slice has changed. */
export interface ChangedRow {
  readonly count: number;
  readonly last: number | null;
}

/** Removes the letters of a slice. */
export const DROP: Statement = { text: `with ${TAKEN} ${SUMMARY}` };

/** How many letters one replay takes at most: their numbers come from one block of the sequence. */
export const LETTERS_PER_SLICE = 500;

/**
 * Makes the letters of a slice pending again: each is a pack of its own. Its owner has a number that no gateway has
 * or gets, so that one takes it over as it does with those of a gateway that has ended. Where the order counts, or once
 * did, the gateway that holds the lane delivers it, behind what waits there.
 */
export const REPLAY: Statement = {
  text: `with ${TAKEN},
  block as materialized (select nextval('cwm.gateway_id_seq') as nobody, nextval('cwm.pack_block') as first),
  born as (
    insert into cwm.pack (owner, no, count, oldest_at, claimed, lanes, held, data)
    select case when taken.holder is null then block.nobody else ${unreadOwnerSql("taken.lane")} end,
      case when taken.holder is null then block.first + row_number() over (order by taken.number) - 1
        else ${ORDERED_FROM} + nextval('cwm.line_seq') end,
      1, taken.received_at, false, array[taken.lane, 1],
      case when taken.progress is not null
        then jsonb_build_array(jsonb_build_array(0, 0, null, null, null, null, taken.progress))::text end,
      taken.event
    from (
      select taken.*, lane.holder from taken join cwm.lane on lane.id = taken.lane order by taken.number) taken, block)
  ${SUMMARY}`,
};

/** Adds a letter, or puts it in the place of the one that the event had before. */
export const BURY: Statement = {
  text: `with lane as (
    insert into cwm.lane (namespace, webhook) values ($1, $2)
    on conflict (namespace, webhook) do update set namespace = excluded.namespace returning id)
  insert into cwm.dead
    (no, id, lane, connection, reason, message, attempts, died_at, received_at, bytes, event)
  select nextval('cwm.pack_block'), $3, lane.id, $4, $5, $6, $7::int, $8::bigint, $9::bigint, $10::int, $11::bytea from lane
  on conflict (id) do update set number = default, lane = excluded.lane, connection = excluded.connection,
    reason = excluded.reason, message = excluded.message, attempts = excluded.attempts, died_at = excluded.died_at,
    progress = null, event = excluded.event
  returning (xmax = 0) as is_new`,
};

/** The values of the conditions of a slice. */
export function conditionsOf(
  { ids, namespace, namespaces, webhook, connection, reason, before, after }: DeadLetterFilter,
  from: number,
  upTo: number,
): Value[] {
  return [
    from,
    upTo,
    ids ?? null,
    namespace ?? null,
    webhook ?? null,
    connection ?? null,
    reason ?? null,
    before === undefined ? null : Math.ceil(before),
    after === undefined ? null : Math.ceil(after),
    namespaces === undefined ? null : likePatterns(namespaces),
  ];
}
