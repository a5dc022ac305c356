/**
 * What MySQL and MariaDB refuse, by number, and what that means for the connection.
 *
 * @module
 */

import { errorCode } from "../../../errors.ts";

/** Numbers that the module knows, by their names in the servers' documentation. */
export const ERROR_NUMBER = {
  duplicateEntry: 1062,
  noSuchTable: 1146,
  packetTooLarge: 1153,
} as const;

/** What ends or spoils a connection: on its way out, restarted, or to a server that others must be asked instead of. */
const ENDING: readonly number[] = [
  ...[1040, 1043, 1047, 1053, 1077, 1078, 1079, 1080, 1105, 1152, 1153, 1154, 1155, 1156, 1157, 1158, 1159],
  ...[1160, 1161, 1184, 1243, 1290, 1792, 1836, 1927, 2006, 2013, 4031],
];

/** A statement that failed, or a connection that could not be used. Its message shows nothing of the server's text. */
export class MysqlError extends Error {
  override readonly name = "MysqlError";
  /** The server's number; 0 where it has not answered. */
  readonly number: number;
  /** `SQLSTATE`, where the server has answered; otherwise empty. */
  readonly sqlState: string;

  constructor(message: string, answer: { number?: number; sqlState?: string; cause?: unknown } = {}) {
    super(message, { cause: answer.cause });
    this.number = answer.number ?? 0;
    this.sqlState = answer.sqlState ?? "";
  }

  /** Whether the connection cannot be used any more. What was under way may have happened, unless the server answered. */
  get endsConnection(): boolean {
    return this.number === 0 || ENDING.includes(this.number);
  }
}

/** What the client library has thrown. The server's message is kept apart, as the cause: it quotes what was sent. */
export function mysqlError(error: unknown): MysqlError {
  if (error instanceof MysqlError) return error;
  if (error === undefined) return new MysqlError("it closed the connection");
  const { errno, sqlState } = error as { readonly errno?: unknown; readonly sqlState?: unknown };
  // Only the server's own answers have both; what the system says has a number of its own.
  if (typeof errno === "number" && typeof sqlState === "string") {
    return new MysqlError(`answered with ${errno}`, { number: errno, sqlState, cause: error });
  }
  const code = errorCode(error);
  const isClosed = code === "Error" || code === "PROTOCOL_CONNECTION_LOST";
  return new MysqlError(isClosed ? "it closed the connection" : code, { cause: error });
}
