/**
 * The events of the journal and the requests that were refused, as one list by time.
 *
 * @module
 */

import { ERROR_CATALOGUE, GatewayError } from "../../../errors.ts";
import { namespaceMatcher } from "../../../schema/namespace_patterns.ts";
import type { ParsedRecordQuery } from "../../../records/query.ts";
import type { EventRecords, RecordListOptions, RecordPage } from "../../../records/records.ts";
import { type RecordPageRow, type RecordRow, recordRow } from "../../../records/view.ts";
import type { ListedRefusal, RefusalHistory } from "../../refusal_history.ts";

/** What is listed. */
export interface EventSources {
  readonly records: EventRecords;
  readonly refusals: RefusalHistory;
}

/** Where a list goes on: in the journal, and among the refusals. */
interface Place {
  /** `undefined` at its beginning. */
  readonly journal: string | undefined;
  readonly isJournalOver: boolean;
  /** The number of the last refusal that was listed, and of the last one that belongs to the list; `undefined` without. */
  readonly refused: { readonly after: number; readonly upTo: number } | undefined;
}

/** What stands in a cursor for a journal that was listed to its end, and that was not begun. */
const OVER = "e";
const BEGINNING = "b";

const NO_PAGE: RecordPage = { records: [], cursor: undefined };

/**
 * One page of the list. Its cursor is one of the journal as soon as no refusals follow.
 *
 * @throws {GatewayError} `invalid_query` for a cursor that is none
 */
export async function listEvents(
  sources: EventSources,
  { filter, includesRefused }: ParsedRecordQuery,
  { cursor, ...options }: RecordListOptions,
): Promise<RecordPageRow> {
  const { records, refusals } = sources;
  const place = cursor === undefined
    ? beginning(options, includesRefused, filter.states?.length === 0, refusals.last)
    : parsePlace(cursor);
  const page = place.isJournalOver
    ? NO_PAGE
    : await records.list(filter, { ...options, cursor: place.journal });
  if (place.refused === undefined) {
    return { events: page.records.map(recordRow), cursor: page.cursor ?? null };
  }
  return merged(page, refusedFrom(refusals, filter, options, place.refused), place, options);
}

function beginning(
  { order }: Pick<RecordListOptions, "order">,
  includesRefused: boolean,
  isJournalOver: boolean,
  last: number,
): Place {
  const refused = { after: order === "oldest" ? 0 : last + 1, upTo: last };
  return { journal: undefined, isJournalOver, refused: includesRefused ? refused : undefined };
}

function parsePlace(cursor: string): Place {
  const [journal = "", refused, ...others] = cursor.split(".");
  if (refused === undefined) return { journal, isJournalOver: false, refused };
  const match = /^(\d{1,15})-(\d{1,15})$/.exec(refused);
  if (match === null || others.length > 0) {
    throw new GatewayError("invalid_query", "'cursor' must be one of a list with the same order");
  }
  return {
    journal: journal === BEGINNING || journal === OVER ? undefined : journal,
    isJournalOver: journal === OVER,
    refused: { after: Number(match[1]), upTo: Number(match[2]) },
  };
}

/** Where nothing is left to list, there is none. */
function formatPlace({ journal, isJournalOver, refused }: Place): string | null {
  if (refused === undefined) return isJournalOver ? null : journal ?? null;
  return `${isJournalOver ? OVER : journal ?? BEGINNING}.${refused.after}-${refused.upTo}`;
}

/** The refusals that match, from a place on, in the order of the list. */
function refusedFrom(
  refusals: RefusalHistory,
  { namespace, namespaces, webhook, ids, before = Infinity, after = 0 }: ParsedRecordQuery["filter"],
  { order }: Pick<RecordListOptions, "order">,
  place: NonNullable<Place["refused"]>,
): readonly ListedRefusal[] {
  const isOldest = order === "oldest";
  const isOfNamespaces = namespaces === undefined ? () => true : namespaceMatcher(namespaces);
  const found = refusals.list(({ path, number, at, requestId }) => {
    const [ofNamespace = "", ofWebhook] = path.split("/");
    return number <= place.upTo && (isOldest ? number > place.after : number < place.after) &&
      (namespace === undefined || namespace === ofNamespace) && isOfNamespaces(ofNamespace) &&
      (webhook === undefined || webhook === ofWebhook) &&
      (ids === undefined || ids.includes(requestId)) && at >= after && at < before;
  });
  return isOldest ? found.toReversed() : found;
}

/** The two by time, until the page is full or it is not known what follows in the journal. */
function merged(
  { records, cursor }: RecordPage,
  refused: readonly ListedRefusal[],
  start: Place,
  { order, limit }: Pick<RecordListOptions, "order" | "limit">,
): RecordPageRow {
  const rows: RecordRow[] = [];
  let place = start;
  let [nextRecord, nextRefused] = [0, 0];
  while (rows.length < limit) {
    const record = records[nextRecord];
    const refusal = refused[nextRefused];
    if (record === undefined && (refusal === undefined || cursor !== undefined)) break;
    if (record !== undefined && (refusal === undefined || isFirst(record.receivedAt, refusal.at, order))) {
      place = { ...place, journal: record.cursor };
      nextRecord++;
      rows.push({ ...recordRow(record), cursor: formatPlace(place) ?? record.cursor });
    } else if (refusal !== undefined) {
      place = { ...place, refused: { after: refusal.number, upTo: start.refused?.upTo ?? 0 } };
      nextRefused++;
      rows.push({ ...refusedRow(refusal), cursor: formatPlace(place) ?? "" });
    }
  }
  if (nextRecord === records.length) {
    place = { ...place, journal: cursor ?? place.journal, isJournalOver: cursor === undefined };
  }
  if (nextRefused === refused.length) place = { ...place, refused: undefined };
  return { events: rows, cursor: formatPlace(place) };
}

function isFirst(record: number, refusal: number, order: RecordListOptions["order"]): boolean {
  return order === "oldest" ? record <= refusal : record >= refusal;
}

function refusedRow({ requestId, path, at, code, reason, client }: ListedRefusal): Omit<RecordRow, "cursor"> {
  const [namespace = "", webhook = ""] = path.split("/");
  return {
    id: requestId,
    namespace,
    webhook,
    state: "refused",
    received_at: new Date(at).toISOString(),
    status: ERROR_CATALOGUE[code].status,
    reason: code,
    message: reason,
    client,
  };
}
