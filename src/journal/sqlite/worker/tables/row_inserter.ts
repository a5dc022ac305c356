/**
 * Fast ways into and out of SQLite's rows.
 *
 * @module
 */

import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";

declare module "node:sqlite" {
  interface StatementSync {
    /** Missing in the declarations that come with Deno. */
    setReturnArrays(enabled: boolean): void;
  }
}

/** Rows that one statement inserts. Calls cost more than rows: 16 rows at once take 60 % of the time. */
const SIZES = [64, 32, 16, 8, 4, 2, 1] as const;

/** Inserts many rows with few statements. */
export class RowInserter {
  readonly #statements: readonly (readonly [rows: number, statement: StatementSync])[];
  readonly #columns: number;

  constructor(database: DatabaseSync, table: string, columns: readonly string[]) {
    const row = `(${columns.map(() => "?").join(", ")})`;
    const insert = `INSERT INTO ${table} (${columns.join(", ")}) VALUES `;
    this.#columns = columns.length;
    this.#statements = SIZES.map((rows) => [
      rows,
      database.prepare(insert + new Array(rows).fill(row).join(", ")),
    ]);
  }

  /** @param values of all columns of the first row, then of the second, and so on */
  insert(values: SQLInputValue[]): void {
    let start = 0;
    for (const [rows, statement] of this.#statements) {
      const length = rows * this.#columns;
      for (; values.length - start >= length; start += length) {
        statement.run(...(values.length === length ? values : values.slice(start, start + length)));
      }
    }
  }
}

/** Makes a statement return its rows as arrays, which takes half the time of objects. */
export function returnArrays(statement: StatementSync): StatementSync {
  statement.setReturnArrays(true);
  return statement;
}
