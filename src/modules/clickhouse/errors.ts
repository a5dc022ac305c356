/**
 * What ClickHouse's error codes mean for the rows of an insert. Codes and names are those of
 * `src/Common/ErrorCodes.cpp` in ClickHouse; which of them version 18.16 answers with was measured.
 *
 * @module
 */

import { DeliveryError, type DeliveryErrorCode } from "../../errors.ts";
import type { ClickhouseFailure, Refusal } from "./client.ts";

/**
 * - `row`: a value does not fit. The other rows of the insert may be good.
 * - `table`: the table or its columns are not as the configuration says. No row of it can be inserted.
 * - `later`: the server cannot do it now, or its code does not tell.
 */
export type FailureScope = "row" | "table" | "later";

/** What follows from a failed request. */
export interface Judgement {
  readonly scope: FailureScope;
  readonly error: DeliveryError;
  /** Whether the server may have inserted the rows all the same: always, where its code says nothing about them. */
  readonly mayBeStored: boolean;
  /** ClickHouse's code, if it gave one. */
  readonly code?: number;
  /** The view that threw, where the server says so: then the table may have the rows. */
  readonly view?: string;
}

const ROW_CODES: ReadonlyMap<number, string> = new Map([
  [6, "CANNOT_PARSE_TEXT"],
  [25, "CANNOT_PARSE_ESCAPE_SEQUENCE"],
  [26, "CANNOT_PARSE_QUOTED_STRING"],
  [27, "CANNOT_PARSE_INPUT_ASSERTION_FAILED"],
  // `JSONExtract…` in a computed column finds an empty text.
  [32, "ATTEMPT_TO_READ_AFTER_EOF"],
  [36, "BAD_ARGUMENTS"],
  [38, "CANNOT_PARSE_DATE"],
  [41, "CANNOT_PARSE_DATETIME"],
  // A text that is not in an Enum, as 18.16 says it.
  [49, "LOGICAL_ERROR"],
  [53, "TYPE_MISMATCH"],
  [69, "ARGUMENT_OUT_OF_BOUND"],
  [70, "CANNOT_CONVERT_TYPE"],
  [72, "CANNOT_PARSE_NUMBER"],
  [117, "INCORRECT_DATA"],
  [130, "CANNOT_READ_ARRAY_FROM_TEXT"],
  [131, "TOO_LARGE_STRING_SIZE"],
  [153, "ILLEGAL_DIVISION"],
  [248, "INVALID_PARTITION_VALUE"],
  [321, "VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE"],
  [349, "CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN"],
  [376, "CANNOT_PARSE_UUID"],
  [395, "FUNCTION_THROW_IF_VALUE_IS_NON_ZERO"],
  [407, "DECIMAL_OVERFLOW"],
  [441, "CANNOT_PARSE_DOMAIN_VALUE_FROM_STRING"],
  [467, "CANNOT_PARSE_BOOL"],
  [469, "VIOLATED_CONSTRAINT"],
  [675, "CANNOT_PARSE_IPV4"],
  [676, "CANNOT_PARSE_IPV6"],
  [691, "UNKNOWN_ELEMENT_OF_ENUM"],
]);

/** A table that a webhook's configuration names, or a column that this module needs, is not there. */
const TABLE_CODES: ReadonlyMap<number, string> = new Map([
  [8, "THERE_IS_NO_COLUMN"],
  [10, "NOT_FOUND_COLUMN_IN_BLOCK"],
  [15, "DUPLICATE_COLUMN"],
  [16, "NO_SUCH_COLUMN_IN_TABLE"],
  [20, "NUMBER_OF_COLUMNS_DOESNT_MATCH"],
  [44, "ILLEGAL_COLUMN"],
  [46, "UNKNOWN_FUNCTION"],
  [47, "UNKNOWN_IDENTIFIER"],
  [48, "NOT_IMPLEMENTED"],
  [50, "UNKNOWN_TYPE"],
  [56, "UNKNOWN_STORAGE"],
  [60, "UNKNOWN_TABLE"],
  [62, "SYNTAX_ERROR"],
  [73, "UNKNOWN_FORMAT"],
  [81, "UNKNOWN_DATABASE"],
  [115, "UNKNOWN_SETTING"],
]);

/** An administrator of the server can put these right, and then the events can be inserted as they are. */
const ACCESS_CODES: ReadonlyMap<number, string> = new Map([
  [164, "READONLY"],
  [192, "UNKNOWN_USER"],
  [193, "WRONG_PASSWORD"],
  [194, "REQUIRED_PASSWORD"],
  [195, "IP_ADDRESS_NOT_ALLOWED"],
  [291, "DATABASE_ACCESS_DENIED"],
  [497, "ACCESS_DENIED"],
  [516, "AUTHENTICATION_FAILED"],
]);

/** The code for too many partitions in one insert, and for too many parts in a table. */
export const TOO_MANY_PARTS = 252;

/** The server says no before it begins. */
const BUSY_CODES: ReadonlyMap<number, string> = new Map([
  [202, "TOO_MANY_SIMULTANEOUS_QUERIES"],
  [TOO_MANY_PARTS, "TOO_MANY_PARTS"],
]);

/** A profile fixes a setting that this module sends. */
const SETTING_CONSTRAINT_VIOLATION = 452;

/**
 * Conditions of the server, whatever is inserted. A row is never rejected for one, not even one that met it alone
 * again and again. Not complete, and need not be.
 */
