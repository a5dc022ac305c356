/**
 * The two ways of commands to what a data directory holds: its journal, or the gateway that uses it.
 *
 * @module
 */

import { openFileJournal, openSharedContents } from "../../gateway/backends.ts";
import type { JournalContents, JournalStore } from "../../journal/journal_store.ts";
import { StartupError } from "../../errors.ts";
import type { Settings } from "../../settings/settings.ts";
import { AdminClient } from "../admin_client.ts";

/** Long enough for another command to end; a gateway keeps the journal for as long as it runs. */
const LOCK_WAIT_MS = 100;

/** How long the gateway may take for a large file, in milliseconds. */
const LARGE_FILE_MS = 60 * 60_000;

/** How the gateway is asked. */
export interface ClientOptions {
  /** What it is asked for, as the end of a sentence. @default nothing particular */
  readonly about?: string;
  /** How long it may take, in milliseconds. @default an hour, as for a large file */
  readonly timeoutMs?: number;
}

/**
 * The journal that all instances share; otherwise that of the data directory where nobody uses it, or whoever does.
 *
 * @throws {StartupError} when a gateway uses it and cannot be asked
 */
export async function openJournalOrClient(
  settings: Settings,
  options: ClientOptions = {},
): Promise<(JournalContents & AsyncDisposable) | AdminClient> {
  return await openSharedContents(settings) ?? await openFileOrClient(settings, options);
}

/**
 * The journal of the data directory where nobody uses it, or whoever does.
 *
 * @throws {StartupError} when a gateway uses it and cannot be asked
 */
export async function openFileOrClient(
  settings: Settings,
  { about, timeoutMs = LARGE_FILE_MS }: ClientOptions = {},
): Promise<JournalStore | AdminClient> {
  try {
    return await openFileJournal(settings, { lockWaitMs: LOCK_WAIT_MS });
  } catch (error) {
    if (!(error instanceof StartupError) || error.code !== "data_directory_in_use") throw error;
    if (settings.adminToken !== undefined) return new AdminClient(settings, settings.adminToken, timeoutMs);
    const question = about === undefined ? "to ask it" : `to ask it for ${about}`;
    throw new StartupError("data_directory_in_use", [
      `A gateway uses the data directory ${settings.dataDir}: set ADMIN_TOKEN ${question}`,
    ], { cause: error });
  }
}
