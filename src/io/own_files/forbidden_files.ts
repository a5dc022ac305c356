/**
 * Files that no reference may read, whatever the settings say: those of the system that show the environment
 * and memory of processes, and those of the gateway itself.
 *
 * @module
 */

import { stat } from "node:fs/promises";

const SYSTEM_DIRECTORIES = ["/proc", "/sys"];

/** How long what was found out serves further reads, in milliseconds: those of one refresh. */
const REUSED_MS = 100;

/** Which file it is, whatever its names are. */
export interface Identity {
  readonly dev: bigint;
  readonly ino: bigint;
}

/** What was forbidden when it was looked at. */
interface Forbidden {
  readonly paths: readonly string[];
  readonly files: ReadonlySet<string>;
  readonly devices: ReadonlySet<bigint>;
}

/** Knows the forbidden files. */
export class ForbiddenFiles {
  readonly #ownFiles: readonly string[];
  #looked: Promise<Forbidden> | undefined;
  #lookedAt = -Infinity;

  /** @param ownFiles files and directories of the gateway itself; they need not exist */
  constructor(ownFiles: readonly string[]) {
    this.#ownFiles = ownFiles;
  }

  /** Whether this is the real path of a forbidden file, or lies in a forbidden directory. */
  hasPath(path: string): Promise<boolean> {
    return this.#check(({ paths }) =>
      paths.some((forbidden) => path === forbidden || isBelow(path, forbidden))
    );
  }

  /** Whether it is one of them under another name: a hard link, or a system directory mounted elsewhere. */
  hasFile(identity: Identity): Promise<boolean> {
    return this.#check(({ files, devices }) => files.has(textOf(identity)) || devices.has(identity.dev));
  }

  /** What is forbidden may have been replaced since it was looked at, and its inode be another file's now. */
  async #check(isForbidden: (forbidden: Forbidden) => boolean): Promise<boolean> {
    const isRecent = performance.now() - this.#lookedAt < REUSED_MS;
    const known = isRecent && this.#looked !== undefined ? this.#looked : this.#lookAgain();
    return isForbidden(await known) && isForbidden(await this.#lookAgain());
  }

  #lookAgain(): Promise<Forbidden> {
    this.#lookedAt = performance.now();
    return this.#looked = this.#look();
  }

  async #look(): Promise<Forbidden> {
    const ownPaths = await Promise.all(this.#ownFiles.map(realPathOf));
    const paths = [...SYSTEM_DIRECTORIES, ...ownPaths.filter((path) => path !== undefined)];
    const own = await Promise.all(this.#ownFiles.map(identityOf));
    const files = new Set(own.flatMap((identity) => identity === undefined ? [] : [textOf(identity)]));
    const system = await Promise.all(SYSTEM_DIRECTORIES.map(identityOf));
    const devices = new Set(system.flatMap((identity) => identity?.dev ?? []));
    return { paths, files, devices };
  }
}

/** Whether a path lies in a directory, by their names alone. */
export function isBelow(path: string, directory: string): boolean {
  return path.startsWith(directory.endsWith("/") ? directory : `${directory}/`);
}

function textOf({ dev, ino }: Identity): string {
  return `${dev} ${ino}`;
}

/** Where a path leads; `undefined` where that cannot be seen, so that no reference gets there either. */
export async function realPathOf(path: string): Promise<string | undefined> {
  try {
    return await Deno.realPath(path);
  } catch {
    return undefined;
  }
}

async function identityOf(path: string): Promise<Identity | undefined> {
  try {
    return await stat(path, { bigint: true });
  } catch {
    return undefined; // As above.
  }
}
