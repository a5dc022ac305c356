/**
 * What the module asks PostgreSQL about a table, and the statements that make and fill it.
 *
 * @module
 */

import type { PostgresClient } from "../../../io/postgres/client.ts";
import type { SqlConfig } from "../config.ts";
import type { ColumnKind, FilledColumn, RowLayout, TableColumn, TableShape } from "../columns.ts";
import type { FieldType } from "../fields.ts";
import { type Encode, instant, integer, refuse, remembered, timeOfDay } from "../texts.ts";

/** Quotes a name: any text is taken as one identifier. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** The table's full name for statements. */
export function qualifiedName({ table }: SqlConfig): string {
  return table.map(quoteIdentifier).join(".");
}

interface ColumnRow {
  readonly name: string;
  readonly type: string;
  readonly base: string;
  readonly category: string;
  /** Most characters of a text; 0 where there is no such bound. */
  readonly characters: number;
  readonly is_computed: boolean;
  readonly is_required: boolean;
}

/** Types are named without the lengths of their columns: a cast with one would cut what is too long in silence. */
const COLUMNS = `select a.attname::text as name,
  quote_ident(n.nspname) || '.' || quote_ident(b.typname) as type,
  b.typname::text as base,
  b.typcategory::text as category,
  case when b.typname = 'varchar' then greatest(greatest(a.atttypmod, t.typtypmod) - 4, 0) else 0 end as characters,
  a.attgenerated <> '' or a.attidentity = 'a' as is_computed,
  (a.attnotnull or t.typnotnull) and not (a.atthasdef or a.attidentity <> '' or t.typdefault is not null) as is_required
from pg_attribute a
join pg_type t on t.oid = a.atttypid
join pg_type b on b.oid = case t.typtype when 'd' then t.typbasetype else t.oid end
join pg_namespace n on n.oid = b.typnamespace
where a.attrelid = to_regclass($1) and a.attnum > 0 and not a.attisdropped
order by a.attnum`;

const KEYS = `select array(
    select a.attname::text
    from unnest(i.indkey::int2[]) with ordinality as k(number, place)
    join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.number
    where k.place <= i.indnkeyatts
    order by k.place
  ) as columns
from pg_index i
where i.indrelid = to_regclass($1) and i.indisunique and i.indisvalid and i.indimmediate
  and i.indpred is null and i.indexprs is null
order by i.indisprimary desc, i.indnkeyatts, i.indexrelid`;

/** Asks what a table is like; `undefined` where there is none. @throws {PostgresError} */
export async function readShape(client: PostgresClient, table: string): Promise<TableShape | undefined> {
  const { rows: columns } = await client.query<ColumnRow>({ text: COLUMNS }, [table]);
  if (columns.length === 0) return undefined;
  const { rows: keys } = await client.query<{ readonly columns: readonly string[] }>({ text: KEYS }, [table]);
  return { columns: columns.map(columnOf), keys: keys.map((key) => key.columns) };
}

function columnOf(row: ColumnRow): TableColumn {
  const { name, type, base, category, is_computed, is_required } = row;
  const encode = encodingOf(row);
  return {
    name,
    type,
    kind: kindOf(base, category),
    isComputed: is_computed,
    isRequired: is_required,
    ...(encode === undefined ? {} : { encode }),
  };
}

/** Types whose texts the server does not read as JSON writes them, or of which it leaves out the zone in silence. */
const ENCODINGS: Readonly<Record<string, () => Encode>> = {
  int2: () => integer,
  int4: () => integer,
  int8: () => integer,
  timestamp: () => remembered(instant),
  time: () => timeOfDay,
};

function encodingOf({ base, characters }: ColumnRow): Encode | undefined {
  return characters === 0 ? ENCODINGS[base]?.() : textWithin(characters);
}

/** What is too long is an error, but for spaces at its end. */
function textWithin(characters: number): Encode {
  return (text) => {
    if (text.length > characters && text.endsWith(" ") && [...text].length > characters) {
      refuse("A text is too long for its column");
    }
    return text;
  };
}

const KINDS: Readonly<Record<string, ColumnKind>> = {
  json: "json",
  jsonb: "json",
  bytea: "bytes",
  uuid: "uuid",
};

