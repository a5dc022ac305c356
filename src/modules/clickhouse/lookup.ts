/**
 * Finds out whether rows are in their table after all, where the answer to an insert does not say so.
 *
 * @module
 */

import type { Block, Row } from "./block.ts";
import { type ClickhouseClient, ClickhouseFailure } from "./client.ts";
import { qualifiedName, quoteText, readRows, type TableLayout } from "./table/table.ts";

/** How long the server may look for rows, in seconds: tables that are not ordered by `webhook_id` are read whole. */
const MAX_SECONDS = 5;

/** What is known of a table besides its columns. */
export interface TableKind {
  readonly engine: string;
  /** Views that every insert is pushed to, by their full names. */
  readonly views: readonly string[];
}

/**
 * Asks for the engine of a table and the views on it.
 *
 * @returns `undefined` when the user may not know
 * @throws {ClickhouseFailure}
 */
export async function readTableKind(
  client: ClickhouseClient,
  { database, table }: { readonly database: string; readonly table: string },
  signal: AbortSignal,
): Promise<TableKind | undefined> {
  const query = "SELECT engine, dependencies_database, dependencies_table FROM system.tables " +
    `WHERE database = ${quoteText(database)} AND name = ${quoteText(table)} FORMAT JSONCompact`;
  const [row] = await readRows(client, query, signal);
  if (row === undefined) return undefined;
  const [engine, databases, names] = row;
  const views = textsIn(names).map((name, index) => `${textsIn(databases)[index] ?? database}.${name}`);
  return { engine: String(engine), views };
}

function textsIn(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

/**
 * - `all`: the rows are in the table.
 * - `none`: they are not.
 * - `unknown`: the user may not read the table, or it cannot say so: of a `Distributed` table, or of one that has
 *   replicas, which may lag.
 */
export type Found = "all" | "none" | "unknown";

/** Looks for rows of one table. */
export class RowLookup {
  readonly #client: ClickhouseClient;
  readonly #place: { readonly database: string; readonly table: string };
  #kind: TableKind | undefined;

  constructor(client: ClickhouseClient, database: string, table: string) {
    this.#client = client;
    this.#place = { database, table };
  }

  /** What the table is; `undefined` when the user may not know. Asked for once. */
  async kind(signal: AbortSignal): Promise<TableKind | undefined> {
    try {
      return this.#kind ??= await readTableKind(this.#client, this.#place, signal);
    } catch (error) {
      if (error instanceof ClickhouseFailure) return undefined;
      throw error;
    }
  }

  /**
   * Looks for the rows of a block. Its first and its last one stand for all: an insert into one partition is whole
   * or not at all, and where they are not in one, both must be there.
   */
  async find({ rows }: Block, layout: TableLayout, signal: AbortSignal): Promise<Found> {
    const ends = [...new Set([rows[0], rows.at(-1)])].filter((row) => row !== undefined);
    const kind = await this.kind(signal);
    if (kind === undefined || !kind.engine.endsWith("MergeTree")) return "unknown";
    const { database, table } = this.#place;
    const condition = ends.map((row) => `(${conditionOf(row, layout)})`).join(" OR ");
    const query = `SELECT uniqExact(id) FROM ${qualifiedName(database, table)} WHERE ${condition} ` +
      `SETTINGS max_execution_time = ${MAX_SECONDS} FORMAT JSONCompact`;
    try {
      const [row] = await readRows(this.#client, query, signal);
      const count = Number(row?.[0]);
      if (count === ends.length) return "all";
      return count === 0 && !HAS_REPLICAS.test(kind.engine) ? "none" : "unknown";
    } catch (error) {
      if (error instanceof ClickhouseFailure) return "unknown";
      throw error;
    }
  }
}

const HAS_REPLICAS = /^(?:Replicated|Shared)/;

/** What is in front of the id in the key of the table that this module makes, so that little is read. */
function conditionOf({ id, delivery: { event } }: Row, { textColumns }: TableLayout): string {
  const namespace = textColumns.includes("namespace") ? `namespace = ${quoteText(event.namespace)} AND ` : "";
  return `${namespace}webhook_id = ${quoteText(event.webhook)} AND id = ${quoteText(id)}`;
}
