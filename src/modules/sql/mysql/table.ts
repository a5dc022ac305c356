/**
 * What the module asks MySQL and MariaDB about a table, and the statement that makes one.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { ColumnKind, TableColumn, TableShape } from "../columns.ts";
import type { SqlConfig } from "../config.ts";
import type { FieldType } from "../fields.ts";
import { type ColumnType, encodingOf } from "./cells.ts";
import { type MysqlClient, type ResultRow, type ServerFacts, textOf } from "./client.ts";
import { ERROR_NUMBER, MysqlError } from "./mysql_error.ts";

/** Quotes a name: any text is taken as one identifier. */
export function quoteIdentifier(name: string): string {
  return `\`${name.replaceAll("`", "``")}\``;
}

/** The table's full name for statements. */
export function qualifiedName({ table }: SqlConfig): string {
  return table.map(quoteIdentifier).join(".");
}

/** Names of columns differ in more than their case. */
function canonical(name: string): string {
  return name.toLowerCase();
}

/** Asks what a table is like; `undefined` where there is none. @throws {MysqlError} */
export async function readShape(
  client: MysqlClient,
  table: string,
  config: SqlConfig,
): Promise<TableShape | undefined> {
  try {
    const { rows: columns } = await client.query(`show full columns from ${table}`);
    const { rows: indexes } = await client.query(`show index from ${table}`);
    const jsonColumns = new Set(await namesOfJson(client, config));
    return {
      columns: columns.map((row) => columnOf(row, jsonColumns)),
      keys: uniqueKeys(indexes),
      canonical,
    };
  } catch (error) {
    if (error instanceof MysqlError && error.number === ERROR_NUMBER.noSuchTable) return undefined;
    throw error;
  }
}

/** MariaDB knows JSON by a check of a text alone, which is not seen through a view. */
const JSON_CHECKS = `select check_clause from information_schema.check_constraints
  where constraint_schema = coalesce(?, database()) and table_name = ?`;

async function namesOfJson(client: MysqlClient, { table, fields }: SqlConfig): Promise<readonly string[]> {
  if (!client.facts.isMariaDb) return [];
  const [name = null, database = null] = table.toReversed();
  const { rows } = await client.execute(JSON_CHECKS, [database, name]);
  const checked = rows.flatMap((row) =>
    /^json_valid\(`(.*)`\)$/is.exec(textAt(row, "check_clause"))?.[1] ?? []
  );
  const declared = fields.filter(({ type }) => type === "json").map(({ column }) => column);
  return [...checked.map((name) => name.replaceAll("``", "`")), ...declared].map(canonical);
}

/** By the name of a result's column, whose case is not the same everywhere. */
function textAt(row: ResultRow, name: string): string {
  return textOf(valueAt(row, name));
}

function valueAt(row: ResultRow, name: string): unknown {
  return row[name] ?? row[name.toUpperCase()] ?? null;
}

const TYPE = /^(\w+)(?:\((.*)\))?/s;

const COMPUTED = /\b(?:virtual|stored|persistent) generated\b/i;

function columnOf(row: ResultRow, jsonColumns: ReadonlySet<string>): TableColumn {
  const name = textAt(row, "Field");
  const extra = textAt(row, "Extra");
  const [type = "", base = "", argument = ""] = TYPE.exec(textAt(row, "Type").toLowerCase()) ?? [];
  const described: ColumnType = { base, argument, collation: textAt(row, "Collation") };
  const kind = kindOf(canonical(name), described, jsonColumns);
  const encode = kind === "uuid" && base === "binary" ? uuidBytes : encodingOf(described);
  return {
    name,
    type,
    kind,
    isComputed: COMPUTED.test(extra),
    isRequired: textAt(row, "Null") === "NO" && valueAt(row, "Default") === null &&
      !/\bauto_increment\b/i.test(extra),
    ...(encode === undefined ? {} : { encode }),
  };
}

const KINDS: Readonly<Record<string, ColumnKind>> = {
  json: "json",
  uuid: "uuid",
  enum: "enum",
  char: "text",
  varchar: "text",
  tinytext: "text",
  text: "text",
  mediumtext: "text",
  longtext: "text",
  binary: "binary",
  varbinary: "binary",
  tinyblob: "bytes",
  blob: "bytes",
  mediumblob: "bytes",
  longblob: "bytes",
  date: "time",
  datetime: "time",
  timestamp: "time",
  time: "time",
};

