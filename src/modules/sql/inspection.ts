/**
 * What is known of a table before there are events for it.
 *
 * @module
 */

import type { SqlConfig } from "./config.ts";
import type { SqlDialect } from "./dialect.ts";
import { TableInserter } from "./inserter.ts";
import type { SqlServer } from "./server.ts";

/** What keeps events out of the table. The server is closed then. */
export async function inspectTable<Client, Statement>(
  opened: SqlServer<Client>,
  dialect: SqlDialect<Client, Statement>,
  config: SqlConfig,
  signal: AbortSignal,
): Promise<readonly string[]> {
  await using server = opened;
  return await new TableInserter(server, dialect, config).inspect(signal);
}

/** What may surprise of a table that can be filled. The server is closed then. */
export async function describeTable<Client, Statement>(
  opened: SqlServer<Client>,
  dialect: SqlDialect<Client, Statement>,
  config: SqlConfig,
  signal: AbortSignal,
): Promise<readonly string[]> {
  await using server = opened;
  return await new TableInserter(server, dialect, config).remarks(signal);
}
