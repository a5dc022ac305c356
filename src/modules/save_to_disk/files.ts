/**
 * How `save_to_disk` makes directories and files that survive a crash of the machine.
 *
 * @module
 */

import { basename, dirname, join } from "@std/path";
import { DeliveryError } from "../../errors.ts";
import { flushDirectory, writeAll, writeFlushed } from "../../io/durable_file.ts";

/** How the names of unfinished files begin. After a crash they can be removed. */
const TEMPORARY_PREFIX = ".tmp-";

const NEW_FILE = { createNew: true, mode: 0o600 };
const DIRECTORY_MODE = 0o700;

const SEPARATOR = Deno.build.os === "windows" ? "\\" : "/";

/** Whether a path is the parent's own or below it. Both are absolute and normalized. */
export function isInside(parent: string, child: string): boolean {
  return child === parent || child.startsWith(parent.endsWith(SEPARATOR) ? parent : parent + SEPARATOR);
}

/**
 * Makes a directory and those above it where they are missing, and returns its real path.
 *
 * @param check is called with the real path before anything is made; what it throws ends the matter
 */
export async function makeDirectory(path: string, check: (real: string) => void): Promise<string> {
  const missing: string[] = [];
  let existing = path;
  let real = await Deno.realPath(existing).catch(ignoreNotFound);
  while (real === undefined) {
    missing.unshift(basename(existing));
    existing = dirname(existing);
    real = await Deno.realPath(existing).catch(ignoreNotFound);
  }
  const directory = join(real, ...missing);
  check(directory);
  if (missing.length === 0) return directory;
  await Deno.mkdir(directory, { recursive: true, mode: DIRECTORY_MODE });
  for (let parent = directory; parent !== real;) await flushDirectory(parent = dirname(parent));
  return directory;
}

/** A file that is to be made. */
export interface NewFile {
  readonly directory: string;
  readonly name: string;
  readonly content: Uint8Array;
  /** Whether a file that has this name already is the same one, from an attempt whose end nobody learnt of. */
  readonly isSameIfExists: boolean;
}

/**
 * Writes a file under a temporary name, flushes it and renames it: it appears complete or not at all. A
 * file that has the name already is never replaced.
 *
 * @throws the signal's reason when it aborts before the rename; the file is then not there
 * @throws {DeliveryError} when another file has the name
 */
export async function createFile(file: NewFile, signal: AbortSignal): Promise<void> {
  const temporary = join(file.directory, TEMPORARY_PREFIX + crypto.randomUUID());
  try {
    await writeFlushed(temporary, NEW_FILE, (opened) => writeAll(opened, file.content));
    signal.throwIfAborted();
    await rename(temporary, file);
  } catch (error) {
    // What went wrong first is worth reporting; when this fails too, the name tells what the rest is.
    await Deno.remove(temporary).catch(() => {});
    throw error;
  }
}

/** Between the look and the rename only another attempt at the same event can come in: names are unique to events. */
async function rename(temporary: string, { directory, name, isSameIfExists }: NewFile): Promise<void> {
  const path = join(directory, name);
  const existing = await Deno.lstat(path).catch(ignoreNotFound);
  if (existing === undefined) return await Deno.rename(temporary, path);
  if (isSameIfExists && existing.isFile) return await Deno.remove(temporary);
  throw new DeliveryError("output_failed", `File ${path} exists already and is not replaced`);
}

function ignoreNotFound(error: unknown): undefined {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}

/** What an error of the operating system means for the event that was to be saved in a directory. */
export function judgeDiskError(error: unknown, directory: string): DeliveryError {
  const { code: systemCode, name } = error as { readonly code?: unknown; readonly name?: unknown };
  const code = String(systemCode ?? name);
  const options = { cause: error };
  switch (code) {
    case "ENOSPC":
    case "EDQUOT":
      return new DeliveryError(
        "output_unavailable",
        `Directory ${directory} is on a full disk: ${code}`,
        options,
      );
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return new DeliveryError(
        "output_unavailable",
        `Directory ${directory} cannot be written to: ${code}`,
        options,
      );
    case "EEXIST":
    case "EISDIR":
    case "ELOOP":
    case "ENAMETOOLONG":
    case "ENOTDIR":
      return new DeliveryError(
        "output_rejected",
        `Path ${directory} cannot be a directory: ${code}`,
        options,
      );
    default:
      return new DeliveryError(
        "output_failed",
        `Directory ${directory} did not take the event: ${code}`,
        options,
      );
  }
}
