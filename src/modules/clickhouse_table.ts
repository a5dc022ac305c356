/**
 * What this module has to know of a table, and the statements about it.
 *
 * @module
 */

import { z } from "zod";
import type { ClickhouseClient } from "./clickhouse_client.ts";
import { type Column, filledColumns, mismatchesOf, type TextColumn } from "./clickhouse_columns.ts";
import type { ClickhouseConfig } from "./clickhouse_config.ts";
import { type TimeForm, timeFormOf } from "./clickhouse_types.ts";

/** The columns that are inserted into a table, and how. It never changes. */
export interface TableLayout {
  /** In order; `payload` comes after them. */
  readonly textColumns: readonly TextColumn[];
  readonly timeForm: TimeForm;
  /** Settings for each insert, as far as the server knows them. */
  readonly settings: Readonly<Record<string, string>>;
  /** Whether the server can tell a repeated insert by its token. */
  readonly takesToken: boolean;
}

/** The setting that carries the token; in servers since 2022. */
export const TOKEN_SETTING = "insert_deduplication_token";

/**
 * What a user's profile may say otherwise, but must not: an insert that another insert is merged into has
 * no identity of its own, times are written in one form, and a bad row must be reported, not skipped.
 */
const FIXED_SETTINGS: Readonly<Record<string, string>> = {
  async_insert: "0",
  date_time_input_format: "basic",
  input_format_allow_errors_num: "0",
  input_format_allow_errors_ratio: "0",
};

/**
 * Quotes a name: any text is taken as one identifier. ClickHouse reads backslash escapes in it.
 *
 * See https://clickhouse.com/docs/sql-reference/syntax#identifiers
 */
export function quoteIdentifier(name: string): string {
  return `\`${name.replaceAll("\\", "\\\\").replaceAll("`", "\\`")}\``;
}

/** The table's full name for statements. */
export function qualifiedName(database: string, table: string): string {
  return `${quoteIdentifier(database)}.${quoteIdentifier(table)}`;
}

/** A table whose columns are not as events need them. It can be changed without a change of the configuration. */
export class TableMismatch extends Error {
  override readonly name = "TableMismatch";

  /** @param reasons one sentence for each column, with its name */
  constructor(readonly reasons: readonly string[]) {
    super(reasons.join("; "));
  }
}

/**
 * Asks the server what a table is like.
 *
 * @throws {ClickhouseFailure}
 * @throws {TableMismatch} when no event can be inserted into it
 */
export async function readLayout(
  client: ClickhouseClient,
  name: string,
  config: ClickhouseConfig,
  signal: AbortSignal,
): Promise<TableLayout> {
  const columns = await readColumns(client, name, signal);
  const textColumns = filledColumns(columns, config);
  const reasons = mismatchesOf(textColumns, columns, name);
  if (reasons.length > 0) throw new TableMismatch(reasons);
  const settings = await readSettings(client, signal);
  return {
    textColumns,
    timeForm: timeFormOf(columns.get("timestamp")?.type ?? "") ?? "iso",
    settings: Object.fromEntries(Object.entries(FIXED_SETTINGS).filter(([setting]) => settings.has(setting))),
    takesToken: settings.has(TOKEN_SETTING),
  };
}

/** Whether two layouts make the same insert. */
export function isSameLayout(one: TableLayout, other: TableLayout): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/**
 * The statement that creates a table. All of its columns are filled by this module, so that the same event
 * makes the same row however often it is inserted, and the key ends in the event's id, so that
 * `ReplacingMergeTree` takes repeated rows for one another and different ones never.
 */
export function createTableStatement(name: string, engine: ClickhouseConfig["engine"]): string {
  return `CREATE TABLE IF NOT EXISTS ${name} (
  id String,
  namespace String,
  webhook_id String,
  timestamp DateTime('UTC') DEFAULT now(),
  payload String,
  headers String
) ENGINE = ${engine} PARTITION BY toYYYYMM(timestamp) ORDER BY (namespace, webhook_id, timestamp, id)`;
}

/** The statement that rows are sent with, tab-separated. */
export function insertStatement(name: string, { textColumns }: TableLayout): string {
  return `INSERT INTO ${name} (${textColumns.join(", ")}, payload) FORMAT TabSeparated`;
}

/** The columns by name. */
async function readColumns(
  client: ClickhouseClient,
  name: string,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Column>> {
  const rows = await readRows(client, `DESCRIBE TABLE ${name} FORMAT JSONCompact`, signal);
  return new Map(rows.map(([column, type, defaultType]): [string, Column] => [
    String(column),
    { type: String(type), computed: COMPUTED.has(String(defaultType)) ? String(defaultType) : undefined },
  ]));
}

/** Kinds of columns that the server computes, so that nothing can be inserted into them. */
const COMPUTED: ReadonlySet<string> = new Set(["MATERIALIZED", "ALIAS"]);

/** Which of the settings that matter here the server knows. One that it does not know fails the insert. */
async function readSettings(client: ClickhouseClient, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const names = [TOKEN_SETTING, ...Object.keys(FIXED_SETTINGS)].map((name) => `'${name}'`).join(", ");
  const query = `SELECT name FROM system.settings WHERE name IN (${names}) FORMAT JSONCompact`;
  const rows = await readRows(client, query, signal);
  return new Set(rows.map(([name]) => String(name)));
}

/** What a query yields in the format JSONCompact. */
const jsonCompact = z.object({ data: z.array(z.array(z.unknown())) });

async function readRows(
  client: ClickhouseClient,
  query: string,
  signal: AbortSignal,
): Promise<readonly (readonly unknown[])[]> {
  const answer = await client.query(query, signal);
  try {
    return jsonCompact.parse(JSON.parse(answer)).data;
  } catch (error) {
    throw client.unexpectedAnswer({ cause: error });
  }
}
