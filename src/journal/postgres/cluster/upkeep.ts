/**
 * What any gateway does for all: measures the tables, and removes what is kept no longer.
 *
 * @module
 */

import type { PostgresClient } from "../../../io/postgres/client.ts";
import { prepared } from "../../../io/postgres/statement.ts";
import { webhookPath } from "../../../event/names.ts";
import { DONE_OWNER } from "../lots/lot_statement.ts";
import { forgetExpired } from "../remembered_keys.ts";

/** Packs that are removed by one statement. */
const SLICE = 500;

/** What an event in a channel takes besides its body, roughly, in bytes. */
const BESIDE_BODY = 200;

/** Sizes of tables as the server knows them; what is kept of delivered events, and dead letters, are counted. */
const MEASURE = prepared(
  `select (select coalesce(sum(pg_total_relation_size(oid)), 0)::bigint from pg_class
      where relnamespace = 'cwm'::regnamespace and relkind = 'r') as disk,
    (select coalesce(sum(octet_length(data)), 0)::bigint from cwm.pack where owner = ${DONE_OWNER}) as kept,
    count(*) as dead, coalesce(sum(octet_length(event)), 0)::bigint as dead_bytes,
    (select coalesce(json_agg(json_build_array(l.namespace, l.webhook, c.bytes)), '[]') from (
        select lane, sum(size + ${BESIDE_BODY}) as bytes from cwm.message_turn group by lane
      ) c join cwm.lane l on l.id = c.lane) as channels
  from cwm.dead`,
);

const REMOVE = prepared(
  `with old as (
    select owner, no from cwm.pack where done_at is not null and done_at < $1 order by done_at limit $2
    for update skip locked)
  delete from cwm.pack p using old where p.owner = old.owner and p.no = old.no returning octet_length(p.data) as bytes`,
);

/** Sizes of the tables, as they were a while ago. */
export interface TableSizes {
  /** On disk, with what vacuum has not got to. */
  readonly disk: number;
  /** Bytes of delivered events that are kept. */
  readonly kept: number;
  readonly deadLetters: number;
  readonly deadLetterBytes: number;
  /** Bytes of events in channels. */
  readonly channelBytes: number;
  /** The same of each webhook, by its path. */
  readonly inChannels: ReadonlyMap<string, number>;
}

interface MeasuredRow {
  readonly disk: number;
  readonly kept: number;
  readonly dead: number;
  readonly dead_bytes: number;
  readonly channels: readonly (readonly [namespace: string, webhook: string, bytes: number])[];
}

/** Measures the tables. */
export async function measure(client: PostgresClient): Promise<TableSizes> {
  const { rows: [row] } = await client.query<MeasuredRow>(MEASURE);
  const { disk, kept, dead, dead_bytes: deadLetterBytes, channels } = row!;
  const inChannels = new Map(
    channels.map(([namespace, webhook, bytes]) => [webhookPath(namespace, webhook), bytes]),
  );
  const channelBytes = channels.reduce((sum, [, , bytes]) => sum + bytes, 0);
  return { disk, kept, deadLetters: dead, deadLetterBytes, channelBytes, inChannels };
}

/** For how long delivered events are kept, in milliseconds, and how many bytes of them. */
export interface Retention {
  readonly retentionMs: number;
  readonly retentionBytes: number;
}

/** Removes what is kept no longer. @param kept bytes that are kept now @param now by `steadyNow` */
export async function sweep(
  client: PostgresClient,
  { retentionMs, retentionBytes }: Retention,
  kept: number,
  now: number,
): Promise<void> {
  while (await forgetExpired(client));
  while ((await remove(client, now - retentionMs, SLICE)).count === SLICE);
  for (let surplus = kept - retentionBytes; surplus > 0;) {
    const { count, bytes } = await remove(client, Infinity, 1);
    if (count === 0) return;
    surplus -= bytes;
  }
}

async function remove(
  client: PostgresClient,
  before: number,
  most: number,
): Promise<{ readonly count: number; readonly bytes: number }> {
  const until = Math.round(Math.min(before, Number.MAX_SAFE_INTEGER));
  const { rows } = await client.query<{ readonly bytes: number }>(REMOVE, [until, most]);
  return { count: rows.length, bytes: rows.reduce((sum, row) => sum + row.bytes, 0) };
}
