/**
 * Reads what can be read of a journal's file, however damaged it is: the rows before and behind a page that
 * cannot be read are found by searching for them.
 *
 * @module
 */

import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { Row } from "../tables/event.ts";
import { exists, LOG_SUFFIX, removeIfExists } from "../file.ts";
import { OLDEST_READABLE_VERSION, readPragma, SCHEMA_VERSION } from "../schema.ts";
import { problemOf } from "../errors.ts";

/** Searches in vain, after which what is left of a table is given up. */
const MAX_VAIN_SEARCHES = 2_000;

/** The tables that are read, with the number that each row has. */
const KEYS = {
  lanes: "id",
  channels: "id",
  pending: "seq",
  dead: "seq",
  messages: "seq",
  packs: "first",
  events: "seq",
} as const;

/** Rows that are read together. */
const ROWS_AT_A_TIME = 16;

/** The beginning of SQLite's file header, in which the sizes stand, in bytes. */
const HEADER_BYTES = 100;

/** Statements that read a table from one number to another, as far as a limit. */
interface Queries {
  /** Whole rows. */
  readonly page: StatementSync;
  /** Their numbers alone. */
  readonly key: StatementSync;
}

/** The name of a table. */
export type SalvagedTable = keyof typeof KEYS;

/** A file that nobody uses. It is left as it is. */
export class SalvageReader implements Disposable {
  /** Files that do not stand beside it before it is read. */
  readonly #made: readonly string[];
  /** Takes back what made the file as long as it says it is. */
  readonly #restoreLength: () => void;
  readonly #database: DatabaseSync;
  readonly #incomplete = new Set<SalvagedTable>();
  #vainSearches = 0;

  /** @throws {Error} when nothing of the file can be read, or another version has written it */
  constructor(path: string) {
    this.#made = [`${path}-shm`, `${path}${LOG_SUFFIX}`].filter((companion) => !exists(companion));
    this.#restoreLength = makeAsLongAsDeclared(path);
    this.#database = new DatabaseSync(path, { readOnly: true });
    try {
      const version = readPragma(this.#database, "user_version");
      if (version >= OLDEST_READABLE_VERSION && version <= SCHEMA_VERSION) return;
      throw new Error(
        `It has schema version ${version}, and this program reads ${OLDEST_READABLE_VERSION} to ${SCHEMA_VERSION}`,
      );
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /** Whether everything was read of a table that was read to its end. */
  isComplete(table: SalvagedTable): boolean {
    return !this.#incomplete.has(table);
  }

  /** Every row that can be read, in the order of their numbers. */
  *rows(table: SalvagedTable): Generator<Row> {
    this.#vainSearches = 0;
    const key = KEYS[table];
    const query = (columns: string) =>
      this.#database.prepare(
        `SELECT ${columns} FROM ${table} WHERE ${key} BETWEEN ? AND ? ORDER BY ${key} LIMIT ?`,
      );
    yield* this.#range(table, { page: query("*"), key: query(key) }, 0, this.#lastOf(table));
  }

  [Symbol.dispose](): void {
    this.#database.close();
    this.#restoreLength();
    // SQLite leaves what it has made where it has only read.
    for (const path of this.#made) removeIfExists(path);
  }

  #lastOf(table: SalvagedTable): number {
    const key = KEYS[table];
    try {
      const row = this.#database.prepare(`SELECT max(${key}) AS last FROM ${table}`).get();
      return Number(row?.["last"] ?? 0);
    } catch (error) {
      if (problemOf(error) !== "damaged") throw error;
      this.#incomplete.add(table);
      return Number.MAX_SAFE_INTEGER;
    }
  }

  *#range(table: SalvagedTable, { page, key }: Queries, from: number, to: number): Generator<Row> {
    const numberOf = (row: Row) => Number(row[KEYS[table]]);
    let next = from;
    let size = ROWS_AT_A_TIME;
    while (next <= to) {
      const rows = this.#try(table, page, next, to, size);
      if (rows !== undefined) {
        yield* rows;
        if (rows.length < size) return;
        next = numberOf(rows.at(-1)!) + 1;
      } else if (size > 1) {
        size = 1;
      } else {
        // Its number may stand on a page that can be read where the rest of the row does not.
        const [unreadable] = this.#try(table, key, next, to, 1) ?? [];
        if (unreadable === undefined) return yield* this.#halves(table, { page, key }, next, to);
        next = numberOf(unreadable) + 1;
      }
    }
  }

  *#halves(table: SalvagedTable, queries: Queries, from: number, to: number): Generator<Row> {
    if (from === to || this.#vainSearches++ > MAX_VAIN_SEARCHES) return;
    const middle = Math.floor(from + (to - from) / 2);
    yield* this.#range(table, queries, from, middle);
    yield* this.#range(table, queries, middle + 1, to);
  }

  /** `undefined` when one of the pages that hold the rows cannot be read. */
  #try(
    table: SalvagedTable,
    query: StatementSync,
    from: number,
    to: number,
    limit: number,
  ): Row[] | undefined {
    try {
      // Not `iterate()`, which ends without a word at a page that cannot be read (Deno 2.9.6).
      return query.all(from, to, limit);
    } catch (error) {
      if (problemOf(error) !== "damaged") throw error;
      this.#incomplete.add(table);
      return undefined;
    }
  }
}

/**
 * SQLite reads nothing of a file that was cut. With zeros in the place of what is missing it finds pages that
 * cannot be read, and others.
 *
 * @returns what cuts the file again
 */
function makeAsLongAsDeclared(path: string): () => void {
  const { size } = Deno.statSync(path);
  const declared = declaredBytes(path);
  if (declared <= size) return () => {};
  Deno.truncateSync(path, declared);
  return () => Deno.truncateSync(path, size);
}

/** The length by the header (https://sqlite.org/fileformat2.html#the_database_header); 0 where it has none. */
function declaredBytes(path: string): number {
  using file = Deno.openSync(path);
  const header = new DataView(new ArrayBuffer(HEADER_BYTES));
  if (file.readSync(new Uint8Array(header.buffer)) !== HEADER_BYTES) return 0;
  const pageBytes = header.getUint16(16) === 1 ? 65_536 : header.getUint16(16);
  // The number of pages counts only if it was written with the last change.
  return header.getUint32(24) === header.getUint32(92) ? header.getUint32(28) * pageBytes : 0;
}
