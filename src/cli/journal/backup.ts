/**
 * The command `journal backup`: a copy of the journal while a gateway may use it.
 *
 * @module
 */

import { basename, dirname, join } from "@std/path";
import { mayHoldJournal } from "../../gateway/backends.ts";
import { checkCopy } from "../../journal/sqlite/copy_check.ts";
import { journalPath } from "../../journal/sqlite/worker/file.ts";
import { StartupError } from "../../errors.ts";
import { journalDirectory } from "../../settings/secrets.ts";
import type { Settings } from "../../settings/settings.ts";
import { AdminClient } from "../admin_client.ts";
import { openJournalOrClient } from "./access.ts";
import { putInPlace, removeIfThere, writeAll, writeFlushed } from "../../io/durable_file.ts";

/** How much is copied at a time, in bytes. */
const PIECE_BYTES = 1024 * 1024;

/**
 * Copies the journal of one moment into a file. Returns what to say about it.
 *
 * @throws {StartupError} when it cannot be copied; then there is no such file
 */
export async function backUp(file: string, settings: Settings): Promise<string> {
  if (!await mayHoldJournal(settings)) {
    throw failure(`There is no journal in ${settings.dataDir}, so there is nothing to copy`);
  }
  await assertNew(file);
  // Where nobody takes it for a copy before it is one.
  const partial = join(dirname(file), `.${basename(file)}.${crypto.randomUUID()}`);
  try {
    await copyOneMoment(settings, partial);
    const { pending, deadLetters } = checkCopy(partial);
    await assertNew(file);
    await putInPlace(partial, file);
    return `${pending} pending events and ${deadLetters} dead letters are in ${file}`;
  } catch (error) {
    await removeIfThere(partial);
    if (error instanceof StartupError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw failure(`The journal cannot be copied to ${file}: ${reason}`, error);
  }
}

async function copyOneMoment(settings: Settings, to: string): Promise<void> {
  const from = journalPath(journalDirectory(settings.dataDir));
  const source = await openJournalOrClient(settings);
  if (source instanceof AdminClient) return await copyHeld(source, from, to);
  // Closing it writes everything back to the file.
  await source[Symbol.asyncDispose]();
  const before = await Deno.stat(from);
  await copy(from, to);
  const { mtime, ino } = await Deno.stat(from);
  if (mtime?.getTime() === before.mtime?.getTime() && ino === before.ino) return;
  throw failure("A gateway was started meanwhile and has changed the journal: try again");
}

async function copyHeld(gateway: AdminClient, from: string, to: string): Promise<void> {
  const answer = await gateway.ask("POST", "/admin/journal/hold");
  const { hold, inode } = answer as { readonly hold: number; readonly inode: number };
  try {
    if ((await Deno.stat(from)).ino !== inode) {
      throw failure(`The gateway that answers uses another journal than ${from}: check HOST and PORT`);
    }
    await copy(from, to);
  } finally {
    // Fails where the file was not held all the time: the copy is of no use then.
    await gateway.ask("POST", `/admin/journal/release?hold=${hold}`);
  }
}

/** It holds whole requests with their credentials: nobody else may read it. */
async function copy(from: string, to: string): Promise<void> {
  using source = await Deno.open(from);
  await writeFlushed(to, { createNew: true, mode: 0o600 }, async (target) => {
    const piece = new Uint8Array(PIECE_BYTES);
    for (let read = await source.read(piece); read !== null; read = await source.read(piece)) {
      await writeAll(target, piece.subarray(0, read));
    }
  });
}

async function assertNew(file: string): Promise<void> {
  try {
    await Deno.lstat(file);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  throw failure(`${file} exists already: name a new file`);
}

function failure(problem: string, cause?: unknown): StartupError {
  return new StartupError("journal_unavailable", [problem], { cause });
}
