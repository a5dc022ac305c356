/**
 * `clickhouse`: inserts each event as a row, over HTTP(S). Events of all webhooks that write to the same
 * table share inserts.
 *
 * An event is inserted at least once. When it is not known whether an insert has happened, because the
 * answer did not come, its rows are sent again as the same block: same rows, same order, same bytes, and
 * the same `insert_deduplication_token` where the server knows that setting (22.2 and later). Tables that
 * deduplicate blocks then keep one copy. The composition of such a block is remembered in this process for
 * an hour, up to 64 MiB a table; a row whose block was forgotten is inserted again, maybe a second time,
 * with the same `id`.
 *
 * @module
 */

import { hostDestination } from "../../policy/destination.ts";
import { ClickhouseClient, ClickhouseFailure } from "./client.ts";
import { type ClickhouseConfig, clickhouseConfigSchema } from "./config.ts";
import { type ClickhouseConnection, clickhouseConnectionSchema } from "./connection.ts";
import { judgeFailure, UNKNOWN_TABLE } from "./errors.ts";
import { ClickhouseOutput } from "./output.ts";
import { readTableKind } from "./lookup.ts";
import { qualifiedName, readLayout, TableMismatch } from "./table/table.ts";
import type { DocumentedModule } from "../module.ts";

/** What keeps the rows of webhooks with a configuration out of their table: columns that are missing or do not fit. */
async function inspectTable(
  connection: ClickhouseConnection,
  config: ClickhouseConfig,
  signal: AbortSignal,
): Promise<readonly string[]> {
  await using client = new ClickhouseClient(connection);
  const name = qualifiedName(connection.database, config.table);
  try {
    await readLayout(client, name, config, signal);
    return [];
  } catch (error) {
    if (error instanceof TableMismatch) return error.reasons;
    if (!(error instanceof ClickhouseFailure)) throw error;
    if (error.refusal?.code === UNKNOWN_TABLE && config.createTable) return [];
    const judgement = judgeFailure(client.name, `a question about ${name}`, error);
    if (judgement.scope === "table") return [judgement.error.message];
    throw judgement.error;
  }
}

/** What does no harm to events now, but may surprise: settings that are fixed otherwise, and views on the table. */
async function describeTable(
  connection: ClickhouseConnection,
  config: ClickhouseConfig,
  signal: AbortSignal,
): Promise<readonly string[]> {
  await using client = new ClickhouseClient(connection);
  const { database } = connection;
  const name = qualifiedName(database, config.table);
  try {
    const { settings: { remarks } } = await readLayout(client, name, config, signal);
    const { views = [] } = await readTableKind(client, { database, table: config.table }, signal) ?? {};
    const pushed = views.map((view) =>
      `Inserts into ${name} are pushed to view ${view}, too: when it throws, the rows are in the table all the same, ` +
      `and count as delivered`
    );
    return [...remarks, ...pushed];
  } catch (error) {
    if (error instanceof TableMismatch) return [];
    if (!(error instanceof ClickhouseFailure)) throw error;
    throw judgeFailure(client.name, `a question about ${name}`, error).error;
  }
}

/** Inserts events into ClickHouse. */
export const clickhouseModule: DocumentedModule<ClickhouseConfig, ClickhouseConnection> = {
  name: "clickhouse",
  summary: "a row of a ClickHouse table",
  documentation: () => import("./documentation.ts"),
  connectionTypes: ["clickhouse"],
  configSchema: clickhouseConfigSchema,
  connectionSchema: clickhouseConnectionSchema,
  destinations: ({ table }) => [{ kind: "tables", name: table, key: "table" }],
  connectionDestinations: ({ endpoint: { hostname, port } }) => [hostDestination(hostname, port, "host")],
  acceptance: "durable",
  reads: "bytes",
  // A table gets one insert at a time: a slow server gets fewer and larger ones by itself.
  partition: ({ batchKey }) => batchKey,
  concurrency: 1,
  gathers: 1,
  batches: ({ batch }) => batch,
  timeoutMs: (config) => config.timeoutMs,
  inspect: inspectTable,
  notices: describeTable,
  open: (connection, context) => Promise.resolve(new ClickhouseOutput(connection, context)),
};
