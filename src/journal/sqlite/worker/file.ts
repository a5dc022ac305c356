/**
 * The journal's file on disk: opened for this process alone, brought up to date, checked, and set aside when
 * it is damaged.
 *
 * @module
 */

import { DatabaseSync } from "node:sqlite";
import { join } from "@std/path";
import { DamagedFileError, migrate, readPragma, readVersion } from "./schema.ts";
import { CannotOpenError } from "./errors.ts";

const FILE = "journal.db";

/** What the name of the write-ahead log ends with. */
export const LOG_SUFFIX = "-wal";

/** Files that SQLite keeps beside the database. */
const COMPANIONS = [LOG_SUFFIX, "-shm", "-journal"] as const;

/** Pages of the write-ahead log after which it is written back to the file: 4 MiB. */
export const CHECKPOINT_PAGES = 1_000;

/** The log may grow beyond this only until it is written back the next time. */
const LOG_BYTES = 16 * 1024 * 1024;

/** Up to this size the whole file is checked when it is opened. */
const WHOLE_CHECK_BYTES = 64 * 1024 * 1024;

/** All tables but that of the events. */
const SMALL_TABLES = ["lanes", "pending", "dead", "idempotency", "key_runs", "channels", "messages"] as const;

/** The path of the journal's file in its directory. */
export function journalPath(directory: string): string {
  return join(directory, FILE);
}

/** Names of files that were set aside: see {@linkcode setAside}. */
const ASIDE = /^journal\.db\.(?:damaged|found)-[\dTZ.-]+$/;

/** The path of a file that was set aside in a directory; `undefined` where the name is of another kind. */
export function asidePath(directory: string, name: string): string | undefined {
  return ASIDE.test(name) ? join(directory, name) : undefined;
}

/** Marks a file of which everything was taken over, so that it is not taken twice. */
export function markSalvaged(path: string): void {
  for (const suffix of COMPANIONS) renameIfExists(path + suffix, `${path}.salvaged${suffix}`);
  renameIfExists(path, `${path}.salvaged`);
}

/**
 * Opens the file for this process alone; makes it, and its directory, where they do not exist.
 *
 * @param lockWaitMs how long to wait for another process to let go of the file, in milliseconds
 * @param mayCreate whether a file may be made where there is none. @default true
 * @throws {CannotOpenError} when the directory or the file cannot be opened or made
 * @throws {DamagedFileError}
 * @throws {NewerSchemaError}
 * @throws {Error} of `node:sqlite`, with an `errcode`
 */
export function openFile(directory: string, lockWaitMs: number, mayCreate = true): DatabaseSync {
  const path = journalPath(directory);
  let database: DatabaseSync;
  try {
    if (!(mayCreate && create(directory, path)) && Deno.statSync(path).size === 0) {
      throw new DamagedFileError("The file is empty");
    }
    database = new DatabaseSync(path, { timeout: lockWaitMs });
  } catch (cause) {
    if (cause instanceof DamagedFileError) throw cause;
    throw new CannotOpenError(`Cannot open ${path}: ${(cause as Error).message}`, { cause });
  }
  try {
    configure(database);
    migrate(database);
    check(database);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Makes the directory, for nobody else to read, where it does not exist. */
export function createDirectory(directory: string): void {
  Deno.mkdirSync(directory, { recursive: true, mode: 0o700 });
}

/**
 * Makes the file if there is none, and returns whether it did. It holds whole requests with their
 * credentials: nobody else may read it.
 */
function create(directory: string, path: string): boolean {
  createDirectory(directory);
  try {
    Deno.openSync(path, { write: true, createNew: true, mode: 0o600 }).close();
    return true;
  } catch (error) {
    // An existing file is not opened here: closing it would give up this process' locks on it.
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    return false;
  }
}

/**
 * `locking_mode` comes first: then the log's index is kept in memory, and the first statement that reads takes
 * the lock that keeps every other process out until this one ends, however it ends. A file of a newer version
 * is found out before anything is written.
 */
function configure(database: DatabaseSync): void {
  const set = (pragma: string) => database.prepare(`PRAGMA ${pragma}`).all();
  set("locking_mode = EXCLUSIVE");
  // So that free pages can be given back. It can be chosen before there are tables only.
  if (readVersion(database) === 0) set("auto_vacuum = INCREMENTAL");
  set("journal_mode = WAL");
  set("synchronous = FULL");
  set(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
  // After a commit of large events the log shrinks again.
  set(`journal_size_limit = ${LOG_BYTES}`);
  set("temp_store = MEMORY");
}

/**
 * Checks the integrity of the file. Of a large file only the tables are looked at that say
 * what is to be done: with 1,000,000 pending events that takes 0.1 s, or 0.5 s from a cold disk, where all of
 * the file would take 10 s. Damage to the events themselves is found when they are read.
 */
function check(database: DatabaseSync): void {
  const size = readPragma(database, "page_count") * readPragma(database, "page_size");
  const checks = size <= WHOLE_CHECK_BYTES ? [""] : SMALL_TABLES.map((table) => `(${table})`);
  for (const which of checks) {
    const rows = database.prepare(`PRAGMA quick_check${which}`).all();
    const problem = String(rows[0]?.["quick_check"]);
    if (problem !== "ok") throw new DamagedFileError(problem);
  }
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
 * Puts the file in the journal's place, with what stands beside it, out of the way.
 *
 * @param mark what it is, as a part of its new name
 * @returns its new path; `undefined` when there was no such file
 * @throws {CannotOpenError} when it cannot be renamed
 */
export function setAside(directory: string, mark: "damaged" | "found"): string | undefined {
  const path = journalPath(directory);
  const target = `${path}.${mark}-${new Date().toISOString().replaceAll(":", "-")}`;
  try {
    // The log first: without its database it is of no use, and must not be mistaken for the new one's.
    for (const suffix of COMPANIONS) renameIfExists(path + suffix, target + suffix);
    return renameIfExists(path, target) ? target : undefined;
  } catch (cause) {
    throw new CannotOpenError(`Cannot set ${path} aside: ${(cause as Error).message}`, { cause });
  }
}

function renameIfExists(from: string, to: string): boolean {
  try {
    Deno.renameSync(from, to);
    return true;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return false;
  }
}

/** Whether there is anything at a path. */
export function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Removes a file, if there is one. */
export function removeIfExists(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
