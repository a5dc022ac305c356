/**
 * Whether the journal's files still stand where they were opened. SQLite goes on writing into a file that was
 * removed, or whose disk was unmounted, and what is written there is gone with the process.
 *
 * @module
 */

import { journalPath, LOG_SUFFIX } from "./file.ts";

/** What was opened, by device and inode. */
interface Identity {
  readonly device: number;
  readonly inode: number | null;
}

/** What a look at the files found. `logBytes`: size of the write-ahead log. */
export type Look =
  | { readonly found: "in_place"; readonly logBytes: number }
  /** The database is there, its write-ahead log is not: what stands in it can still be written back. */
  | { readonly found: "log_gone"; readonly reason: string }
  /** Nothing, or another file, stands where the database was. */
  | { readonly found: "gone"; readonly reason: string };

/** The place of an open journal. */
export class Place {
  readonly #path: string;
  readonly #database: Identity;
  readonly #log: Identity;

  /**
   * Remembers the files that stand there now: to be called while they are known to be the open ones.
   *
   * @throws {Deno.errors.NotFound} when one of them is gone already
   */
  constructor(directory: string) {
    this.#path = journalPath(directory);
    this.#database = identify(Deno.statSync(this.#path));
    this.#log = identify(Deno.statSync(this.#path + LOG_SUFFIX));
  }

  /** The inode of the database's file. */
  get inode(): number {
    return this.#database.inode ?? 0;
  }

  /** Two system calls. */
  look(): Look {
    const database = lookAt(this.#path, this.#database);
    if (typeof database === "string") return { found: "gone", reason: database };
    const log = lookAt(this.#path + LOG_SUFFIX, this.#log);
    if (typeof log === "string") return { found: "log_gone", reason: log };
    return { found: "in_place", logBytes: log };
  }
}

/** The size of the file; or why it is not the one that was opened. */
function lookAt(path: string, expected: Identity): number | string {
  try {
    const info = Deno.statSync(path);
    const { device, inode } = identify(info);
    if (device === expected.device && inode === expected.inode) return info.size;
    return `Another file stands at ${path}`;
  } catch (error) {
    // Whoever may not look cannot say that it is gone; a file that is open needs no right to be written.
    if (error instanceof Deno.errors.PermissionDenied) return 0;
    if (error instanceof Deno.errors.NotFound) return `There is no file ${path}`;
    return error instanceof Error ? error.message : String(error);
  }
}

function identify({ dev, ino }: Deno.FileInfo): Identity {
  return { device: dev, inode: ino };
}
