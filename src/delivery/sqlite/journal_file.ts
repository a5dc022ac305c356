/**
 * The journal's file on disk: opened for this process alone, brought up to date, checked, and set aside when
 * it is damaged.
 *
 * @module
 */

import { DatabaseSync } from "node:sqlite";
import { join } from "@std/path";
import { migrate } from "./schema.ts";
import { CannotOpenError } from "./sqlite_error.ts";

const FILE = "journal.db";

/** Files that SQLite keeps beside the database. */
const COMPANIONS = ["-wal", "-shm", "-journal"] as const;

/** Pages of the write-ahead log after which it is written back to the file: 4 MiB. */
const CHECKPOINT_PAGES = 1_000;

/** The path of the journal's file in its directory. */
export function journalPath(directory: string): string {
  return join(directory, FILE);
}

/**
 * Opens the file for this process alone; makes it, and its directory, where they do not exist.
 *
 * @param lockWaitMs how long to wait for another process to let go of the file, in milliseconds
 * @throws {CannotOpenError} when the directory or the file cannot be opened or made
 * @throws {Error} of `node:sqlite`, with an `errcode`
 */
export function openFile(directory: string, lockWaitMs: number): DatabaseSync {
  const path = journalPath(directory);
  let database: DatabaseSync;
  try {
    create(directory, path);
    database = new DatabaseSync(path, { timeout: lockWaitMs });
  } catch (cause) {
    throw new CannotOpenError(`Cannot open ${path}: ${(cause as Error).message}`, { cause });
  }
  try {
    configure(database);
    migrate(database);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** The file holds whole requests with their credentials: nobody else may read it. */
function create(directory: string, path: string): void {
  Deno.mkdirSync(directory, { recursive: true, mode: 0o700 });
  try {
    Deno.openSync(path, { write: true, createNew: true, mode: 0o600 }).close();
  } catch (error) {
    // An existing file is not opened here: closing it would give up this process' locks on it.
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
}

/**
 * `locking_mode` first: then the log's index is kept in memory, and the first statement that reads takes the
 * lock that keeps every other process out until this one ends, however it ends.
 */
function configure(database: DatabaseSync): void {
  const pragmas = [
    "locking_mode = EXCLUSIVE",
    // Only has an effect on a file without tables.
    "auto_vacuum = INCREMENTAL",
    "journal_mode = WAL",
    "synchronous = FULL",
    `wal_autocheckpoint = ${CHECKPOINT_PAGES}`,
    "temp_store = MEMORY",
    "foreign_keys = OFF",
  ];
  for (const pragma of pragmas) database.prepare(`PRAGMA ${pragma}`).all();
}

/** Writes the log back to the file and closes both. */
export function closeFile(database: DatabaseSync): void {
  try {
    database.prepare("PRAGMA wal_checkpoint(TRUNCATE)").all();
  } finally {
    database.close();
  }
}

/**
 * Puts a damaged file, with what stands beside it, out of the way, and returns its new path.
 *
 * @throws {CannotOpenError} when it cannot be renamed
 */
export function setAside(directory: string): string {
  const path = journalPath(directory);
  const target = `${path}.damaged-${new Date().toISOString().replaceAll(":", "-")}`;
  try {
    // The log first: without its database it is of no use, and must not be mistaken for the new one's.
    for (const suffix of COMPANIONS) renameIfExists(path + suffix, target + suffix);
    Deno.renameSync(path, target);
  } catch (cause) {
    throw new CannotOpenError(`Cannot set ${path} aside: ${(cause as Error).message}`, { cause });
  }
  return target;
}

function renameIfExists(from: string, to: string): void {
  try {
    Deno.renameSync(from, to);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
