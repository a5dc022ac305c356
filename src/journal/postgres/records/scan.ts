/**
 * Goes through the rows of the tables in an order, a few at a time, and finds the records of a filter.
 *
 * @module
 */

import type { Buffer } from "node:buffer";
import { likePatterns, namespaceMatcher } from "../../../schema/namespace_patterns.ts";
import type { RecordFilter, RecordOrder } from "../../../records/records.ts";
import type { StatementRunner } from "../statement_runner.ts";
import type { Place, Position } from "./cursor.ts";
import { type Found, kindsOf, mayMatch, recordsOf } from "./found.ts";
import { FIND, type FoundRow, NEWEST, numberIn, READ } from "./statements.ts";

/** Rows that are found by one statement. */
const ROWS = 200;

/** Events that are read by one statement, in bytes; a single row may have more. */
const READ_BYTES = 1024 * 1024;

/** A step through the rows. */
export interface Step {
  /** How far it has come. */
  readonly position: Position;
  /** `undefined` where nothing was found up to there. */
  readonly found: Found | undefined;
}

/** What is looked for. */
export interface ScanOptions {
  readonly filter: RecordFilter;
  readonly order: RecordOrder;
  /** Where to go on; `upTo` is the last time of the list. */
  readonly place: Place;
  /** Whether records bring the bytes of their events. */
  readonly contents: boolean;
}

/** The place that a list begins with. */
export async function beginningOf(runner: StatementRunner, order: RecordOrder): Promise<Place> {
  const [row] = await runner.rows<{ readonly newest: number }>(NEWEST);
  const upTo = row?.newest ?? 0;
  const after = order === "oldest"
    ? { at: 0, no: 0, index: -1 }
    : { at: upTo, no: Number.MAX_SAFE_INTEGER, index: 0 };
  return { after, upTo };
}

/** Goes through the rows until there are no more. */
export async function* scan(runner: StatementRunner, options: ScanOptions): AsyncGenerator<Step, void> {
  const { filter, order, place: { after: begin, upTo } } = options;
  const ids = filter.ids === undefined ? undefined : new Set(filter.ids);
  const isOfNamespaces = filter.namespaces === undefined ? undefined : namespaceMatcher(filter.namespaces);
  let { at, no } = begin;
  for (;;) {
    const rows = await runner.rows<FoundRow>(FIND[order], [
      at,
      no,
      upTo,
      ROWS,
      kindsOf(filter),
      filter.namespace ?? null,
      filter.webhook ?? null,
      filter.namespaces === undefined ? null : likePatterns(filter.namespaces),
    ]);
    for await (
      const { row, data } of withData(
        runner,
        rows.filter((row) => mayMatch(filter, row)),
        options,
      )
    ) {
      for (const found of recordsOf(row, data, order)) {
        const isMeant = isOfNamespaces?.(found.record.namespace) ?? true;
        if (isMeant && isBehind(found.position, begin, order) && matches(found, filter, ids)) {
          yield { position: found.position, found };
        }
      }
    }
    const last = rows.at(-1);
    if (rows.length < ROWS || last === undefined) return;
    ({ at, no } = { at: last.at, no: last.no + (order === "oldest" ? 1 : -1) });
    yield { position: endOf(last, order), found: undefined };
  }
}

/** Behind all events of a row. */
function endOf({ at, no }: FoundRow, order: RecordOrder): Position {
  return { at, no, index: order === "oldest" ? 1_000 : 0 };
}

interface RowWithData {
  readonly row: FoundRow;
  readonly data: Buffer | undefined;
}

/** Reads the events of as many rows at a time as there is room for; those of packs always, for what they say. */
async function* withData(
  runner: StatementRunner,
  rows: readonly FoundRow[],
  { contents }: ScanOptions,
): AsyncGenerator<RowWithData> {
  for (let start = 0; start < rows.length;) {
    let end = start;
    let bytes = 0;
    while (end < rows.length && (end === start || bytes + sizeOf(rows[end]!, contents) <= READ_BYTES)) {
      bytes += sizeOf(rows[end++]!, contents);
    }
    const group = rows.slice(start, end);
    const data = new Map<FoundRow, Buffer>();
    for (const kind of contents ? ["pack", "dead", "message"] as const : ["pack"] as const) {
      const ofKind = new Map(group.filter((row) => row.kind === kind).map((row) => [numberIn(row), row]));
      if (ofKind.size === 0) continue;
      const read = await runner.rows<{ readonly no: number; readonly data: Buffer }>(READ[kind], [[
        ...ofKind.keys(),
      ]]);
      for (const { no, data: bytes } of read) data.set(ofKind.get(no)!, bytes);
    }
    for (const row of group) yield { row, data: data.get(row) };
    start = end;
  }
}

function sizeOf({ kind, size }: FoundRow, contents: boolean): number {
  return contents || kind === "pack" ? size : 0;
}

function isBehind({ at, no, index }: Position, place: Position, order: RecordOrder): boolean {
  if (at !== place.at || no !== place.no) return true;
  return order === "oldest" ? index > place.index : index < place.index;
}

function matches(
  { record: { id, namespace, webhook, state, receivedAt } }: Found,
  filter: RecordFilter,
  ids: ReadonlySet<string> | undefined,
): boolean {
  return (ids === undefined || ids.has(id)) && (filter.namespace ?? namespace) === namespace &&
    (filter.webhook ?? webhook) === webhook && (filter.states?.includes(state) ?? true) &&
    receivedAt < (filter.before ?? Infinity) && receivedAt >= (filter.after ?? -Infinity);
}
