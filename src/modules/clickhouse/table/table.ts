/**
 * What this module has to know of a table, and the statements about it.
 *
 * @module
 */

import { z } from "zod";
import { type ClickhouseClient, ClickhouseFailure } from "../client.ts";
import { type Column, filledColumns, mismatchesOf, type TextColumn } from "./columns.ts";
import type { ClickhouseConfig } from "../config.ts";
import { type InsertSettings, insertSettings, type ServerSetting, SETTING_NAMES } from "../settings.ts";
import { type TimeForm, timeFormOf } from "./types.ts";

/** The columns that are inserted into a table, and how. It never changes. */
export interface TableLayout {
  /** In order; `payload` comes after them. */
  readonly textColumns: readonly TextColumn[];
  readonly timeForm: TimeForm;
  /** What each insert is sent with, besides its token. */
  readonly settings: InsertSettings;
}

/**
 * Quotes a name: any text is taken as one identifier. ClickHouse reads backslash escapes in it.
 *
 * See https://clickhouse.com/docs/sql-reference/syntax#identifiers
 */
export function quoteIdentifier(name: string): string {
  return `\`${name.replaceAll("\\", "\\\\").replaceAll("`", "\\`")}\``;
}

/** Quotes a text for a statement. */
export function quoteText(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}

/** The table's full name for statements. */
export function qualifiedName(database: string, table: string): string {
  return `${quoteIdentifier(database)}.${quoteIdentifier(table)}`;
}

/** A table or a profile that is not as events need it. It can be changed without a change of the configuration. */
export class TableMismatch extends Error {
  override readonly name = "TableMismatch";

  /** @param reasons one sentence for each column or setting, with its name */
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
  const mismatches = mismatchesOf(textColumns, columns, name);
  if (mismatches.length > 0) throw new TableMismatch(mismatches);
  const settings = insertSettings(await readSettings(client, signal));
  if (settings.problems.length > 0) throw new TableMismatch(settings.problems);
  return { textColumns, timeForm: timeFormOf(columns.get("timestamp")?.type ?? "") ?? "iso", settings };
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

/** The settings that matter here, as far as the server knows them. One that it does not know fails the insert. */
async function readSettings(
  client: ClickhouseClient,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, ServerSetting>> {
  const names = SETTING_NAMES.map(quoteText).join(", ");
  // Old versions lack some of the columns.
  const query = `SELECT * FROM system.settings WHERE name IN (${names}) FORMAT JSONCompact`;
  const { columns, rows } = await readTable(client, query, signal);
  const [name, value, readonly, min, max] = ["name", "value", "readonly", "min", "max"]
    .map((column) => columns.indexOf(column));
  const textIn = (row: readonly unknown[], column = -1) => {
    const cell = row[column];
    return typeof cell === "string" || typeof cell === "number" ? String(cell) : undefined;
  };
  return new Map(rows.map((row): [string, ServerSetting] => [
    textIn(row, name) ?? "",
    {
      value: textIn(row, value) ?? "",
      isPinned: textIn(row, readonly) === "1",
      min: textIn(row, min),
      max: textIn(row, max),
    },
  ]));
}

/** What a query yields in the format JSONCompact. */
const jsonCompact = z.object({
  meta: z.array(z.object({ name: z.string() })),
  data: z.array(z.array(z.unknown())),
});

/** Rows of a query that ends in `FORMAT JSONCompact`. */
export async function readRows(
  client: ClickhouseClient,
  query: string,
  signal: AbortSignal,
): Promise<readonly (readonly unknown[])[]> {
  return (await readTable(client, query, signal)).rows;
}

interface Table {
  /** The names of the columns. */
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
}

async function readTable(client: ClickhouseClient, query: string, signal: AbortSignal): Promise<Table> {
  const table = parseTable(await client.query(query, signal));
  if (table !== undefined) return table;
  const again = parseTable(await inOwnFormat(client, query, signal));
  if (again === undefined) throw client.unexpectedAnswer();
  return again;
}

/** A profile may set `output_format` (26.8 and later), which wins over the format that a query names. */
async function inOwnFormat(client: ClickhouseClient, query: string, signal: AbortSignal): Promise<string> {
  try {
    return await client.query(query, signal, { output_format: "" });
  } catch (error) {
    // A version that does not know the setting has answered in another format for another reason.
    if (error instanceof ClickhouseFailure && error.refusal !== undefined) throw client.unexpectedAnswer();
    throw error;
  }
}

function parseTable(text: string): Table | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  const parsed = jsonCompact.safeParse(value);
  if (!parsed.success) return undefined;
  return { columns: parsed.data.meta.map(({ name }) => name), rows: parsed.data.data };
}
