/**
 * The command `journal backup`: a copy of the journal while a gateway may use it.
 *
 * @module
 */

import { basename, dirname, join } from "@std/path";
import { mayHoldFile } from "../../gateway/backends.ts";
import { checkCopy } from "../../journal/sqlite/copy_check.ts";
import { journalPath } from "../../journal/sqlite/worker/file.ts";
import { StartupError } from "../../errors.ts";
import { journalDirectory } from "../../settings/secrets.ts";
import type { PostgresSettings, PostgresTls } from "../../settings/journal/postgres_url.ts";
import type { Settings } from "../../settings/settings.ts";
import { AdminClient } from "../admin_client.ts";
import { openFileOrClient } from "./access.ts";
import { putInPlace, removeIfThere, writeAll, writeFlushed } from "../../io/durable_file.ts";

/** How much is copied at a time, in bytes. */
const PIECE_BYTES = 1024 * 1024;

/**
 * Copies the journal of one moment into a file; of one in PostgreSQL, its own program does that. Returns what to say
 * about it.
 *
 * @throws {StartupError} when it cannot be copied; then there is no such file
 */
export async function backUp(file: string, settings: Settings): Promise<string> {
  const { postgres } = settings.journal;
  if (postgres !== undefined) return describeDump(file, postgres);
  const { pending, deadLetters } = await backUpFile(file, settings);
  return `${pending} pending events and ${deadLetters} dead letters are in ${file}`;
}

/**
 * Copies the journal of the data directory, as it is at one moment, into a file. Returns what is in it.
 *
 * @throws {StartupError} when it cannot be copied; then there is no such file
 */
export async function backUpFile(file: string, settings: Settings): Promise<ReturnType<typeof checkCopy>> {
  if (!await mayHoldFile(settings)) {
    throw failure(`There is no journal in ${settings.dataDir}, so there is nothing to copy`);
  }
  await assertNew(file);
  // Where nobody takes it for a copy before it is one.
  const partial = join(dirname(file), `.${basename(file)}.${crypto.randomUUID()}`);
  try {
    await copyOneMoment(settings, partial);
    const found = checkCopy(partial);
    await assertNew(file);
    await putInPlace(partial, file);
    return found;
  } catch (error) {
    await removeIfThere(partial);
    if (error instanceof StartupError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw failure(`The journal cannot be copied to ${file}: ${reason}`, error);
  }
}

/** How PostgreSQL's program copies the journal. Without the password: it asks for it, or reads `PGPASSFILE`. */
function describeDump(file: string, { hosts, database, user, tls }: PostgresSettings): string {
  const parts: Record<string, string> = {
    host: hosts.map(({ host }) => host).join(","),
    port: hosts.map(({ port }) => port).join(","),
    user,
    dbname: database,
    ...(tls === undefined ? {} : tlsParameters(tls)),
    ...(hosts.length > 1 ? { target_session_attrs: "read-write" } : {}),
  };
  const connection = Object.entries(parts).map(([name, value]) => `${name}=${conninfoValue(value)}`).join(
    " ",
  );
  return [
    "The journal is in PostgreSQL, whose own program copies it while gateways use it:",
    `pg_dump --format=custom --schema=cwm --file=${shellWord(file)} ${shellWord(connection)}`,
    "Into an empty database, while no gateway runs:",
    `pg_restore --exit-on-error --dbname=${shellWord(connection)} ${shellWord(file)}`,
  ].join("\n");
}

function tlsParameters({ verifies, caFile, certFile, keyFile }: PostgresTls): Record<string, string> {
  const modes = { nothing: "require", authority: "verify-ca", name: "verify-full" } as const;
  return {
    sslmode: modes[verifies],
    ...(verifies === "nothing" ? {} : { sslrootcert: caFile ?? "system" }),
    ...(certFile === undefined ? {} : { sslcert: certFile }),
    ...(keyFile === undefined ? {} : { sslkey: keyFile }),
  };
}

/** @see https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-KEYWORD-VALUE */
function conninfoValue(value: string): string {
  return /^[\w.,:/-]+$/.test(value) ? value : `'${value.replace(/[\\']/g, "\\$&")}'`;
}

/** A word as a POSIX shell takes it. */
function shellWord(text: string): string {
  return /^[\w.,:/=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

async function copyOneMoment(settings: Settings, to: string): Promise<void> {
  const from = journalPath(journalDirectory(settings.dataDir));
  const source = await openFileOrClient(settings);
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
