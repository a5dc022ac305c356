/**
 * The directories that the way to a file leads through, symbolic links included.
 *
 * @module
 */

import { basename, dirname, relative, resolve } from "@std/path";

/** As many symbolic links as Linux follows before it calls them a loop. */
const MAX_LINKS = 40;

/** The names that the way to a path passes through, by the directory that each is looked up in. */
export type PathLookups = Map<string, Set<string>>;

/**
 * Finds the directory entries that decide what a path leads to: the last name itself, every symbolic link
 * on the way, and the first name that does not exist yet. The content behind the path can only change when
 * one of them does, or when a real directory is moved. For a mounted ConfigMap:
 *
 *     /etc/cwm/webhooks.json            -> ..data/webhooks.json
 *     /etc/cwm/..data                   -> ..2026_01_01
 *     /etc/cwm/..2026_01_01/webhooks.json
 *
 * @param lookups where the names are added
 */
export async function addPathLookups(lookups: PathLookups, path: string, links = 0): Promise<void> {
  const absolute = resolve(path);
  for (const step of stepsTo(absolute)) {
    const found = await look(step);
    if (found?.linkTarget !== undefined) {
      addLookup(lookups, step);
      if (links === MAX_LINKS) return;
      const target = resolve(dirname(step), found.linkTarget, relative(step, absolute));
      return await addPathLookups(lookups, target, links + 1);
    }
    if (found === undefined || step === absolute) return addLookup(lookups, step);
  }
}

function addLookup(lookups: PathLookups, path: string): void {
  const directory = dirname(path);
  const names = lookups.get(directory);
  if (names === undefined) lookups.set(directory, new Set([basename(path)]));
  else names.add(basename(path));
}

/** `/a`, `/a/b` and `/a/b/c` for `/a/b/c`. */
function stepsTo(path: string): string[] {
  const steps: string[] = [];
  for (let step = path; dirname(step) !== step; step = dirname(step)) steps.unshift(step);
  return steps;
}

/** What stands at a path; `undefined` where nothing can be seen, so that the way ends there for now. */
async function look(path: string): Promise<{ readonly linkTarget?: string } | undefined> {
  try {
    const { isSymlink } = await Deno.lstat(path);
    return isSymlink ? { linkTarget: await Deno.readLink(path) } : {};
  } catch {
    return undefined;
  }
}
