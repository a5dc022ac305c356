/**
 * How MySQL and MariaDB are spoken to.
 *
 * @module
 */

import type { Plan, Row, SqlDialect } from "../dialect.ts";
import type { Cell } from "../columns.ts";
import type { MysqlClient } from "./client.ts";
import { judge } from "./errors.ts";
import { ERROR_NUMBER, MysqlError } from "./mysql_error.ts";
import { identityOf, type LookUpStatements, TableStatements } from "./statements.ts";
import { createStatement, qualifiedName, readShape } from "./table.ts";

/** MySQL and MariaDB, whose statements are for a fixed number of rows each. */
export const dialect: SqlDialect<MysqlClient, TableStatements> = {
  qualifiedName,
  ping: async (client) => void await client.query("select 1"),
  readShape,
  createTable: async (client, table, config) => {
    await client.query(createStatement(table, config, client.facts));
  },
  statementFor: (table, layout, config) => new TableStatements(table, layout, config),
  tryOut,
  store,
  judge,
};

async function tryOut(client: MysqlClient, { statement }: Plan<TableStatements>): Promise<void> {
  await client.query(statement.trial);
  const { lookUp } = statement;
  if (lookUp !== undefined) await client.execute(lookUp.text(1), lookUp.noValues);
}

/**
 * Repeats are rare, so they are looked for when the server says that there is one. That a row is there by another
 * column than its id is an error then: the server would take both for the same, were it asked to skip what is there.
 */
async function store(
  client: MysqlClient,
  plan: Plan<TableStatements>,
  rows: readonly Row[],
): Promise<void> {
  let missing = rows;
  // A row that is found may be gone by the time that it is looked for, and one that is not found may come meanwhile.
  for (let tries = 0; missing.length > 0; tries++) {
    try {
      return await insert(client, plan, missing);
    } catch (error) {
      const { lookUp } = plan.statement;
      const isThere = error instanceof MysqlError && error.number === ERROR_NUMBER.duplicateEntry;
      if (!isThere || lookUp === undefined) throw error;
      const found = await find(client, lookUp, plan.statement.piecesOf(missing, client.facts.maxPacketBytes));
      const left = missing.filter((row) => !found.has(lookUp.idOf(row)));
      if (left.length === missing.length && (missing.length > 1 || tries > 0)) throw error;
      missing = left;
    }
  }
}

/** All rows or none, however many statements they take. */
async function insert(
  client: MysqlClient,
  { statement }: Plan<TableStatements>,
  rows: readonly Row[],
): Promise<void> {
  const pieces = statement.piecesOf(rows, client.facts.maxPacketBytes);
  const run = (piece: readonly Row[]) => client.execute(statement.text(piece.length), valuesOf(piece));
  const [first] = pieces;
  if (pieces.length === 1 && first !== undefined) return void await run(first);
  await client.query("start transaction");
  try {
    for (const piece of pieces) await run(piece);
  } catch (error) {
    if (error instanceof MysqlError && !error.endsConnection) await client.query("rollback");
    throw error;
  }
  await client.query("commit");
}

function valuesOf(rows: readonly Row[]): Cell[] {
  const values: Cell[] = [];
  for (const { cells } of rows) for (const cell of cells) values.push(cell);
  return values;
}

async function find(
  client: MysqlClient,
  lookUp: LookUpStatements,
  pieces: readonly (readonly Row[])[],
): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for (const piece of pieces) {
    const { rows } = await client.execute(lookUp.text(piece.length), lookUp.valuesOf(piece));
    for (const { id } of rows) found.add(identityOf(id));
  }
  return found;
}
