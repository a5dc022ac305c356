/**
 * What went wrong underneath, by SQLite's result codes (https://sqlite.org/rescode.html). `node:sqlite` gives
 * them as `errcode`, but only on errors of prepared statements: those of `exec()` and of the constructor have
 * none, so nothing here uses `exec()`, and a failed constructor is a file that cannot be opened.
 *
 * @module
 */

import { DamagedFileError, NewerSchemaError } from "./schema.ts";

/**
 * - `full`: no space for what was to be written. Smaller changes may still go through.
 * - `busy`: somebody else holds the file.
 * - `unavailable`: the disk or the directory does not play along; to be tried with a fresh connection.
 * - `damaged`: the file is not what was written into it.
 * - `fault`: none of the above, so a mistake in this program.
 */
export type StorageProblem = "full" | "busy" | "unavailable" | "damaged" | "fault";

/** The low byte of a result code is its kind, the rest says where it happened. */
const PRIMARY_CODE = 0xff;

const PROBLEMS: Readonly<Record<number, StorageProblem>> = {
  3: "unavailable", // SQLITE_PERM
  5: "busy", // SQLITE_BUSY
  6: "busy", // SQLITE_LOCKED
  7: "unavailable", // SQLITE_NOMEM
  8: "unavailable", // SQLITE_READONLY
  10: "unavailable", // SQLITE_IOERR
  11: "damaged", // SQLITE_CORRUPT
  13: "full", // SQLITE_FULL
  14: "unavailable", // SQLITE_CANTOPEN
  15: "busy", // SQLITE_PROTOCOL
  18: "full", // SQLITE_TOOBIG
  22: "unavailable", // SQLITE_NOLFS
  23: "unavailable", // SQLITE_AUTH
  26: "damaged", // SQLITE_NOTADB
};

/** Sorts an error of the storage. */
export function problemOf(error: unknown): StorageProblem {
  if (error instanceof CannotOpenError || error instanceof NewerSchemaError) return "unavailable";
  if (error instanceof DamagedFileError) return "damaged";
  if (!(error instanceof Error) || !("errcode" in error)) return "fault";
  return PROBLEMS[Number(error.errcode) & PRIMARY_CODE] ?? "fault";
}

/** The directory or the file cannot be opened. */
export class CannotOpenError extends Error {
  override readonly name = "CannotOpenError";
}
