/**
 * How `deno task test` deals out the test files to processes. The files of a group run as one module: what they import
 * is loaded and compiled once, and what they share (a server that one process starts once) is started once.
 *
 * @module
 */

import { join, toFileUrl } from "@std/path";

/** About how many seconds a file takes on two cores, by the folder that it stands in; elsewhere 1. */
const SECONDS = [["tests/scenario/", 8], ["tests/integration/", 4]] as const;

/** A group has as much work as each lane gets if what is left is dealt out so many times. */
const ROUNDS = 3;

/** A group takes about so many seconds, though less may be left: its process has to be worth its start. */
const LEAST_SECONDS = 15;

/**
 * Groups for as many lanes as take the next one whenever they are free. The files that take longest come first, and
 * groups become smaller, so that lanes end at about the same time.
 */
export function groupFiles<File extends { readonly path: string }>(
  files: readonly File[],
  lanes: number,
): File[][] {
  const waiting = files.toSorted((one, other) => secondsOf(other) - secondsOf(one));
  let left = waiting.reduce((sum, file) => sum + secondsOf(file), 0);
  const groups: File[][] = [];
  while (waiting.length > 0) {
    const share = Math.max(LEAST_SECONDS, left / (lanes * ROUNDS));
    const group: File[] = [];
    for (let seconds = 0; waiting.length > 0 && seconds < share;) {
      const file = waiting.shift()!;
      group.push(file);
      seconds += secondsOf(file);
      left -= secondsOf(file);
    }
    groups.push(group);
  }
  return groups;
}

function secondsOf({ path }: { readonly path: string }): number {
  return SECONDS.find(([folder]) => path.startsWith(folder))?.[1] ?? 1;
}

/**
 * The text of a module that runs the tests of all files.
 *
 * @param repository the folder that the paths of the files start from
 */
export function moduleOfAll(files: readonly { readonly path: string }[], repository: string): string {
  const imports = files.map(({ path }) =>
    `import ${JSON.stringify(toFileUrl(join(repository, path)).href)};\n`
  );
  return imports.join("");
}
