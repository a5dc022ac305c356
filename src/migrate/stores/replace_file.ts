/**
 * Replaces a file so that a crash leaves either the old or the new one.
 *
 * @module
 */

import { basename, dirname } from "@std/path";
import { readFileContent } from "../../config/values/json_file.ts";
import { putInPlace, removeIfThere, writeAll, writeFlushed } from "../../io/durable_file.ts";

/** Configuration holds secrets: a new file is for its owner alone. */
const NEW_FILE_MODE = 0o600;

/**
 * Writes a file: into one beside it, to disk, and then in the place of the former one, so that whoever
 * reads it meets the old text or the new one. Owner and mode stay; a symbolic link goes on pointing where
 * it does.
 *
 * @param isCurrent is asked right before the end whether the former file is still the expected one
 * @returns whether it was, and the new text stands
 * @throws {Error} when it cannot be written, or the gateway could not read it; the former file stays
 */
export async function replaceFile(
  path: string,
  text: string,
  isCurrent: () => Promise<boolean>,
): Promise<boolean> {
  const former = await statOf(path);
  const target = former === undefined ? path : await Deno.realPath(path);
  const directory = dirname(target);
  const temporary = await Deno.makeTempFile({ dir: directory, prefix: `.${basename(target)}.` });
  try {
    await writeAs(former, temporary, text);
    const content = await readFileContent(temporary);
    if ("problem" in content) throw new Error(content.problem.message);
    if (!await isCurrent()) return false;
    await putInPlace(temporary, target);
  } finally {
    // After a rename there is nothing left to remove.
    await removeIfThere(temporary);
  }
  return true;
}

/** Writes a file, which gets the owner and mode of the former one. */
async function writeAs(former: Deno.FileInfo | undefined, path: string, text: string): Promise<void> {
  await writeFlushed(path, {}, async (file) => {
    await writeAll(file, new TextEncoder().encode(text));
    const { uid, gid } = await file.stat();
    // Whoever migrates as root must not take the file away from the user that the gateway runs as.
    if (former !== undefined && (former.uid !== uid || former.gid !== gid)) {
      await Deno.chown(path, former.uid, former.gid);
    }
    await Deno.chmod(
      path,
      former?.mode === undefined || former.mode === null ? NEW_FILE_MODE : former.mode & 0o777,
    );
  });
}

async function statOf(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
