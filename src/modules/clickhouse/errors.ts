/**
 * What ClickHouse's error codes mean for the rows of an insert. Codes and names are those of
 * `src/Common/ErrorCodes.cpp` in ClickHouse; which of them version 18.16 answers with was measured.
 *
 * @module
 */

import type { DeliveryError } from "../../errors.ts";
import { pause, reject, retry, type Verdict, verdictError, VerdictTable } from "../verdicts.ts";
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

/** What this module knows of an error besides. */
interface ClickhouseTraits {
  readonly scope: FailureScope;
  /** Whether the server may have inserted the rows all the same. */
  readonly mayBeStored: boolean;
  /** Whether the server's words may be shown: those of some codes quote what was sent. */
  readonly showsText: boolean;
}

/** A value does not fit. The words quote it. */
const ROW = { scope: "row", mayBeStored: false, showsText: false } as const;

/** A table that a webhook's configuration names, or a column that this module needs, is not there. */
const TABLE = { scope: "table", mayBeStored: false, showsText: true } as const;

/** The server says no before it begins, or until its administrator has put something right. */
const REFUSED = { scope: "later", mayBeStored: false, showsText: true } as const;

/** A condition of the server, or a code that does not tell. */
const UNSURE = { scope: "later", mayBeStored: true, showsText: false } as const;

/** The code for a missing table. */
export const UNKNOWN_TABLE = 60;

/** The code for too many partitions in one insert, and for too many parts in a table. */
export const TOO_MANY_PARTS = 252;

/** The code does not tell whether a row is to blame. */
const UNLISTED = retry("", UNSURE);

/**
 * A condition of the server, whatever is inserted. A row is never rejected for one, not even one that met it alone
 * again and again.
 */
const OF_SERVER = retry("", UNSURE);

/** By ClickHouse's codes. Those of the server are not all, and need not be. */
const VERDICTS = new VerdictTable<ClickhouseTraits>({
  6: reject("CANNOT_PARSE_TEXT", ROW),
  25: reject("CANNOT_PARSE_ESCAPE_SEQUENCE", ROW),
  26: reject("CANNOT_PARSE_QUOTED_STRING", ROW),
  27: reject("CANNOT_PARSE_INPUT_ASSERTION_FAILED", ROW),
  // `JSONExtract…` in a computed column finds an empty text.
  32: reject("ATTEMPT_TO_READ_AFTER_EOF", ROW),
  36: reject("BAD_ARGUMENTS", ROW),
  38: reject("CANNOT_PARSE_DATE", ROW),
  41: reject("CANNOT_PARSE_DATETIME", ROW),
  // A text that is not in an Enum, as 18.16 says it.
  49: reject("LOGICAL_ERROR", ROW),
  53: reject("TYPE_MISMATCH", ROW),
  69: reject("ARGUMENT_OUT_OF_BOUND", ROW),
  70: reject("CANNOT_CONVERT_TYPE", ROW),
  72: reject("CANNOT_PARSE_NUMBER", ROW),
  117: reject("INCORRECT_DATA", ROW),
  130: reject("CANNOT_READ_ARRAY_FROM_TEXT", ROW),
  131: reject("TOO_LARGE_STRING_SIZE", ROW),
  153: reject("ILLEGAL_DIVISION", ROW),
  248: reject("INVALID_PARTITION_VALUE", ROW),
  321: reject("VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE", ROW),
  349: reject("CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN", ROW),
  376: reject("CANNOT_PARSE_UUID", ROW),
  395: reject("FUNCTION_THROW_IF_VALUE_IS_NON_ZERO", ROW),
  407: reject("DECIMAL_OVERFLOW", ROW),
  441: reject("CANNOT_PARSE_DOMAIN_VALUE_FROM_STRING", ROW),
  467: reject("CANNOT_PARSE_BOOL", ROW),
  469: reject("VIOLATED_CONSTRAINT", ROW),
  675: reject("CANNOT_PARSE_IPV4", ROW),
  676: reject("CANNOT_PARSE_IPV6", ROW),
  691: reject("UNKNOWN_ELEMENT_OF_ENUM", ROW),

  8: reject("THERE_IS_NO_COLUMN", TABLE),
  10: reject("NOT_FOUND_COLUMN_IN_BLOCK", TABLE),
  15: reject("DUPLICATE_COLUMN", TABLE),
  16: reject("NO_SUCH_COLUMN_IN_TABLE", TABLE),
  20: reject("NUMBER_OF_COLUMNS_DOESNT_MATCH", TABLE),
  44: reject("ILLEGAL_COLUMN", TABLE),
  46: reject("UNKNOWN_FUNCTION", TABLE),
  47: reject("UNKNOWN_IDENTIFIER", TABLE),
  48: reject("NOT_IMPLEMENTED", TABLE),
  50: reject("UNKNOWN_TYPE", TABLE),
  56: reject("UNKNOWN_STORAGE", TABLE),
  [UNKNOWN_TABLE]: reject("UNKNOWN_TABLE", TABLE),
  62: reject("SYNTAX_ERROR", { ...TABLE, showsText: false }),
  73: reject("UNKNOWN_FORMAT", TABLE),
  81: reject("UNKNOWN_DATABASE", TABLE),
  115: reject("UNKNOWN_SETTING", TABLE),
  // A profile fixes a setting that this module sends: it can be put right, as the table can.
  452: retry("SETTING_CONSTRAINT_VIOLATION", TABLE),

  164: pause("READONLY", REFUSED),
  192: pause("UNKNOWN_USER", REFUSED),
  193: pause("WRONG_PASSWORD", REFUSED),
  194: pause("REQUIRED_PASSWORD", REFUSED),
  195: pause("IP_ADDRESS_NOT_ALLOWED", REFUSED),
  291: pause("DATABASE_ACCESS_DENIED", REFUSED),
  497: pause("ACCESS_DENIED", REFUSED),
  516: pause("AUTHENTICATION_FAILED", REFUSED),

  202: retry("TOO_MANY_SIMULTANEOUS_QUERIES", REFUSED),
  [TOO_MANY_PARTS]: retry("TOO_MANY_PARTS", REFUSED),

  // TIMEOUT_EXCEEDED, TOO_SLOW, CANNOT_ALLOCATE_MEMORY, DNS_ERROR, QUOTA_EXCEEDED, NO_FREE_CONNECTION, SOCKET_TIMEOUT,
  // NETWORK_ERROR, NO_ZOOKEEPER, ABORTED, MEMORY_LIMIT_EXCEEDED, TABLE_IS_READ_ONLY, NOT_ENOUGH_SPACE
  "159 160 173 198 201 203 209 210 225 236 241 242 243": OF_SERVER,
  // ALL_CONNECTION_TRIES_FAILED, TOO_FEW_LIVE_REPLICAS, UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE, UNKNOWN_STATUS_OF_INSERT,
  // QUERY_WAS_CANCELLED, SYSTEM_ERROR, CANNOT_SCHEDULE_TASK, DEADLOCK_AVOIDED, S3_ERROR, KEEPER_EXCEPTION
  "279 285 286 319 394 425 439 473 499 999": OF_SERVER,
}, UNLISTED);

