/**
 * What is known of a table before there are events for it.
 *
 * @module
 */

import type { SqlConfig } from "../config.ts";
import type { PostgresqlConnection } from "./connection.ts";
import { TableInserter } from "./inserter.ts";
import { DatabaseServer } from "./server.ts";

/** What keeps events out of the table. */
export async function inspectTable(
  connection: PostgresqlConnection,
  config: SqlConfig,
  signal: AbortSignal,
): Promise<readonly string[]> {
  await using server = new DatabaseServer(connection);
  return await new TableInserter(server, config).inspect(signal);
}

/** What may surprise of a table that can be filled. */
export async function describeTable(
  connection: PostgresqlConnection,
  config: SqlConfig,
  signal: AbortSignal,
): Promise<readonly string[]> {
  await using server = new DatabaseServer(connection);
  return await new TableInserter(server, config).remarks(signal);
}
