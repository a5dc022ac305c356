/**
 * The statements that find records. Rows are found by their narrow columns; their events are read afterwards, as many as
 * there is room for.
 *
 * @module
 */

import type { RecordOrder } from "../../../records/records.ts";
import { prepared, type Statement } from "../../../io/postgres/statement.ts";

/** What a row is of. */
export type RowKind = "pack" | "dead" | "message";

/** A row with one or several events. */
export interface FoundRow {
  readonly kind: RowKind;
  readonly at: number;
  readonly no: number;
  /** Of a pack: who has it. */
  readonly owner: number;
  /** How many events it has. */
  readonly count: number;
  readonly claimed: boolean | null;
  readonly done_at: number | null;
  readonly held: string | null;
  /** Bytes of its events. */
  readonly size: number;
  /** What follows is of dead letters and messages alone. */
  readonly id: string | null;
  readonly namespace: string | null;
  readonly webhook: string | null;
  readonly received_at: number | null;
  readonly bytes: number | null;
  readonly attempts: number | null;
  readonly died_at: number | null;
  readonly reason: string | null;
  readonly message: string | null;
  readonly connection: string | null;
  readonly channel: string | null;
}

/** The newest time of any row. */
export const NEWEST = prepared(
  `select greatest(
    (select max(oldest_at) from cwm.pack), (select max(received_at) from cwm.dead),
    (select max(received_at) from cwm.message), 0) as newest`,
);

/** Numbers of messages begin here: they are counted apart from packs. */
const FIRST_MESSAGE = 2 ** 51;
/** Numbers of dead letters begin here. */
const FIRST_LETTER = 2 ** 52;

/** Values: time and number of the row to begin with, the newest time, how many rows, which kinds, and of whom. */
function find(order: RecordOrder): Statement {
  const [isBehind, direction] = order === "oldest" ? [">=", "asc"] : ["<=", "desc"];
  const part = (select: string, at: string, no: string, kind: RowKind, condition: string) =>
    `(select ${select} where '${kind}' = any($5::text[]) and (${at}, ${no}) ${isBehind} ($1::bigint, $2::bigint)
      and ${at} <= $3 and ${condition} order by ${at} ${direction}, ${no} ${direction} limit $4)`;
  const ofWebhook = `lane in (select id from lanes)`;
  return {
    text: `with lanes as materialized (
      select id, namespace, webhook from cwm.lane
      where ($6::text is null or namespace = $6) and ($7::text is null or webhook = $7)
        and ($8::text[] is null or namespace like any($8)))
    select * from (
      ${
      part(
        `'pack' as kind, p.oldest_at as at, p.no, p.owner, p.count, p.claimed, p.done_at, p.held, octet_length(p.data) as size,
          null as id, null as namespace, null as webhook, null::bigint as received_at, null::int as bytes,
          null::int as attempts, null::bigint as died_at, null as reason, null as message, null as connection,
          null as channel from cwm.pack p`,
        "p.oldest_at",
        "p.no",
        "pack",
        `($6 is null and $7 is null and $8 is null or p.lanes && (select array_agg(id) from lanes))`,
      )
    } union all ${
      part(
        `'dead', d.received_at, ${FIRST_LETTER} + d.number, 0, 1, null, null, null, octet_length(d.event),
          d.id, l.namespace, l.webhook, d.received_at, d.bytes, d.attempts, d.died_at, d.reason, d.message,
          d.connection, null from cwm.dead d join cwm.lane l on l.id = d.lane`,
        "d.received_at",
        `${FIRST_LETTER} + d.number`,
        "dead",
        `d.${ofWebhook}`,
      )
    } union all ${
      part(
        `'message', m.received_at, ${FIRST_MESSAGE} + m.seq, 0, 1, null, null, null, octet_length(m.event),
          substr(m.tag, strpos(m.tag, '/') + 1), l.namespace, l.webhook, m.received_at, t.size, t.deliveries, null,
          null, null, null, c.name
          from cwm.message m join cwm.message_turn t on t.seq = m.seq join cwm.channel c on c.id = t.channel
          join cwm.lane l on l.id = m.lane`,
        "m.received_at",
        `${FIRST_MESSAGE} + m.seq`,
        "message",
        `m.${ofWebhook}`,
      )
    }) found order by at ${direction}, no ${direction} limit $4`,
  };
}

/** Finds rows behind a place, in each order. */
export const FIND: Readonly<Record<RecordOrder, Statement>> = {
  oldest: find("oldest"),
  newest: find("newest"),
};

/** The number of a dead letter or a message in its table. */
export function numberIn({ kind, no }: Pick<FoundRow, "kind" | "no">): number {
  if (kind === "pack") return no;
  return no - (kind === "dead" ? FIRST_LETTER : FIRST_MESSAGE);
}

/** The bytes of rows. */
export const READ: Readonly<Record<RowKind, Statement>> = {
  pack: prepared("select no, data from cwm.pack where no = any($1::bigint[])"),
  dead: prepared("select number as no, event as data from cwm.dead where number = any($1::bigint[])"),
  message: prepared("select seq as no, event as data from cwm.message where seq = any($1::bigint[])"),
};
