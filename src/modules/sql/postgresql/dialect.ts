/**
 * How PostgreSQL is spoken to.
 *
 * @module
 */

import { DeliveryError } from "../../../errors.ts";
import type { Answer, PostgresClient } from "../../../io/postgres/client.ts";
import { PostgresError } from "../../../io/postgres/errors.ts";
import type { Plan, Row, SqlDialect } from "../dialect.ts";
import { judge } from "./errors.ts";
import { createStatements, insertStatement, qualifiedName, readShape } from "./table.ts";

/**
 * Writes, and touches no table. Its commit is behind all that were there before: it is confirmed when they are. So it
 * waits for a synchronous standby where a statement that found all of its rows there already would not.
 */
const BARRIER = { text: "select pg_logical_emit_message(true, 'cwm', '')" };

/** Made by somebody else in the same moment: `duplicate_table`, `duplicate_object`, `unique_violation`. */
const MADE_MEANWHILE: readonly string[] = ["42P07", "42710", "23505"];

/** PostgreSQL, whose statements are texts. */
export const dialect: SqlDialect<PostgresClient, string> = {
  qualifiedName,
  ping: async (client) => void await client.query({ text: "select 1" }),
  readShape,
  createTable: async (client, table, config) => {
    for (const text of createStatements(table, config)) {
      await client.query({ text }).catch((error: unknown) => {
        if (!(error instanceof PostgresError && MADE_MEANWHILE.includes(error.sqlState))) throw error;
      });
    }
  },
  statementFor: insertStatement,
  tryOut: async (client, { statement, layout }) => {
    await client.query({ text: statement }, layout.columns.map(() => []));
  },
  store,
  judge,
};

/** @throws {DeliveryError} when the rows are there, and it is not known whether a standby has them */
async function store(
  client: PostgresClient,
  { table, layout, statement }: Plan<string>,
  rows: readonly Row[],
): Promise<void> {
  const lists = layout.columns.map((_, column) => rows.map(({ cells }) => cells[column] ?? null));
  const { count, notices } = await client.query({ text: statement }, lists);
  // Nothing was written of rows that were there, and a warning may say that the standby was not waited for.
  if (count === rows.length && notices.length === 0) return;
  const barrier: Answer<object> = await client.query(BARRIER);
  if (barrier.notices.length === 0) return;
  throw new DeliveryError(
    "output_unavailable",
    `${client.server} has the rows for ${table}, but the wait for its synchronous standby was cancelled`,
  );
}
