/**
 * Keeps the journal's file as it is while another process copies it: what is written meanwhile stays in the
 * write-ahead log. This process cannot copy it, since closing the file would give up its locks.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { CHECKPOINT_PAGES } from "./file.ts";

/** A copy that takes longer is given up, in milliseconds. */
const MAX_MS = 30 * 60_000;

/** The log grows while the file is held; beyond this the copy is given up, in bytes. */
const MAX_LOG_BYTES = 1024 * 1024 * 1024;

/** One copy at a time. */
export class FileHold {
  #heldSince: number | undefined;
  #number = 0;

  /**
   * Writes everything into the file, and keeps it so. A hold that goes on already ends: whoever asked for it may
   * have been killed.
   *
   * @returns the number of the hold
   * @throws {Error} of `node:sqlite` when it cannot be written
   */
  begin(database: DatabaseSync): number {
    database.prepare("PRAGMA wal_checkpoint(TRUNCATE)").all();
    database.prepare("PRAGMA wal_autocheckpoint = 0").all();
    this.#heldSince = performance.now();
    return ++this.#number;
  }

  /**
   * Whether the file has been held from the beginning until now. The hold ends.
   *
   * @param number of the hold. @default whichever goes on
   */
  end(database: DatabaseSync | undefined, number: number = this.#number): boolean {
    if (this.#heldSince === undefined || number !== this.#number) return false;
    this.#heldSince = undefined;
    database?.prepare(`PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`).all();
    return database !== undefined;
  }

  /** Gives a hold up that takes too long, in time or space. */
  check(database: DatabaseSync, logBytes: number): void {
    if (this.#heldSince === undefined) return;
    if (performance.now() - this.#heldSince > MAX_MS || logBytes > MAX_LOG_BYTES) this.end(database);
  }
}