function kindOf(name: string, { base, argument }: ColumnType, jsonColumns: ReadonlySet<string>): ColumnKind {
  if (base === "longtext" && jsonColumns.has(name)) return "json";
  // What holds a UUID where there is no type for it, as in the tables of the Python service.
  if (name === "id" && (`${base}${argument}` === "char36" || `${base}${argument}` === "binary16")) {
    return "uuid";
  }
  return KINDS[base] ?? "other";
}

function uuidBytes(uuid: string): Buffer {
  return Buffer.from(uuid.replaceAll("-", ""), "hex");
}

/** Those that hold for whole values, the primary one first and then the shorter ones. */
function uniqueKeys(indexes: readonly ResultRow[]): readonly (readonly string[])[] {
  const unique = indexes.filter((row) => Number(valueAt(row, "Non_unique")) === 0);
  const byName = Map.groupBy(unique, (row) => textAt(row, "Key_name"));
  return [...byName].filter(([, parts]) =>
    parts.every((part) => valueAt(part, "Sub_part") === null && valueAt(part, "Column_name") !== null)
  )
    .map(([name, parts]) => ({ isPrimary: name === "PRIMARY", columns: parts.map(placeAndName) }))
    .sort((one, other) =>
      Number(other.isPrimary) - Number(one.isPrimary) || one.columns.length - other.columns.length
    )
    .map(({ columns }) => columns.sort(([one], [other]) => one - other).map(([, name]) => name));
}

function placeAndName(part: ResultRow): readonly [place: number, name: string] {
  return [Number(valueAt(part, "Seq_in_index")), textAt(part, "Column_name")];
}

const TYPES: Readonly<Record<FieldType, string>> = {
  string: "longtext",
  text: "longtext",
  integer: "bigint",
  int: "bigint",
  float: "double",
  number: "double",
  boolean: "boolean",
  bool: "boolean",
  datetime: "datetime(6)",
  timestamp: "datetime(6)",
  date: "date",
  time: "time(6)",
  json: "json",
};

/** What a text with an index is: an index takes no texts of any length. */
const INDEXED_TEXT = "varchar(255)";

/** A name of the gateway's own: no other characters. */
const NAME = "varchar(64) character set ascii collate ascii_bin";

/** The statement that makes a table: the columns of the Python service, and the event's id and namespace. */
export function createStatement(table: string, config: SqlConfig, facts: ServerFacts): string {
  const { mode, fields, indexes, isBlob } = config;
  const indexed = new Set(indexes.flatMap(({ columns }) => columns).map(canonical));
  const own = new Map(fields.map(({ column, type, constraints }) => {
    const isIndexed = indexed.has(canonical(column)) || constraints.some((one) => one !== "NOT NULL");
    const typeText = isIndexed && TYPES[type] === TYPES.string ? INDEXED_TEXT : TYPES[type];
    const kept = constraints.filter((one) => one !== "PRIMARY KEY");
    return [column, [typeText, ...kept].join(" ").toLowerCase()];
  }));
  const primary = fields.filter(({ constraints }) => constraints.includes("PRIMARY KEY"))
    .map(({ column }) => quoteIdentifier(column));
  const ownNames = new Set([...own.keys()].map(canonical));
  const common = [
    [
      "id",
      `char(36) character set ascii collate ascii_bin ${
        primary.length === 0 ? "primary key" : "not null unique"
      }`,
    ],
    ["event_id", NAME],
    ["namespace", NAME],
    ["webhook_id", `${NAME} not null`],
    ...(mode === "json" ? [["timestamp", "datetime(3) not null"]] : []),
    ...(mode === "relational"
      ? []
      : [["payload", `${isBlob ? "longblob" : "json"} not null`], ["headers", "json"]]),
    ["created_at", "datetime(3) not null default current_timestamp(3)"],
  ].filter(([name = ""]) => !ownNames.has(name));
  const parts = [...common, ...own].map(([name = "", type]) => `${quoteIdentifier(name)} ${type}`);
  if (primary.length > 0) parts.push(`primary key (${primary.join(", ")})`);
  for (const { name, columns } of indexes) {
    parts.push(`index ${quoteIdentifier(name)} (${columns.map(quoteIdentifier).join(", ")})`);
  }
  // Texts are the same only where all of their characters are, spaces at the end included.
  const collation = facts.isMariaDb ? "utf8mb4_nopad_bin" : "utf8mb4_0900_bin";
  return `create table if not exists ${table} (${parts.join(", ")})
    engine = InnoDB default character set utf8mb4 collate ${collation}`;
}
