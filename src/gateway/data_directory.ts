/**
 * The journal of a data directory, as the settings say.
 *
 * @module
 */

import { logger } from "../observability/logging.ts";
import { journalDirectory } from "../settings/secrets.ts";
import type { Settings } from "../settings/settings.ts";
import {
  mayHoldSqliteJournal,
  openSqliteJournal,
  type SqliteJournal,
  type SqliteJournalOptions,
} from "../journal/sqlite/sqlite_journal.ts";

/**
 * The journal in the data directory. Where there is none yet, nothing is made before its first use.
 *
 * @param options how long to wait for another process that uses it, or whether to wait until it ends
 * @throws {StartupError} when another process uses it and is not waited for, or a newer version has written it
 */
export async function openJournal(
  settings: Settings,
  options: Pick<SqliteJournalOptions, "lockWaitMs" | "waitsForOwner"> = {},
): Promise<SqliteJournal> {
  return await openSqliteJournal({
    directory: journalDirectory(settings.dataDir),
    ...settings.journal,
    ...options,
    logger: logger("journal"),
  });
}

/** Whether there is a journal, or nobody can say that there is none since its directory cannot be entered. */
export function mayHoldJournal(settings: Settings): Promise<boolean> {
  return mayHoldSqliteJournal(journalDirectory(settings.dataDir));
}
