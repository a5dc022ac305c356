/**
 * The last versions of a file, in a directory beside it: what the file held before each of the last writes.
 *
 * @module
 */

import { basename, dirname, join } from "@std/path";
import { putInPlace, removeIfThere, writeAll, writeFlushed } from "../../io/durable_file.ts";
import { pause } from "../../time/abortable.ts";
import { MigrationError } from "../configuration.ts";

/** How many versions are kept. */
export const KEPT_VERSIONS = 10;

/** How long another command may write before this one gives up, in milliseconds. */
const LOCK_TIMEOUT_MS = 10_000;

const LOCK_PAUSE_MS = 20;

/** Configuration holds secrets: they are for their owner alone. */
const MODES = { directory: 0o700, file: 0o600 } as const;

const VERSION = /^(\d{6,15})\.json$/;

/** One version. */
export interface FileVersion {
  /** Grows with each. */
  readonly number: number;
  readonly path: string;
}

/** The versions of one file. */
export class FileVersions {
  readonly #directory: string;

  /** @param path of the file itself, no link to it */
  constructor(path: string) {
    this.#directory = join(dirname(path), `.${basename(path)}.history`);
  }

  /** From the oldest to the newest. */
  async list(): Promise<readonly FileVersion[]> {
    const versions: FileVersion[] = [];
    try {
      for await (const { name } of Deno.readDir(this.#directory)) {
        const number = VERSION.exec(name)?.[1];
        if (number !== undefined) {
          versions.push({ number: Number(number), path: join(this.#directory, name) });
        }
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    return versions.sort((a, b) => a.number - b.number);
  }

  /**
   * Keeps other commands from writing until the disposal. A process that ends lets go by itself.
   *
   * @throws {MigrationError} `conflict` when another one goes on writing
   */
  async lock(): Promise<Disposable> {
    await Deno.mkdir(this.#directory, { recursive: true, mode: MODES.directory });
    const file = await Deno.open(join(this.#directory, "lock"), {
      write: true,
      create: true,
      mode: MODES.file,
    });
    const deadline = performance.now() + LOCK_TIMEOUT_MS;
    try {
      while (!await file.tryLock(true)) {
        if (performance.now() >= deadline) {
          throw new MigrationError(
            "conflict",
            `Another command has been writing for ${LOCK_TIMEOUT_MS / 1000} seconds: try again after it`,
          );
        }
        await pause(LOCK_PAUSE_MS, new AbortController().signal);
      }
    } catch (error) {
      file.close();
      throw error;
    }
    return file;
  }

  /** Keeps what the file holds, unless that is the newest version already, and drops the oldest ones. Under the lock. */
  async keep(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const versions = await this.list();
    const newest = versions.at(-1);
    if (newest !== undefined && isEqual(await Deno.readFile(newest.path), bytes)) return;
    const number = String((newest?.number ?? 0) + 1).padStart(6, "0");
    const temporary = join(this.#directory, "next");
    // What a command has left that was killed.
    await removeIfThere(temporary);
    await writeFlushed(temporary, { createNew: true, mode: MODES.file }, (file) => writeAll(file, bytes));
    await putInPlace(temporary, join(this.#directory, `${number}.json`));
    for (const { path } of versions.slice(0, Math.max(0, versions.length + 1 - KEPT_VERSIONS))) {
      await removeIfThere(path);
    }
  }
}

function isEqual(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, index) => byte === right[index]);
}
