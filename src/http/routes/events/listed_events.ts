/**
 * The events of the journal and the requests that have left none there, as one list by time.
 *
 * @module
 */

import { GatewayError } from "../../../errors.ts";
import type { ParsedRecordQuery } from "../../../records/query.ts";
import type { EventRecords, RecordListOptions, RecordPage } from "../../../records/records.ts";
import { type RecordPageRow, type RecordRow, recordRow } from "../../../records/view.ts";
import { lastRequestNumber } from "../../tail/request_number.ts";
import { type PassedRequest, passedRequests } from "./passed_requests.ts";
import type { RequestSource } from "./requests.ts";

/** What is listed. */
export interface EventSources {
  readonly requests: RequestSource;
  readonly records: EventRecords;
}

/** Where a list goes on: in the journal, and among the requests in memory. */
interface Place {
  /** `undefined` at its beginning. */
  readonly journal: string | undefined;
  readonly isJournalOver: boolean;
  /** The number of the last request that was listed, and of the last one that belongs to the list; `undefined` without. */
  readonly passed: { readonly after: number; readonly upTo: number } | undefined;
}

/** What stands in a cursor for a journal that was listed to its end, and that was not begun. */
const OVER = "e";
const BEGINNING = "b";

const NO_PAGE: RecordPage = { records: [], cursor: undefined };

/**
 * One page of the list. Its cursor is one of the journal as soon as no such requests follow.
 *
 * @throws {GatewayError} `invalid_query` for a cursor that is none
 */
export async function listEvents(
  sources: EventSources,
  { filter, passed }: ParsedRecordQuery,
  { cursor, ...options }: RecordListOptions,
): Promise<RecordPageRow> {
  const { records, requests } = sources;
  const place = cursor === undefined
    ? beginning(options, passed.length > 0, filter.states?.length === 0)
    : parsePlace(cursor);
  const page = place.isJournalOver
    ? NO_PAGE
    : await records.list(filter, { ...options, cursor: place.journal });
  if (place.passed === undefined) {
    return { events: page.records.map(recordRow), cursor: page.cursor ?? null };
  }
  const isOldest = options.order === "oldest";
  const { after, upTo } = place.passed;
  const found = passedRequests(requests, filter, passed).filter(({ number }) =>
    number <= upTo && (isOldest ? number > after : number < after)
  );
  return merged(page, isOldest ? found.toReversed() : found, place, options);
}

function beginning(
  { order }: Pick<RecordListOptions, "order">,
  includesPassed: boolean,
  isJournalOver: boolean,
): Place {
  const upTo = lastRequestNumber();
  const passed = { after: order === "oldest" ? 0 : upTo + 1, upTo };
  return { journal: undefined, isJournalOver, passed: includesPassed ? passed : undefined };
}

function parsePlace(cursor: string): Place {
  const [journal = "", passed, ...others] = cursor.split(".");
  if (passed === undefined) return { journal, isJournalOver: false, passed };
  const match = /^(\d{1,15})-(\d{1,15})$/.exec(passed);
  if (match === null || others.length > 0) {
    throw new GatewayError("invalid_query", "'cursor' must be one of a list with the same order");
  }
  return {
    journal: journal === BEGINNING || journal === OVER ? undefined : journal,
    isJournalOver: journal === OVER,
    passed: { after: Number(match[1]), upTo: Number(match[2]) },
  };
}

/** Where nothing is left to list, there is none. */
function formatPlace({ journal, isJournalOver, passed }: Place): string | null {
  if (passed === undefined) return isJournalOver ? null : journal ?? null;
  return `${isJournalOver ? OVER : journal ?? BEGINNING}.${passed.after}-${passed.upTo}`;
}

/** The two by time, until the page is full or it is not known what follows in the journal. */
function merged(
  { records, cursor }: RecordPage,
  passed: readonly PassedRequest[],
  start: Place,
  { order, limit }: Pick<RecordListOptions, "order" | "limit">,
): RecordPageRow {
  const rows: RecordRow[] = [];
  let place = start;
  let [nextRecord, nextPassed] = [0, 0];
  while (rows.length < limit) {
    const record = records[nextRecord];
    const request = passed[nextPassed];
    if (record === undefined && (request === undefined || cursor !== undefined)) break;
    if (record !== undefined && (request === undefined || isFirst(record.receivedAt, request.at, order))) {
      place = { ...place, journal: record.cursor };
      nextRecord++;
      rows.push({ ...recordRow(record), cursor: formatPlace(place) ?? record.cursor });
    } else if (request !== undefined) {
      place = { ...place, passed: { after: request.number, upTo: start.passed?.upTo ?? 0 } };
      nextPassed++;
      rows.push({ ...request.row, cursor: formatPlace(place) ?? "" });
    }
  }
  if (nextRecord === records.length) {
    place = { ...place, journal: cursor ?? place.journal, isJournalOver: cursor === undefined };
  }
  if (nextPassed === passed.length) place = { ...place, passed: undefined };
  return { events: rows, cursor: formatPlace(place) };
}

function isFirst(record: number, request: number, order: RecordListOptions["order"]): boolean {
  return order === "oldest" ? record <= request : record >= request;
}
