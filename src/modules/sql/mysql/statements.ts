/**
 * The statements that fill one table, each for a fixed number of rows: the server keeps every text that it is sent, so
 * there are few. Any number of rows takes one of them, or two.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { type Cell, type FilledColumn, IDS, type RowLayout } from "../columns.ts";
import type { SqlConfig } from "../config.ts";
import type { Row } from "../dialect.ts";
import { ERROR_NUMBER, MysqlError } from "./mysql_error.ts";
import { quoteIdentifier } from "./table.ts";

/** The most rows of a statement, as many as a batch has. */
const MAX_ROWS = 200;

/** There is a statement for each number of rows up to this one, and for its multiples. */
const STEP = 32;

/** The protocol counts them with two bytes. */
const MAX_PLACEHOLDERS = 2 ** 16 - 1;

/** Of a statement beside its values: types, lengths, and what the protocol needs. */
const OVERHEAD_BYTES = 1024;
const OVERHEAD_BYTES_PER_CELL = 16;

/** A unit of UTF-16 is at most so many bytes of UTF-8. */
const MAX_UTF8_BYTES = 3;

/** Columns that keep what the first event of a row has put there. */
const KEPT: readonly string[] = ["id", "webhook_id"];

/** Fills one table. It never changes. */
export class TableStatements {
  readonly #insert: string;
  readonly #row: string;
  readonly #conflict: string;
  readonly #maxRows: number;
  readonly #texts = new Map<number, string>();
  /** Finds the rows that are there already; `undefined` where they cannot be known, or are replaced. */
  readonly lookUp: LookUpStatements | undefined;
  /** Stores no row, and needs all that storing one needs. */
  readonly trial: string;

  constructor(table: string, { columns, key }: RowLayout, config: SqlConfig) {
    this.#insert = `insert into ${table} (${columns.map(({ name }) => quoteIdentifier(name)).join(", ")})`;
    this.#row = `(${columns.map(placeholder).join(", ")})`;
    this.#conflict = conflictClause(columns, key, config);
    this.#maxRows = Math.min(MAX_ROWS, Math.floor(MAX_PLACEHOLDERS / columns.length));
    this.trial = `${this.#insert} select ${
      columns.map(() => "null").join(", ")
    } from dual where false${this.#conflict}`;
    const isLookedUp = config.upsertColumn === undefined && key.length > 0;
    this.lookUp = isLookedUp ? new LookUpStatements(table, columns, key) : undefined;
  }

  /**
   * Cuts rows into pieces that one statement each can take.
   *
   * @param maxBytes the longest statement with its values that the server takes
   * @throws {MysqlError} when one row alone is longer
   */
  piecesOf(rows: readonly Row[], maxBytes: number): readonly (readonly Row[])[] {
    const pieces: (readonly Row[])[] = [];
    for (let next = 0; next < rows.length;) {
      let count = sizeWithin(Math.min(this.#maxRows, rows.length - next));
      while (!fits(rows, next, next + count, maxBytes)) {
        if (count === 1) {
          throw new MysqlError("is not sent what is too large", { number: ERROR_NUMBER.packetTooLarge });
        }
        count = sizeWithin(Math.ceil(count / 2));
      }
      pieces.push(count === rows.length ? rows : rows.slice(next, next + count));
      next += count;
    }
    return pieces;
  }

  /** What stores so many rows. */
  text(rows: number): string {
    let text = this.#texts.get(rows);
    if (text === undefined) {
      text = `${this.#insert} values ${new Array(rows).fill(this.#row).join(", ")}${this.#conflict}`;
      this.#texts.set(rows, text);
    }
    return text;
  }
}

/** What finds the rows of events in a table. */
export class LookUpStatements {
  readonly #select: string;
  readonly #places: readonly number[];
  readonly #id: number;

  constructor(table: string, columns: readonly FilledColumn[], key: RowLayout["key"]) {
    this.#places = key.map((name) => columns.findIndex((column) => column.name === name));
    this.#id = key.findIndex((name) => IDS.includes(name.toLowerCase()));
    const names = key.map(quoteIdentifier);
    this.#select = `select ${names[this.#id]} as id from ${table} where (${names.join(", ")}) in `;
  }

  /** What looks for so many rows. */
  text(rows: number): string {
    const row = `(${this.#places.map(() => "?").join(", ")})`;
    return `${this.#select}(${new Array(rows).fill(row).join(", ")})`;
  }

  /** The values that it looks for. */
  valuesOf(rows: readonly Row[]): Cell[] {
    return rows.flatMap(({ cells }) => this.#places.map((place) => cells[place] ?? null));
  }

  /** Values that no row has. */
  get noValues(): Cell[] {
    return this.#places.map(() => null);
  }

  /** What a row is known by among those that were found. */
  idOf({ cells }: Row): string {
    return identityOf(cells[this.#places[this.#id]!]);
  }
}

/** An id as it can be compared, whether the server returns it as text or as bytes. */
export function identityOf(id: unknown): string {
  return id instanceof Uint8Array ? Buffer.from(id).toString("latin1") : String(id);
}

function placeholder({ type }: FilledColumn): string {
  // A text would be taken for the bytes of its characters.
  return type.startsWith("bit") ? "cast(? as unsigned)" : "?";
}

function conflictClause(
  columns: readonly FilledColumn[],
  key: RowLayout["key"],
  { upsertColumn, fields }: SqlConfig,
): string {
  const [keyName] = key;
  if (upsertColumn === undefined || keyName === undefined) return "";
  const own = new Set(fields.map(({ column }) => column.toLowerCase()));
  const changed = columns.map(({ name }) => name).filter((name) =>
    name !== keyName && (own.has(name.toLowerCase()) || !KEPT.includes(name.toLowerCase()))
  );
  const keyColumn = quoteIdentifier(keyName);
  // The server takes the row that any unique index finds. Another one than that of the key is a division by zero.
  const isThatOfKey = `1 / (${keyColumn} <=> values(${keyColumn}))`;
  const changes = (changed.length === 0 ? [keyName] : changed).map(quoteIdentifier).map((name) =>
    `${name} = if(${isThatOfKey}, ${changed.length === 0 ? name : `values(${name})`}, ${name})`
  );
  return ` on duplicate key update ${changes.join(", ")}`;
}

function fits(rows: readonly Row[], from: number, to: number, maxBytes: number): boolean {
  const bytesBy = (measure: (cell: Cell) => number) => {
    let bytes = OVERHEAD_BYTES;
    for (let index = from; index < to; index++) {
      for (const cell of rows[index]!.cells) bytes += OVERHEAD_BYTES_PER_CELL + measure(cell);
    }
    return bytes;
  };
  return bytesBy((cell) => cell === null ? 0 : cell.length * MAX_UTF8_BYTES) <= maxBytes ||
    bytesBy((cell) => cell === null ? 0 : Buffer.byteLength(cell)) <= maxBytes;
}

/** The largest number of rows up to a limit that there is a statement for. */
function sizeWithin(limit: number): number {
  return limit <= STEP || limit === MAX_ROWS ? limit : limit - limit % STEP;
}
