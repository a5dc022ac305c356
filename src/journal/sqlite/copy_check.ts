import { DatabaseSync } from "node:sqlite";
import { DamagedFileError } from "./worker/schema.ts";
import { IS_HELD } from "./worker/tables/pack_events.ts";

/**
 * Checks a copy of a journal's file, and says what is in it.
 *
 * @throws {DamagedFileError} when its pages do not fit together
 */
export function checkCopy(path: string): { readonly pending: number; readonly deadLetters: number } {
  using database = new DatabaseSync(path);
  const read = (sql: string) => Object.values(database.prepare(sql).get() ?? {})[0];
  // So that the log's index stays in memory, and no other file is left beside the copy.
  database.prepare("PRAGMA locking_mode = EXCLUSIVE").all();
  const problem = String(read("PRAGMA quick_check"));
  if (problem !== "ok") throw new DamagedFileError(problem);
  return {
    pending: Number(
      read(
        `SELECT (SELECT count(*) FROM pending) + (SELECT coalesce(sum(count), 0) FROM packs WHERE NOT ${IS_HELD})`,
      ),
    ),
    deadLetters: Number(read("SELECT count(*) FROM dead")),
  };
}
