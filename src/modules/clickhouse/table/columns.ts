/**
 * Which columns of a table are filled, with what, and whether they can hold it.
 *
 * @module
 */

import type { ClickhouseConfig } from "../config.ts";
import { holdsJsonObject, holdsName, holdsSomeBodies, holdsText, timeFormOf } from "./types.ts";

/** A column that is filled with text. There is one more, `payload`, for the body. */
export type TextColumn = "id" | "namespace" | "webhook_id" | "timestamp" | "headers";

type FilledColumn = TextColumn | "payload";

/** A column as the server describes it. */
export interface Column {
  readonly type: string;
  /** `MATERIALIZED` or `ALIAS` where the server computes its values, so that nothing can be inserted. */
  readonly computed: string | undefined;
}

/** The columns that events fill, in order; `payload` comes after them. */
export function filledColumns(
  columns: ReadonlyMap<string, Column>,
  { includeTimestamp, includeHeaders }: ClickhouseConfig,
): TextColumn[] {
  const filled: TextColumn[] = ["id", "webhook_id"];
  if (isFillable(columns.get("namespace"))) filled.push("namespace");
  if (includeTimestamp) filled.push("timestamp");
  const headers = columns.get("headers");
  // A column of another type says as well by its default that there are none.
  const takesNone = headers !== undefined && isFillable(headers) && holdsJsonObject(headers.type);
  if (includeHeaders || takesNone) filled.push("headers");
  return filled;
}

function isFillable(column: Column | undefined): boolean {
  return column !== undefined && column.computed === undefined;
}

/** Longest values, in bytes: ids of events, and names of namespaces and webhooks. */
const MAX_ID = 40;
const MAX_NAME = 64;

/** What each column takes, and the types that can hold it. */
const CONTENTS: Readonly<
  Record<FilledColumn, {
    readonly what: string;
    readonly types: string;
    readonly fits: (type: string) => boolean;
  }>
> = {
  id: { what: "the event's id", types: "String", fits: (type) => holdsText(type, MAX_ID) },
  namespace: { what: "the namespace", types: "String", fits: (type) => holdsName(type, MAX_NAME) },
  webhook_id: { what: "the webhook's id", types: "String", fits: (type) => holdsName(type, MAX_NAME) },
  timestamp: {
    what: "the time of receipt",
    types: "DateTime, DateTime64, Date, UInt32, UInt64, Int64, Float64 or String",
    fits: (type) => timeFormOf(type) !== undefined,
  },
  headers: { what: "the headers as a JSON object", types: "String or JSON", fits: holdsJsonObject },
  payload: { what: "the body", types: "String or JSON", fits: holdsSomeBodies },
};

/** Longest part of a type that a message shows, in characters: an enumeration may list thousands of names. */
const MAX_TYPE = 80;

/**
 * Why columns cannot be filled, one sentence for each of them; none when all can.
 *
 * @param table its full name, quoted
 */
export function mismatchesOf(
  filled: readonly TextColumn[],
  columns: ReadonlyMap<string, Column>,
  table: string,
): readonly string[] {
  return [...filled, "payload" as const].flatMap((name) => mismatchOf(name, columns, table) ?? []);
}

function mismatchOf(
  name: FilledColumn,
  columns: ReadonlyMap<string, Column>,
  table: string,
): string | undefined {
  const { what, types, fits } = CONTENTS[name];
  const column = columns.get(name);
  const subject = `Column '${name}' of table ${table}`;
  const omission = OMISSIONS.get(name) ?? "";
  if (column === undefined) return `${subject} does not exist: add it for ${what}, as ${types}${omission}`;
  const { type, computed } = column;
  if (computed !== undefined) return `${subject} is ${computed}, so ${what} cannot be inserted${omission}`;
  if (fits(type)) return undefined;
  const shown = type.length > MAX_TYPE ? `${type.slice(0, MAX_TYPE)}…` : type;
  return `${subject} is of type ${shown}, which cannot hold ${what}: ${types} can${omission}`;
}

const OMISSIONS: ReadonlyMap<string, string> = new Map([
  ["timestamp", "; or set include_timestamp to false"],
  ["headers", "; or set include_headers to false"],
]);
