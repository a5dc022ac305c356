/**
 * Which columns of a table are filled with what of an event.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { DeliveryError } from "../../errors.ts";
import { receivedAtText } from "../../event/event_headers.ts";
import type { Event } from "../../event/event.ts";
import { recordedHeaders } from "../../event/recorded_headers.ts";
import { eventUuid } from "../../event/event_uuid.ts";
import type { SqlConfig } from "./config.ts";
import type { SqlField } from "./fields.ts";

/** What is sent for one column of one row. */
export type Cell = string | Buffer | null;

/** What a column takes, as far as it matters here. `binary` holds few bytes, which may be those of a text. */
export type ColumnKind = "text" | "json" | "bytes" | "binary" | "uuid" | "time" | "enum" | "other";

/** A column as the server describes it. */
export interface TableColumn {
  readonly name: string;
  readonly kind: ColumnKind;
  /** The server's own name of its type, quoted. */
  readonly type: string;
  /** Whether the server fills it by itself and takes no value. */
  readonly isComputed: boolean;
  /** Whether it takes no NULL and has no default. */
  readonly isRequired: boolean;
  /**
   * Puts a text into the form that the server takes for the column. Left out, texts are sent as they are.
   *
   * @throws {DeliveryError} when the server would store something else than the text says
   */
  encode?(text: string): Cell;
}

/** A table as the server describes it. */
export interface TableShape {
  readonly columns: readonly TableColumn[];
  /** The columns of its unique indexes that hold for all rows, in the order in which they are to be preferred. */
  readonly keys: readonly (readonly string[])[];
  /** The same for all ways to write a name. Left out, a column has one alone. */
  canonical?(name: string): string;
}

/** A column that is filled. */
export interface FilledColumn extends TableColumn {
  /** @throws {DeliveryError} when the event can never be in it */
  read(event: Event, config: SqlConfig): Cell;
}

/** How events become rows. It never changes. */
export interface RowLayout {
  readonly columns: readonly FilledColumn[];
  /** The columns by which a row is known to be there already; none: a repeat is another row. */
  readonly key: readonly string[];
}

/** A table that is not as events need it. It can be changed without a change of the configuration. */
export class TableMismatch extends Error {
  override readonly name = "TableMismatch";

  /** @param reasons one sentence each */
  constructor(readonly reasons: readonly string[]) {
    super(reasons.join("; "));
  }
}

/** What an event has beside its fields, the kinds of columns that can hold it, and how it is read. */
interface Source {
  readonly kinds: readonly ColumnKind[];
  read(event: Event, config: SqlConfig, kind: ColumnKind): Cell;
}

const SOURCES: Readonly<Record<string, Source>> = {
  id: {
    kinds: ["uuid", "text", "binary"],
    read: ({ id }, _config, kind) => kind === "uuid" ? eventUuid(id) : id,
  },
  event_id: { kinds: ["text", "binary"], read: ({ id }) => id },
  namespace: { kinds: ["text", "binary", "enum"], read: ({ namespace }) => namespace },
  webhook_id: { kinds: ["text", "binary", "enum"], read: ({ webhook }) => webhook },
  timestamp: { kinds: ["time", "text"], read: receivedAtText },
  payload: {
    kinds: ["json", "text", "bytes", "binary"],
    read: ({ body }, _config, kind) => payloadOf(body, kind),
  },
  headers: {
    kinds: ["json", "text"],
    read: (event) => recordedHeaders(event.headers, event.type),
  },
};

/** Columns that say which event a row is, so that a repeat can be known by them. */
export const IDS: readonly string[] = ["id", "event_id"];

/** Columns that are the same for each repeat of an event. */
const CONSTANT: readonly string[] = [...IDS, "namespace", "webhook_id", "timestamp"];

/**
 * Finds out how events are to become rows of a table.
 *
 * @param table its name, quoted, for messages
 * @throws {TableMismatch} when it cannot hold them
 */