export const SERVER_CODES: ReadonlySet<number> = new Set([
  // TIMEOUT_EXCEEDED, TOO_SLOW, CANNOT_ALLOCATE_MEMORY, DNS_ERROR, QUOTA_EXCEEDED
  ...[159, 160, 173, 198, 201],
  // NO_FREE_CONNECTION, SOCKET_TIMEOUT, NETWORK_ERROR, NO_ZOOKEEPER, ABORTED, MEMORY_LIMIT_EXCEEDED
  ...[203, 209, 210, 225, 236, 241],
  // TABLE_IS_READ_ONLY, NOT_ENOUGH_SPACE, ALL_CONNECTION_TRIES_FAILED, TOO_FEW_LIVE_REPLICAS
  ...[242, 243, 279, 285],
  // UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE, UNKNOWN_STATUS_OF_INSERT, QUERY_WAS_CANCELLED, SYSTEM_ERROR
  ...[286, 319, 394, 425],
  // CANNOT_SCHEDULE_TASK, DEADLOCK_AVOIDED, S3_ERROR, KEEPER_EXCEPTION
  ...[439, 473, 499, 999],
]);

/** The code for a missing table. */
export const UNKNOWN_TABLE = 60;

/** Codes whose texts may quote what was sent. */
const QUOTING_CODES: ReadonlySet<number> = new Set([62]);

/** How much of the server's text is shown, in characters. */
const MAX_TEXT = 300;

/** Statuses that a proxy in front of the server may answer with, where the server itself gives a code. */
const STATUS_SCOPES: ReadonlyMap<number, FailureScope> = new Map([[400, "row"], [413, "row"]]);
const ACCESS_STATUSES: ReadonlySet<number> = new Set([401, 403]);

/**
 * Judges a failed request.
 *
 * @param what completes "ClickHouse at … refused", such as `the insert into webhook_logs`
 */
export function judgeFailure(server: string, what: string, failure: ClickhouseFailure): Judgement {
  const { kind, refusal, message } = failure;
  if (refusal !== undefined) return judgeRefusal(`${server} refused ${what}`, refusal);
  const code = kind === "not_clickhouse" ? "output_failed" : "output_unavailable";
  const error = new DeliveryError(code, message, { cause: failure.cause });
  return { scope: "later", error, mayBeStored: kind !== "unreachable" };
}

function judgeRefusal(beginning: string, { status, code, text, retryAfterSeconds }: Refusal): Judgement {
  const options = retryAfterSeconds === undefined ? {} : { retryAfterSeconds };
  const view = viewIn(text);
  const judge = (
    scope: FailureScope,
    errorCode: DeliveryErrorCode,
    mayBeStored: boolean,
    reason: string,
  ) => ({
    scope,
    error: new DeliveryError(errorCode, `${beginning}: ${reason}`, options),
    mayBeStored,
    ...(code === undefined ? {} : { code }),
    ...(code === undefined || view === undefined ? {} : { view }),
  });
  if (code === undefined) {
    const scope = STATUS_SCOPES.get(status) ?? "later";
    if (scope === "row") return judge(scope, "output_rejected", false, `HTTP ${status}`);
    const isDenied = ACCESS_STATUSES.has(status);
    return judge(scope, isDenied ? "output_unavailable" : "output_failed", !isDenied, `HTTP ${status}`);
  }
  const reason = describe(code, text);
  if (code === SETTING_CONSTRAINT_VIOLATION) return judge("table", "output_failed", false, reason);
  if (TABLE_CODES.has(code)) return judge("table", "output_rejected", false, reason);
  if (ACCESS_CODES.has(code)) return judge("later", "output_unavailable", false, reason);
  if (BUSY_CODES.has(code)) return judge("later", "output_failed", false, reason);
  if (ROW_CODES.has(code) || status === 400) return judge("row", "output_rejected", false, reason);
  return judge("later", "output_failed", true, reason);
}

/**
 * The view that threw, as ClickHouse names it. No code says so, hence the words: they are the same in 18.16, 25.8
 * and 26.9. A body that is quoted may contain them, so nothing follows from them alone.
 */
function viewIn(text: string): string | undefined {
  const found = text.lastIndexOf(VIEW_WORDS);
  if (found === -1) return undefined;
  const [name = ""] = /^(?:`(?:[^`\\]|\\.)*`|[^\s`(:,])+/.exec(text.slice(found + VIEW_WORDS.length)) ?? [];
  return name.replace(/\.$/, "").slice(0, MAX_TEXT);
}

const VIEW_WORDS = "while pushing to view ";

function describe(code: number, text: string): string {
  const row = ROW_CODES.get(code);
  if (row !== undefined) return `code ${code} (${row})`;
  const name = TABLE_CODES.get(code) ?? ACCESS_CODES.get(code) ?? BUSY_CODES.get(code) ??
    (code === SETTING_CONSTRAINT_VIOLATION ? "SETTING_CONSTRAINT_VIOLATION" : undefined);
  if (name === undefined) {
    const own = ownName(text);
    return own === undefined ? `code ${code}` : `code ${code} (${own})`;
  }
  const named = `code ${code} (${name})`;
  return QUOTING_CODES.has(code) ? named : `${named}: ${firstLine(text)}`;
}

/** The name of the code that servers since 2020 end their texts with. The rest may quote what an event holds. */
function ownName(text: string): string | undefined {
  return /\(([A-Z][A-Z0-9_]{1,63})\)(?: \(version [^()]*(?:\([^()]*\))?\))?[\s.]*$/.exec(text)?.[1];
}

/** The server's own words: the first line, without the code that it begins with. */
function firstLine(text: string): string {
  const [line = ""] = text.split("\n", 1);
  return line.replace(/^Code: \d+[,.]\s*/, "").slice(0, MAX_TEXT);
}
