/**
 * Files that survive a crash of the machine, and that nobody ever meets half written.
 *
 * @module
 */

import { dirname } from "@std/path";

/** Writes all of the bytes: one call may take fewer. @throws {Error} of the system */
export async function writeAll(file: Pick<Deno.FsFile, "write">, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.byteLength;) written += await file.write(bytes.subarray(written));
}

/**
 * Writes a file and flushes it to the disk. Its name is durable only after {@linkcode putInPlace} or
 * {@linkcode flushDirectory}.
 *
 * @param options how it is opened; `write` is understood
 * @param write writes the content, and gives the file the owner and mode that it should have
 * @throws {Error} of the system, or whatever `write` throws; part of the file may stand there then
 */
export async function writeFlushed(
  path: string,
  options: Deno.OpenOptions,
  write: (file: Deno.FsFile) => Promise<void>,
): Promise<void> {
  using file = await Deno.open(path, { ...options, write: true });
  await write(file);
  await file.sync();
}

/** The same as {@linkcode writeFlushed} with its content, for a thread that nobody else waits for. */
export function writeFlushedSync(path: string, options: Deno.OpenOptions, content: Uint8Array): void {
  using file = openWritten(path, options, content);
  file.syncSync();
}

/**
 * The same as {@linkcode writeFlushedSync}, and others may go on while it is flushed. It is written before the call
 * returns: of files that are begun in one turn, a file system can flush many in the time of one.
 */
export async function writeThenFlush(
  path: string,
  options: Deno.OpenOptions,
  content: Uint8Array,
): Promise<void> {
  using file = openWritten(path, options, content);
  await file.sync();
}

function openWritten(path: string, options: Deno.OpenOptions, content: Uint8Array): Deno.FsFile {
  const file = Deno.openSync(path, { ...options, write: true });
  try {
    for (let written = 0; written < content.byteLength;) written += file.writeSync(content.subarray(written));
    return file;
  } catch (error) {
    file.close();
    throw error;
  }
}

/**
 * Puts a flushed file of the same directory in the place of another one, or where there was none: whoever opens the
 * path meets the former file or the new one, and after a crash too.
 *
 * @throws {Error} of the system
 */
export async function putInPlace(flushed: string, path: string): Promise<void> {
  await Deno.rename(flushed, path);
  await flushDirectory(dirname(path));
}

/** New names in a directory survive a power cut only after this. @throws {Error} of the system */
export async function flushDirectory(path: string): Promise<void> {
  // Windows opens no directories, and writes their entries through.
  if (Deno.build.os === "windows") return;
  using directory = await Deno.open(path, { read: true });
  await directory.sync();
}

/**
 * The same as {@linkcode flushDirectory}, for a thread that nobody else waits for.
 *
 * @throws {Error} of the system
 */
export function flushDirectorySync(path: string): void {
  if (Deno.build.os === "windows") return;
  using directory = Deno.openSync(path, { read: true });
  directory.syncSync();
}

/** Removes a file, or finds that it is gone already. @throws {Error} of the system */
export async function removeIfThere(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
