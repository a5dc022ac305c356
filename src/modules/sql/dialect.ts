/**
 * What is different from one SQL server to another, as far as storing events goes.
 *
 * @module
 */

import type { DeliveryError } from "../../errors.ts";
import type { Cell, FilledColumn, RowLayout, TableShape } from "./columns.ts";
import type { SqlConfig } from "./config.ts";

/** A refusal, judged. */
export interface Judgement {
  /** What it is about: a value of some row, the table, or the server as a whole. */
  readonly scope: "row" | "table" | "server";
  readonly error: DeliveryError;
}

/** One event as a row. */
export interface Row {
  /** Its place in the batch. */
  readonly index: number;
  readonly id: string;
  readonly cells: readonly Cell[];
}

/** How rows are stored, as long as the table stays as it is. */
export interface Plan<Statement> {
  /** The table's name, quoted. */
  readonly table: string;
  readonly layout: RowLayout;
  readonly statement: Statement;
}

/** How a server is spoken to. What it refuses is thrown as errors that only {@linkcode SqlDialect.judge} knows. */
export interface SqlDialect<Client, Statement> {
  /** The table's full name for statements, quoted: any text is taken as one identifier. */
  qualifiedName(config: SqlConfig): string;
  /** Resolves when the server answers. */
  ping(client: Client): Promise<void>;
  /** Asks what a table is like; `undefined` where there is none. */
  readShape(client: Client, table: string, config: SqlConfig): Promise<TableShape | undefined>;
  /** Makes a table with its indexes, unless somebody else does so in the same moment. */
  createTable(client: Client, table: string, config: SqlConfig): Promise<void>;
  /** What stores rows of a layout. */
  statementFor(table: string, layout: RowLayout, config: SqlConfig): Statement;
  /** Does all that storing needs, without a row. */
  tryOut(client: Client, plan: Plan<Statement>): Promise<void>;
  /**
   * Stores rows, all or none, and resolves when they are committed. Those that are there already stay as they are,
   * or are replaced where the configuration says so.
   */
  store(client: Client, plan: Plan<Statement>, rows: readonly Row[]): Promise<void>;
  /**
   * Judges what the server has thrown; `undefined` where it is something else.
   *
   * @param server begins the sentence
   * @param what was refused, as the rest of the sentence "… refused …"
   * @param filled the columns that the statement fills
   */
  judge(
    server: string,
    what: string,
    error: unknown,
    filled?: readonly FilledColumn[],
  ): Judgement | undefined;
}
