/**
 * What refusals of PostgreSQL mean for the events that were to be stored. The server's own texts are not shown: they
 * quote the rows.
 *
 * @see https://www.postgresql.org/docs/current/errcodes-appendix.html
 * @module
 */

import { DeliveryError } from "../../../errors.ts";
import { type Explanations, PostgresError } from "../../../io/postgres/errors.ts";
import { pause, reject, retry, verdictError, VerdictTable } from "../../verdicts.ts";
import type { FilledColumn } from "../columns.ts";
import type { Judgement } from "../dialect.ts";

type Scope = Pick<Judgement, "scope">;

const ROW: Scope = { scope: "row" };
const TABLE: Scope = { scope: "table" };
const SERVER: Scope = { scope: "server" };

/** A violated check of the table, or no partition for the row. */
const CHECK_VIOLATION = "23514";
const NOT_NULL_VIOLATION = "23502";

/** By `SQLSTATE`. */
const VERDICTS = new VerdictTable<Scope>({
  // Of an upsert: rows of one statement have the same key in other words, such as a UUID in capitals.
  "21000": retry("two rows of one statement have the same key", ROW),
  // What the row holds, now and for ever.
  "22*": reject("a value does not fit its column", ROW),
  "22P02": reject("a value is not of its column's type", ROW),
  "22P05 22021": reject("a text holds a character that the database cannot store, such as U+0000", ROW),
  "22001": reject("a text is too long for its column", ROW),
  "22003": reject("a number is too large for its column", ROW),
  "22007 22008": reject("a value is no date or time", ROW),
  "23*": reject("a constraint of the table is violated", ROW),
  "23502": reject("a column takes no NULL", ROW),
  "23503": reject("the row refers to one that does not exist", ROW),
  "23505": reject("another row has the same value in a unique column", ROW),
  "23514": reject("a check of the table is violated", ROW),
  "44*": reject("a check of the view is violated", ROW),
  "54*": reject("a value is nested too deep or too large", ROW),
  "P0*": reject("a trigger of the table refused it", ROW),
  // What an operator mends at the table; the events wait for that.
  "0A*": retry("the table does not support it", TABLE),
  "42*": retry("the table is not as it was", TABLE),
  "42501": pause("the user may not do it: grant INSERT and SELECT, for upsert UPDATE as well", TABLE),
  "3F*": retry("the schema does not exist", TABLE),
  "42P01": retry("the table does not exist", TABLE),
  "42703": retry("a column does not exist", TABLE),
  "42P10": retry("the unique index does not exist any more", TABLE),
  // What passes by itself.
  "40*": retry("it was in the way of another transaction", SERVER),
  "55*": retry("a lock is not to be had", SERVER),
  "57014": retry("the statement was cancelled", SERVER),
  "25*": pause("takes no writes: it is a standby, or was set to read-only", SERVER),
  "08* 28* 3D* 53* 57* 58* XX*": pause("", SERVER),
  // Any other may be a trigger's own, for one of the rows.
}, retry("the code is not known here", ROW));

/** What refusals mean for connections. */
export const EXPLANATIONS: Explanations = {
  "28P01": "does not know this user and password",
  "28000": "refuses the user, or wants TLS or a client certificate",
  "3D000": "has no database of this name",
  "42501": "does not let the user in",
};

/** What the client knows of a refusal beside its code. It quotes no row. */
interface Refusal {
  readonly constraint?: unknown;
  readonly column?: unknown;
}

/** Judges a failed statement or connection. */
export function judge(
  server: string,
  what: string,
  failure: PostgresError,
  filled?: readonly FilledColumn[],
): Judgement;
export function judge(
  server: string,
  what: string,
  failure: unknown,
  filled?: readonly FilledColumn[],
): Judgement | undefined;
export function judge(
  server: string,
  what: string,
  failure: unknown,
  filled: readonly FilledColumn[] = [],
): Judgement | undefined {
  if (!(failure instanceof PostgresError)) return undefined;
  const { sqlState, message } = failure;
  const { constraint, column } = (failure.cause ?? {}) as Refusal;
  const found = VERDICTS.find(sqlState);
  if (sqlState === "") return { scope: "server", error: new DeliveryError("output_unavailable", message) };
  const isOfTable = found.scope === "row" && isTheTables(sqlState, constraint, column, filled);
  const verdict = isOfTable ? retry("it has no partition, or a new column, for the row", TABLE) : found;
  if (verdict.text === "") return { scope: verdict.scope, error: verdictError(verdict, message) };
  const place = typeof constraint === "string"
    ? `, constraint '${constraint}'`
    : typeof column === "string"
    ? `, column '${column}'`
    : "";
  const text = `${server} refused ${what}: ${verdict.text} (${sqlState}${place})`;
  return { scope: verdict.scope, error: verdictError(verdict, text) };
}

/** A row without a partition, or a column that this statement does not know, is no fault of the row. */
function isTheTables(
  sqlState: string,
  constraint: unknown,
  column: unknown,
  filled: readonly FilledColumn[],
): boolean {
  if (sqlState === CHECK_VIOLATION) return constraint === undefined;
  return sqlState === NOT_NULL_VIOLATION && typeof column === "string" &&
    filled.every(({ name }) => name !== column);
}
