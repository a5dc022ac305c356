/**
 * Brings an open journal whose file is gone back to its place: everything that it holds is copied out of the
 * file that is still open.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import { dirname } from "@std/path";
import { createDirectory, exists, journalPath, openFile, removeIfExists, setAside } from "./file.ts";
import { problemOf } from "./errors.ts";

/**
 * Writes a copy of an open database to where a directory's journal belongs. What stands there meanwhile is set
 * aside, unless another process uses it. The open database is left as it is.
 *
 * @param lockWaitMs how long to wait for another process to let go of a file that stands there, in milliseconds
 * @returns the path of the file that was set aside, if there was one
 * @throws {Error} when the directory cannot be made, has no room, or is used by another process
 */
export function relocate(
  database: DatabaseSync,
  directory: string,
  lockWaitMs: number,
): string | undefined {
  const path = journalPath(directory);
  const copy = `${path}.new`;
  createDirectory(directory);
  removeIfExists(copy);
  try {
    // Nobody else may read it at any time.
    Deno.openSync(copy, { write: true, createNew: true, mode: 0o600 }).close();
    database.prepare("VACUUM INTO ?").run(copy);
    synchronize(copy);
    const aside = clear(directory, lockWaitMs);
    Deno.renameSync(copy, path);
    synchronize(dirname(path));
    return aside;
  } catch (error) {
    removeIfExists(copy);
    throw error;
  }
}

/** Sets aside what stands in the journal's place. */
function clear(directory: string, lockWaitMs: number): string | undefined {
  if (exists(journalPath(directory))) {
    try {
      openFile(directory, lockWaitMs).close();
    } catch (error) {
      if (problemOf(error) === "busy") throw error;
      // Whatever it is, nobody uses it.
    }
  }
  return setAside(directory, "found");
}

function synchronize(path: string): void {
  using file = Deno.openSync(path, { read: true });
  file.syncSync();
}
