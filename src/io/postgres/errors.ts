/**
 * What PostgreSQL refuses, by its code, and what that means for the connection.
 *
 * @see https://www.postgresql.org/docs/current/errcodes-appendix.html
 * @module
 */

import { errorCode } from "../../errors.ts";

/** Codes that the gateway knows, by their names in the appendix of PostgreSQL's documentation. */
export const SQL_STATE = {
  featureNotSupported: "0A000",
  uniqueViolation: "23505",
  readOnlyTransaction: "25006",
  invalidStatementName: "26000",
  serializationFailure: "40001",
  deadlock: "40P01",
  insufficientPrivilege: "42501",
  duplicateStatement: "42P05",
  undefinedTable: "42P01",
  diskFull: "53100",
  lockNotAvailable: "55P03",
  queryCanceled: "57014",
} as const;

/** Classes whose errors say that the connection is of no use any more: gone, of another kind, or on its way out. */
const ENDING_CLASSES = ["08", "28", "3D", "58", "XX"];
const ENDING_CODES = [
  "57P01",
  "57P02",
  "57P03",
  "57P04",
  "57P05",
  "25P03",
  "25P04",
  SQL_STATE.readOnlyTransaction,
];

/**
 * Classes of errors that one value of many may be the cause of: by its form, its size, or a rule of its table.
 * `P0` is what triggers raise.
 */
const DATA_CLASSES = ["21", "22", "23", "44", "54", "P0"];

/** A statement that failed, or a connection that could not be used. */
export class PostgresError extends Error {
  override readonly name = "PostgresError";
  /** `SQLSTATE`, where the server has answered; otherwise empty. */
  readonly sqlState: string;
  /** Whether the connection cannot be used any more. What was under way may have happened, unless the server answered. */
  readonly endsConnection: boolean;

  constructor(message: string, options: { sqlState?: string; endsConnection: boolean; cause?: unknown }) {
    super(message, { cause: options.cause });
    this.sqlState = options.sqlState ?? "";
    this.endsConnection = options.endsConnection;
  }

  /** Whether the server has no room for what was to be written. */
  get isFull(): boolean {
    return this.sqlState === SQL_STATE.diskFull;
  }

  /** Whether the server refuses something that was to be written, and may take everything beside it. */
  get isOfData(): boolean {
    return DATA_CLASSES.includes(this.sqlState.slice(0, 2));
  }
}

/** What codes mean to whoever uses the server, as the rest of a sentence that begins with it. */
export type Explanations = Readonly<Record<string, string>>;

/**
 * What the client library has thrown. The server's message is kept apart, as the cause: it can quote what was sent.
 *
 * @param server begins the sentence, such as `PostgreSQL db1:5432`
 * @param explanations besides those that hold for everybody
 */
export function postgresError(
  server: string,
  error: unknown,
  explanations: Explanations = {},
): PostgresError {
  if (error instanceof PostgresError) return error;
  const sqlState = sqlStateOf(error);
  if (sqlState === undefined) {
    return new PostgresError(`${server} cannot be reached: ${reasonOf(error)}`, {
      endsConnection: true,
      cause: error,
    });
  }
  return new PostgresError(`${server} ${explanationOf(sqlState, explanations)}`, {
    sqlState,
    endsConnection: ENDING_CODES.some((code) => code === sqlState) ||
      ENDING_CLASSES.includes(sqlState.slice(0, 2)),
    cause: error,
  });
}

function sqlStateOf(error: unknown): string | undefined {
  const { code, severity } = error as { readonly code?: unknown; readonly severity?: unknown };
  return typeof code === "string" && typeof severity === "string" && /^[0-9A-Z]{5}$/.test(code)
    ? code
    : undefined;
}

function reasonOf(error: unknown): string {
  const code = errorCode(error);
  return code === "Error" ? "it closed the connection" : code;
}

const EXPLANATIONS: Explanations = {
  [SQL_STATE.readOnlyTransaction]: "takes no writes: it is a standby, or was set to read-only",
  [SQL_STATE.diskFull]: "has no room on its disk",
  "53300": "has no free connections",
  "57P01": "ended the connection",
  "57P02": "has crashed",
  "57P03": "is starting or stopping",
};

function explanationOf(sqlState: string, explanations: Explanations): string {
  const explanation = explanations[sqlState] ?? EXPLANATIONS[sqlState];
  return explanation === undefined ? `answered with ${sqlState}` : `${explanation} (${sqlState})`;
}