export function planRows(
  { columns, keys, canonical = (name) => name }: TableShape,
  config: SqlConfig,
  table: string,
): RowLayout {
  const { fields, mode, upsertColumn } = config;
  const byName = new Map(columns.map((column) => [canonical(column.name), column]));
  const fieldColumns = new Set(fields.map(({ column }) => canonical(column)));
  const reasons: string[] = [];
  const filled: FilledColumn[] = [];
  for (const field of fields) {
    const column = byName.get(canonical(field.column));
    if (column === undefined) reasons.push(`Table ${table} has no column '${field.column}'`);
    else if (column.isComputed) reasons.push(`Column '${column.name}' of ${table} is computed by the server`);
    else filled.push(fillingOf(column, (event) => fieldOf(event, field, column.kind)));
  }
  for (const [name, source] of Object.entries(SOURCES)) {
    const column = byName.get(name);
    const isLeftOut = fieldColumns.has(name) || (name === "payload" && mode === "relational") ||
      (name === "headers" && !config.includeHeaders);
    if (column === undefined || isLeftOut || column.isComputed || !source.kinds.includes(column.kind)) {
      continue;
    }
    filled.push(fillingOf(column, (event) => source.read(event, config, column.kind)));
  }
  const names = new Set(filled.map(({ name }) => canonical(name)));
  if (mode !== "relational" && !names.has("payload")) {
    reasons.push(`Table ${table} has no column 'payload' of JSON, text or bytes`);
  }
  const unfilled = columns.filter(({ name, isRequired, isComputed }) =>
    isRequired && !isComputed && !names.has(canonical(name))
  );
  for (const { name } of unfilled) {
    reasons.push(
      `Column '${name}' of ${table} takes no NULL and has no default, and no event has a value for it`,
    );
  }
  const key = upsertColumn === undefined
    ? idempotentKey(keys, names, canonical)
    : keys.find((one) => one.map(canonical).join("\0") === canonical(upsertColumn));
  if (key === undefined) reasons.push(`Column '${upsertColumn}' of ${table} has no unique index of its own`);
  if (reasons.length > 0) throw new TableMismatch(reasons);
  return { columns: filled, key: key ?? [] };
}

function fillingOf(column: TableColumn, read: FilledColumn["read"]): FilledColumn {
  const { encode } = column;
  if (encode === undefined) return { ...column, read };
  return {
    ...column,
    read: (event, config) => {
      const cell = read(event, config);
      return typeof cell === "string" ? encode(cell) : cell;
    },
  };
}

function idempotentKey(
  keys: TableShape["keys"],
  filled: ReadonlySet<string>,
  canonical: (name: string) => string,
): readonly string[] {
  return keys.find((key) =>
    key.some((name) => IDS.includes(canonical(name))) &&
    key.every((name) => CONSTANT.includes(canonical(name)) && filled.has(canonical(name)))
  ) ?? [];
}

function payloadOf(body: Event["body"], kind: ColumnKind): Cell {
  if (kind === "bytes" || kind === "binary") return bufferOf(body.bytes);
  if (body.isUtf8) return body.text;
  throw new DeliveryError("output_rejected", "The body is not UTF-8, and column 'payload' takes text alone");
}

function bufferOf({ buffer, byteOffset, byteLength }: Uint8Array<ArrayBuffer>): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** A string as it is where the column takes no JSON; any other value exactly as the payload writes it. */
function fieldOf(event: Event, { place, absent }: SqlField, kind: ColumnKind): Cell {
  const { body } = event;
  const found = body.isJson() ? place.sourceIn(body.text) : undefined;
  const source = found ?? (absent === "received_at" ? JSON.stringify(receivedAtText(event)) : absent.json);
  if (source === "null") return null;
  const text = kind !== "json" && source.startsWith('"') ? JSON.parse(source) as string : source;
  if (!text.isWellFormed()) {
    throw new DeliveryError(
      "output_rejected",
      "A value of the payload has half of a surrogate pair, which is no text",
    );
  }
  return kind === "bytes" || kind === "binary" ? Buffer.from(text) : text;
}