/** By the category of the type. */
const CATEGORIES: Readonly<Record<string, ColumnKind>> = { S: "text", D: "time", E: "enum" };

function kindOf(base: string, category: string): ColumnKind {
  return KINDS[base] ?? CATEGORIES[category] ?? "other";
}

/** The statement that stores rows: one parameter a column, each a list of its values. */
export function insertStatement(table: string, { columns, key }: RowLayout, config: SqlConfig): string {
  const names = columns.map(({ name }) => quoteIdentifier(name)).join(", ");
  // Text is not cast: what is too long for its column is refused then, and not cut.
  const values = columns.map(({ kind, type }, index) =>
    kind === "text" || kind === "bytes" ? `v${index}` : `v${index}::${type}`
  );
  const lists = columns.map(({ kind }, index) => `$${index + 1}::${kind === "bytes" ? "bytea" : "text"}[]`);
  const aliases = columns.map((_, index) => `v${index}`);
  return `insert into ${table} (${names}) select ${values.join(", ")} from unnest(${lists.join(", ")}) as r(${
    aliases.join(", ")
  })${conflictClause(columns, key, config)}`;
}

/** Columns that keep what the first event of a row has put there. */
const KEPT: readonly string[] = ["id", "webhook_id"];

function conflictClause(
  columns: readonly FilledColumn[],
  key: RowLayout["key"],
  { upsertColumn, fields }: SqlConfig,
): string {
  if (key.length === 0) return "";
  const target = ` on conflict (${key.map(quoteIdentifier).join(", ")})`;
  if (upsertColumn === undefined) return `${target} do nothing`;
  const own = new Set(fields.map(({ column }) => column));
  const changed = columns.filter(({ name }) =>
    !key.includes(name) && (own.has(name) || !KEPT.includes(name))
  );
  if (changed.length === 0) return `${target} do nothing`;
  const changes = changed.map(({ name }) => `${quoteIdentifier(name)} = excluded.${quoteIdentifier(name)}`);
  return `${target} do update set ${changes.join(", ")}`;
}

const TYPES: Readonly<Record<FieldType, string>> = {
  string: "text",
  text: "text",
  integer: "bigint",
  int: "bigint",
  float: "double precision",
  number: "double precision",
  boolean: "boolean",
  bool: "boolean",
  datetime: "timestamptz",
  timestamp: "timestamptz",
  date: "date",
  time: "time",
  json: "jsonb",
};

/** The statements that make a table and its indexes: the columns of the Python service, and the event's id and namespace. */
export function createStatements(table: string, config: SqlConfig): readonly string[] {
  const { mode, fields, indexes, isBlob } = config;
  const own = new Map(fields.map(({ column, type, constraints }) => [
    column,
    [TYPES[type], ...constraints.filter((one) => one !== "PRIMARY KEY")].join(" ").toLowerCase(),
  ]));
  const primary = fields.filter(({ constraints }) => constraints.includes("PRIMARY KEY")).map(({ column }) =>
    column
  );
  const common = [
    ["id", `uuid ${primary.length === 0 ? "primary key" : "not null unique"}`],
    ["event_id", "text"],
    ["namespace", "text"],
    ["webhook_id", "text not null"],
    ...(mode === "json" ? [["timestamp", "timestamptz not null"]] : []),
    ...(mode === "relational"
      ? []
      : [["payload", `${isBlob ? "bytea" : "jsonb"} not null`], ["headers", "jsonb"]]),
    ["created_at", "timestamptz not null default now()"],
  ].filter(([name = ""]) => !own.has(name));
  const columns = [...common, ...own].map(([name = "", type]) => `${quoteIdentifier(name)} ${type}`);
  if (primary.length > 0) columns.push(`primary key (${primary.map(quoteIdentifier).join(", ")})`);
  return [
    `create table if not exists ${table} (${columns.join(", ")})`,
    ...indexes.map(({ name, columns }) =>
      `create index if not exists ${quoteIdentifier(name)} on ${table} (${
        columns.map(quoteIdentifier).join(", ")
      })`
    ),
  ];
}
