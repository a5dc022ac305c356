/**
 * Stores events as rows of one table.
 *
 * @module
 */

import type { Answer, PostgresClient } from "../../../io/postgres/client.ts";
import { DeliveryError } from "../../../errors.ts";
import { PostgresError } from "../../../io/postgres/errors.ts";
import { halves } from "../../halves.ts";
import type { Delivery, DeliveryResult } from "../../module.ts";
import { type Cell, planRows, type RowLayout, TableMismatch } from "../columns.ts";
import type { SqlConfig } from "../config.ts";
import { judge, type Judgement } from "./errors.ts";
import type { DatabaseServer } from "./server.ts";
import { createStatements, insertStatement, qualifiedName, readShape } from "./table.ts";

/**
 * Writes, and touches no table. Its commit is behind all that were there before: it is confirmed when they are. So it
 * waits for a synchronous standby where a statement that found all of its rows there already would not.
 */
const BARRIER = { text: "select pg_logical_emit_message(true, 'cwm', '')" };

/** Made by somebody else in the same moment: `duplicate_table`, `duplicate_object`, `unique_violation`. */
const MADE_MEANWHILE: readonly string[] = ["42P07", "42710", "23505"];

/** One event as a row. */
interface Row {
  /** Its place in the batch. */
  readonly index: number;
  readonly id: string;
  readonly cells: readonly Cell[];
}

/** How rows are stored, as long as the table stays as it is. */
interface Plan {
  readonly layout: RowLayout;
  readonly statement: string;
}

/** Gets the results of a batch. */
export type Settle = (index: number, result: DeliveryResult) => void;

/** Stores the events of webhooks that say the same about their table. */
export class TableInserter {
  readonly #server: DatabaseServer;
  readonly #config: SqlConfig;
  /** The table's name, quoted. */
  readonly #table: string;
  /** Made when the first row is there, and again when the server says that the table is another one. */
  #plan: Plan | undefined;

  constructor(server: DatabaseServer, config: SqlConfig) {
    this.#server = server;
    this.#config = config;
    this.#table = qualifiedName(config);
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
      const { statement, layout } = this.#plan = await this.#read(client);
      await client.query({ text: statement }, layout.columns.map(() => []));
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
        const shape = await readShape(client, this.#table);
        if (shape === undefined && this.#config.createTable) return;
        const { statement, layout } = this.#planOf(shape);
        await client.query({ text: statement }, layout.columns.map(() => []));
      }, signal);
      return [];
    } catch (error) {
      if (error instanceof TableMismatch) return error.reasons;
      const judgement = error instanceof PostgresError ? this.#judge(error) : undefined;
      if (judgement?.scope === "table") return [judgement.error.message];
      throw judgement?.error ?? error;
    }
  }

  /** What may surprise of a table that can be filled: a repeat that is another row. */
  async remarks(signal: AbortSignal): Promise<readonly string[]> {
    try {
      const shape = await this.#server.use((client) => readShape(client, this.#table), signal);
      if (shape === undefined || this.#planOf(shape).layout.key.length > 0) return [];
      return [
        `Table ${this.#table} has no unique index on id or event_id: an event that is sent again is another row`,
      ];
    } catch (error) {
      if (error instanceof TableMismatch) return [];
      throw error instanceof PostgresError ? this.#judge(error).error : error;
    }
  }

  async #attempt(work: (client: PostgresClient) => Promise<void>, signal: AbortSignal): Promise<void> {
    try {
      await this.#server.use(work, signal);
    } catch (error) {
      if (error instanceof TableMismatch) throw new DeliveryError("output_failed", error.message);
      if (!(error instanceof PostgresError)) throw error;
      const judgement = this.#judge(error);
      if (judgement.scope === "table") this.#plan = undefined;
      throw judgement.error;
    }
  }

  async #read(client: PostgresClient): Promise<Plan> {
    const shape = await readShape(client, this.#table);
    if (shape !== undefined || !this.#config.createTable) return this.#planOf(shape);
    for (const text of createStatements(this.#table, this.#config)) {
      await client.query({ text }).catch((error: unknown) => {
        if (!(error instanceof PostgresError && MADE_MEANWHILE.includes(error.sqlState))) throw error;
      });
    }
    return this.#planOf(await readShape(client, this.#table));
  }

  #planOf(shape: Awaited<ReturnType<typeof readShape>>): Plan {
    if (shape === undefined) {
      throw new TableMismatch([`Table ${this.#table} does not exist: create it, or set create_table`]);
    }
    const layout = planRows(shape, this.#config, this.#table);
    return { layout, statement: insertStatement(this.#table, layout, this.#config) };
  }

  /** In the order of their ids, so that two gateways with the same rows never wait for each other. */
  #rowsOf(
    batch: Parameters<TableInserter["insert"]>[0],
    { columns, key }: RowLayout,
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
    if (this.#config.upsertColumn === undefined) return rows.sort((one, other) => compare(one.id, other.id));
    const place = columns.findIndex(({ name }) => name === key[0]);
    return rows.sort((one, other) => compare(String(one.cells[place]), String(other.cells[place])));
  }

  async #store(client: PostgresClient, plan: Plan, rows: readonly Row[], settle: Settle): Promise<void> {
    if (rows.length === 0) return;
    try {
      await this.#storeAll(client, plan, rows);
      for (const { index } of rows) settle(index, "delivered");
    } catch (error) {
      if (!(error instanceof PostgresError)) throw error;
      const judgement = this.#judge(error);
      if (judgement.scope !== "row") throw error;
      if (rows.length === 1) return settle(rows[0]!.index, judgement.error);
      for (const half of halves(rows)) await this.#store(client, plan, half, settle);
    }
  }

  /** @throws {DeliveryError} when the rows are there, and it is not known whether a standby has them */
  async #storeAll(client: PostgresClient, { layout, statement }: Plan, rows: readonly Row[]): Promise<void> {
    const stored = this.#config.upsertColumn === undefined ? rows : lastOfEach(rows, layout);
    const lists = layout.columns.map((_, column) => stored.map(({ cells }) => cells[column] ?? null));
    const { count, notices } = await client.query({ text: statement }, lists);
    // Nothing was written of rows that were there, and a warning may say that the standby was not waited for.
    if (count === stored.length && notices.length === 0) return;
    const barrier: Answer<object> = await client.query(BARRIER);
    if (barrier.notices.length === 0) return;
    throw new DeliveryError(
      "output_unavailable",
      `${this.#server.name} has the rows for ${this.#table}, but the wait for its synchronous standby was cancelled`,
    );
  }

  #judge(error: PostgresError): Judgement {
    const filled = this.#plan?.layout.columns.map(({ name }) => name);
    return judge(this.#server.name, `rows for ${this.#table}`, error, filled);
  }
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

/** Of rows that would replace one another, the last: the sorting before has kept their order. */
function lastOfEach(rows: readonly Row[], { columns, key }: RowLayout): readonly Row[] {
  const place = columns.findIndex(({ name }) => name === key[0]);
  const byKey = new Map<Cell | number, Row>();
  // NULL is no value, so rows without one replace nothing.
  for (const row of rows) byKey.set(row.cells[place] ?? row.index, row);
  return [...byKey.values()];
}
