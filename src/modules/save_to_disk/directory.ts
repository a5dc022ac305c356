/**
 * How `save_to_disk` makes directories that survive a crash of the machine.
 *
 * @module
 */

import { basename, dirname, join } from "@std/path";
import { flushDirectory } from "../../io/durable_file.ts";

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

function ignoreNotFound(error: unknown): undefined {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
