import type { DatabaseSync, StatementSync } from "node:sqlite";
import { KEPT_PAGE, type KeptValue } from "../../../../records/kept_values.ts";

/** Values that a gateway keeps by names, in the worker's thread. */
export class KeptValueTable {
  readonly #put: StatementSync;
  readonly #list: StatementSync;
  readonly #remove: StatementSync;

  constructor(database: DatabaseSync) {
    this.#put = database.prepare("INSERT OR REPLACE INTO kept_values (name, value, at) VALUES (?, ?, ?)");
    this.#list = database.prepare(
      `SELECT name, value, at FROM kept_values WHERE name > ? AND substr(name, 1, ?) = ? ORDER BY name LIMIT ${KEPT_PAGE}`,
    );
    this.#remove = database.prepare("DELETE FROM kept_values WHERE name = ?");
  }

  put(name: string, value: Uint8Array, at: number): void {
    this.#put.run(name, value, Math.floor(at));
  }

  /** A page of those whose names begin with `prefix`, behind `after`. */
  list(prefix: string, after: string): KeptValue[] {
    return this.#list.all(after, prefix.length, prefix).map(({ name, value, at }) => ({
      name: String(name),
      value: value as Uint8Array,
      at: Number(at),
    }));
  }

  remove(name: string): void {
    this.#remove.run(name);
  }
}
