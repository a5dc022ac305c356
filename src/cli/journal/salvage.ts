/**
 * The command `journal salvage`: takes events over from a journal's file.
 *
 * @module
 */

import { basename, dirname } from "@std/path";
import type { Salvaged } from "../../journal/journal_store.ts";
import { GatewayError, StartupError } from "../../errors.ts";
import { journalDirectory } from "../../settings/secrets.ts";
import type { Settings } from "../../settings/settings.ts";
import { AdminClient } from "../admin_client.ts";
import { openJournalOrClient } from "./access.ts";

/**
 * Takes over what can be read of a journal's file. Returns what to say about it.
 *
 * @throws {StartupError} when the file or the journal cannot be used
 */
export async function salvage(file: string, settings: Settings): Promise<string> {
  const path = await realPath(file);
  const journal = await openJournalOrClient(settings);
  if (journal instanceof AdminClient) return describe(await askGateway(journal, path, settings));
  await using opened = journal;
  const { file: target } = opened;
  if (target === undefined) {
    throw new StartupError("journal_unavailable", [
      "JOURNAL is set, and takes no files over: run cwm journal salvage without it, and then cwm journal copy",
    ]);
  }
  try {
    return describe(await target.salvage(path));
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    const problem = `The journal in ${settings.dataDir} cannot take the events over: ${error.message}`;
    throw new StartupError("journal_unavailable", [problem], { cause: error });
  }
}

async function askGateway(gateway: AdminClient, path: string, settings: Settings): Promise<Salvaged> {
  const directory = await realPath(journalDirectory(settings.dataDir));
  if (dirname(path) !== directory) {
    throw new StartupError("journal_unavailable", [
      `A gateway uses the journal and salvages only files in ${directory}: stop it to salvage ${path}`,
    ]);
  }
  const query = new URLSearchParams({ file: basename(path) });
  const answer = await gateway.ask("POST", `/admin/journal/salvage?${query}`) as {
    readonly pending: number;
    readonly dead_letters: number;
    readonly messages: number;
    readonly is_damaged: boolean;
  };
  return { ...answer, deadLetters: answer.dead_letters, isDamaged: answer.is_damaged };
}

function describe({ pending, deadLetters, messages, isDamaged }: Salvaged): string {
  const taken =
    `Taken over: ${pending} pending events, ${deadLetters} dead letters, ${messages} events of channels`;
  return isDamaged ? `${taken}. Parts of the file cannot be read` : taken;
}

async function realPath(path: string): Promise<string> {
  try {
    return await Deno.realPath(path);
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause;
    throw new StartupError("journal_unavailable", [`${path} cannot be read: ${cause.message}`], { cause });
  }
}
