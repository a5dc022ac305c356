/**
 * Stores events as rows of one table.
 *
 * @module
 */

import { DeliveryError } from "../../errors.ts";
import { halves } from "../halves.ts";
import type { Delivery, DeliveryResult } from "../module.ts";
import { type Cell, planRows, type RowLayout, TableMismatch, type TableShape } from "./columns.ts";
import type { SqlConfig } from "./config.ts";
import type { Judgement, Plan, Row, SqlDialect } from "./dialect.ts";
import type { SqlServer } from "./server.ts";

/** Gets the results of a batch. */
export type Settle = (index: number, result: DeliveryResult) => void;

/** Stores the events of webhooks that say the same about their table. */
export class TableInserter<Client, Statement> {
  readonly #server: SqlServer<Client>;
  readonly #dialect: SqlDialect<Client, Statement>;
  readonly #config: SqlConfig;
  /** The table's name, quoted. */
  readonly #table: string;
  /** Made when the first row is there, and again when the server says that the table is another one. */
  #plan: Plan<Statement> | undefined;

  constructor(server: SqlServer<Client>, dialect: SqlDialect<Client, Statement>, config: SqlConfig) {
    this.#server = server;
    this.#dialect = dialect;
    this.#config = config;
    this.#table = dialect.qualifiedName(config);
  }

  /**
   * Stores events. When the server refuses them for a value in one, their halves are tried, and theirs, until the bad
   * rows stand alone.
   *
   * @throws {DeliveryError} for all that are not settled by then
   */
  async insert(
    batch: readonly (readonly [index: number, delivery: Delivery<SqlConfig>])[],
    settle: Settle,
    signal: AbortSignal,
  ): Promise<void> {
    await this.#attempt(async (client) => {
      const plan = this.#plan ??= await this.#read(client);
      await this.#store(client, plan, this.#rowsOf(batch, plan.layout, settle), settle);
    }, signal);
  }

  /**
   * Does what an event does, but for the row.
   *
   * @throws {DeliveryError} with the reason why events could not be stored now
   */
  async probe(signal: AbortSignal): Promise<void> {
    await this.#attempt(async (client) => {
      await this.#dialect.tryOut(client, this.#plan = await this.#read(client));
    }, signal);
  }

  /**
   * What keeps events out of the table, one sentence each.
   *
   * @returns nothing where the table does not exist yet and is to be created
   * @throws {DeliveryError} when it cannot be found out now
   */
  async inspect(signal: AbortSignal): Promise<readonly string[]> {
    try {
      await this.#server.use(async (client) => {
        const shape = await this.#dialect.readShape(client, this.#table, this.#config);
        if (shape === undefined && this.#config.createTable) return;
        await this.#dialect.tryOut(client, this.#planOf(shape));
      }, signal);
      return [];
    } catch (error) {
      if (error instanceof TableMismatch) return error.reasons;
      const judgement = this.#judge(error);
      if (judgement?.scope === "table") return [judgement.error.message];
      throw judgement?.error ?? error;
    }
  }

  /** What may surprise of a table that can be filled: a repeat that is another row. */
  async remarks(signal: AbortSignal): Promise<readonly string[]> {
    try {
      const read = (client: Client) => this.#dialect.readShape(client, this.#table, this.#config);
      const shape = await this.#server.use(read, signal);
      if (shape === undefined || this.#planOf(shape).layout.key.length > 0) return [];
      return [
        `Table ${this.#table} has no unique index on id or event_id: an event that is sent again is another row`,
      ];
    } catch (error) {
      if (error instanceof TableMismatch) return [];
      throw this.#judge(error)?.error ?? error;
    }
  }

  async #attempt(work: (client: Client) => Promise<void>, signal: AbortSignal): Promise<void> {
    try {
      await this.#server.use(work, signal);
    } catch (error) {
      if (error instanceof TableMismatch) throw new DeliveryError("output_failed", error.message);
      const judgement = this.#judge(error);
      if (judgement?.scope === "table") this.#plan = undefined;
      throw judgement?.error ?? error;
    }
  }

  async #read(client: Client): Promise<Plan<Statement>> {
    const shape = await this.#dialect.readShape(client, this.#table, this.#config);
    if (shape !== undefined || !this.#config.createTable) return this.#planOf(shape);
    await this.#dialect.createTable(client, this.#table, this.#config);
    return this.#planOf(await this.#dialect.readShape(client, this.#table, this.#config));
  }

  #planOf(shape: TableShape | undefined): Plan<Statement> {
    const table = this.#table;
    if (shape === undefined) {
      throw new TableMismatch([`Table ${table} does not exist: create it, or set create_table`]);
    }
    const layout = planRows(shape, this.#config, table);
    return { table, layout, statement: this.#dialect.statementFor(table, layout, this.#config) };
  }

  /**
   * In the order of their ids, so that two gateways with the same rows never wait for each other. Rows that may replace
   * one another keep the order of the events: the server alone knows which texts are the same value for it.
   */
  #rowsOf(
    batch: Parameters<TableInserter<Client, Statement>["insert"]>[0],
    { columns }: RowLayout,
    settle: Settle,
  ): readonly Row[] {
    const rows: Row[] = [];
    for (const [index, { event, config }] of batch) {
      try {
        rows.push({ index, id: event.id, cells: columns.map((column) => column.read(event, config)) });
      } catch (error) {
        if (!(error instanceof DeliveryError)) throw error;
        settle(index, error);
      }
    }
    if (this.#config.upsertColumn !== undefined) return rows;
    return rows.sort((one, other) => one.id < other.id ? -1 : one.id > other.id ? 1 : 0);
  }

  async #store(
    client: Client,
    plan: Plan<Statement>,
    rows: readonly Row[],
    settle: Settle,
  ): Promise<void> {
    if (rows.length === 0) return;
    try {
      const replaces = this.#config.upsertColumn !== undefined;
      await this.#dialect.store(client, plan, replaces ? lastOfEach(rows, plan.layout) : rows);
      for (const { index } of rows) settle(index, "delivered");
    } catch (error) {
      const judgement = this.#judge(error);
      if (judgement?.scope !== "row") throw error;
      if (rows.length === 1) return settle(rows[0]!.index, judgement.error);
      for (const half of halves(rows)) await this.#store(client, plan, half, settle);
    }
  }

  #judge(error: unknown): Judgement | undefined {
    const what = `rows for ${this.#table}`;
    return this.#dialect.judge(this.#server.name, what, error, this.#plan?.layout.columns);
  }
}

/** Of rows that would replace one another, the last. */
function lastOfEach(rows: readonly Row[], { columns, key }: RowLayout): readonly Row[] {
  const place = columns.findIndex(({ name }) => name === key[0]);
  const byKey = new Map<Cell | number, Row>();
  // NULL is no value, so rows without one replace nothing.
  for (const row of rows) byKey.set(row.cells[place] ?? row.index, row);
  return [...byKey.values()];
}