/** By the status, where a proxy in front of the server answers: the server itself gives a code. */
const STATUSES = new VerdictTable<ClickhouseTraits>({
  "400 413": reject("", ROW),
  "401 403": pause("", REFUSED),
}, UNLISTED);

/** Whether a code is known to be about the server, so that it says nothing about the rows. */
export function isOfServer(code: number): boolean {
  return VERDICTS.find(code) === OF_SERVER;
}

/** How much of the server's text is shown, in characters. */
const MAX_TEXT = 300;

/**
 * Judges a failed request.
 *
 * @param what completes "ClickHouse at … refused", such as `the insert into webhook_logs`
 */
export function judgeFailure(server: string, what: string, failure: ClickhouseFailure): Judgement {
  const { kind, refusal, message } = failure;
  if (refusal !== undefined) return judgeRefusal(`${server} refused ${what}`, refusal);
  const verdict = kind === "not_clickhouse" ? UNLISTED : pause("");
  const error = verdictError(verdict, message, { cause: failure.cause });
  return { scope: "later", error, mayBeStored: kind !== "unreachable" };
}

function judgeRefusal(beginning: string, refusal: Refusal): Judgement {
  const { code, text, retryAfterSeconds } = refusal;
  const verdict = verdictOn(refusal);
  const reason = code === undefined ? `HTTP ${refusal.status}` : describe(code, text);
  const view = viewIn(text);
  return {
    scope: verdict.scope,
    error: verdictError(verdict, `${beginning}: ${reason}`, { retryAfterSeconds }),
    mayBeStored: verdict.mayBeStored,
    ...(code === undefined ? {} : { code }),
    ...(code === undefined || view === undefined ? {} : { view }),
  };
}

function verdictOn({ code, status }: Refusal): Verdict & ClickhouseTraits {
  if (code === undefined) return STATUSES.find(status);
  const verdict = VERDICTS.find(code);
  // What the server calls a bad request, it has not carried out.
  return verdict.mayBeStored && status === 400 ? STATUSES.find(status) : verdict;
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
  const { text: name, showsText } = VERDICTS.find(code);
  const shownName = name === "" ? ownName(text) : name;
  const named = shownName === undefined ? `code ${code}` : `code ${code} (${shownName})`;
  return showsText ? `${named}: ${firstLine(text)}` : named;
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
