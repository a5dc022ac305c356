/** Inserting into PostgreSQL with nothing but `pg`: the floor that the output is measured against. */

import type pg from "pg";
import type { RowHead } from "./clickhouse_floor.ts";

/** Rows of one statement, as many as the output has at most. */
export const ROWS_PER_STATEMENT = 200;

/** The table that both fill. */
export function tableStatement(table: string): string {
  return `create table ${table} (id text primary key, namespace text, webhook_id text, timestamp timestamptz,
    payload jsonb, headers jsonb)`;
}

/** One event as the floor keeps it. */
export interface FloorRow extends RowHead {
  readonly headers: string;
  readonly body: string;
}

/** Stores rows in one statement, and none that is there already. */
export async function insertRows(client: pg.Client, table: string, rows: readonly FloorRow[]): Promise<void> {
  await client.query(
    `insert into ${table} (id, namespace, webhook_id, timestamp, payload, headers)
    select a, b, c, d::timestamptz, e::jsonb, f::jsonb
    from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[]) as r(a, b, c, d, e, f)
    on conflict (id) do nothing`,
    [
      rows.map(({ id }) => id),
      rows.map(({ namespace }) => namespace),
      rows.map(({ webhook }) => webhook),
      rows.map(({ receivedAt }) => new Date(receivedAt).toISOString()),
      rows.map(({ body }) => body),
      rows.map(({ headers }) => headers),
    ],
  );
}
