/**
 * Writes several files of a directory so that they survive a crash of the machine.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { join } from "@std/path";
import {
  flushDirectory,
  flushDirectorySync,
  writeFlushedSync,
  writeThenFlush,
} from "../../../io/durable_file.ts";
import type { FileOutcome } from "./protocol.ts";

/** How the names of unfinished files begin. After a crash they can be removed. */
const TEMPORARY_PREFIX = ".tmp-";

const NEW_FILE = { createNew: true, mode: 0o600 };

/** How many files are flushed at once where that takes time: disks take several in the time of one. */
const AT_ONCE = 32;

/** One after the other is slower where a file takes longer than this, in milliseconds. */
const SLOW_MS = 0.12;

/** What all files of a call may take beyond that, in milliseconds: the thread may have been interrupted. */
const SLACK_MS = 2;

/** Where several at once take less than this for each, one after the other is faster, in milliseconds. */
const QUICK_MS = 0.06;

/** A file that is to be made. */
export interface NewFile {
  readonly name: string;
  readonly content: Uint8Array;
  /** Whether a file that has this name already is the same one. */
  readonly isSameIfExists: boolean;
}

/** Where the files of one call go. */
interface Target {
  readonly directory: string;
  /** Whether nobody waits for the files any more; asked before each gets its name. */
  readonly isCancelled: () => boolean;
}

/**
 * Writes files under temporary names, flushes them, renames them, and then flushes the directory once for all: each
 * appears complete or not at all. A file that has the name already is never replaced.
 */
export class FileSetWriter {
  /** Whether the disk was so quick that a flush need not wait in another thread. */
  #isQuick = true;

  /**
   * Never throws: what happens to a file is its outcome.
   *
   * @param directory a real path
   * @param isCancelled is asked before files get their names
   */
  async write(
    directory: string,
    files: readonly NewFile[],
    isCancelled: () => boolean,
  ): Promise<readonly FileOutcome[]> {
    const outcomes = await this.#make(files, { directory, isCancelled });
    if (!outcomes.includes("written")) return outcomes;
    try {
      if (this.#isQuick) flushDirectorySync(directory);
      else await flushDirectory(directory);
      return outcomes;
    } catch (error) {
      const failure = failed(error);
      return outcomes.map((outcome) => outcome === "written" ? failure : outcome);
    }
  }

  async #make(files: readonly NewFile[], target: Target): Promise<readonly FileOutcome[]> {
    const outcomes = this.#isQuick ? this.#makeInTurn(files, target) : [];
    const rest = files.slice(outcomes.length);
    if (rest.length === 0) return outcomes;
    const begunAt = performance.now();
    for (let start = 0; start < rest.length; start += AT_ONCE) {
      const group = rest.slice(start, start + AT_ONCE);
      outcomes.push(...await Promise.all(group.map((file) => makeLater(file, target))));
    }
    this.#isQuick = performance.now() - begunAt < rest.length * QUICK_MS;
    return outcomes;
  }

  /** As many as a quick disk takes before it proves to be slow. */
  #makeInTurn(files: readonly NewFile[], target: Target): FileOutcome[] {
    const outcomes: FileOutcome[] = [];
    const begunAt = performance.now();
    for (const file of files) {
      outcomes.push(makeNow(file, target));
      const tookMs = performance.now() - begunAt;
      if (tookMs > SLACK_MS + outcomes.length * SLOW_MS) break;
    }
    this.#isQuick = outcomes.length === files.length;
    return outcomes;
  }
}

function makeNow(file: NewFile, target: Target): FileOutcome {
  const temporary = temporaryPath(target.directory);
  try {
    writeFlushedSync(temporary, NEW_FILE, file.content);
    return putInPlace(temporary, file, target);
  } catch (error) {
    removeIfThere(temporary);
    return failed(error);
  }
}

/** Makes a file whose flush waits in another thread: those of one turn are all written before the first of them. */
async function makeLater(file: NewFile, target: Target): Promise<FileOutcome> {
  const temporary = temporaryPath(target.directory);
  try {
    await writeThenFlush(temporary, NEW_FILE, file.content);
    return putInPlace(temporary, file, target);
  } catch (error) {
    removeIfThere(temporary);
    return failed(error);
  }
}

/** Gives a file that is written its name, unless that is taken or nobody wants it any more. */
function putInPlace(
  temporary: string,
  { name, isSameIfExists }: NewFile,
  { directory, isCancelled }: Target,
): FileOutcome {
  const refusal = isCancelled() ? "cancelled" : findNamesake(directory, name, isSameIfExists);
  if (refusal === undefined) Deno.renameSync(temporary, join(directory, name));
  else removeIfThere(temporary);
  return refusal ?? "written";
}

function temporaryPath(directory: string): string {
  return join(directory, TEMPORARY_PREFIX + crypto.randomUUID());
}

/**
 * The outcome of a file whose name is taken already. Between this look and the rename only another attempt at the same
 * event can come in: names are unique to events. A link that leads nowhere is replaced; what it names is not made.
 */
function findNamesake(directory: string, name: string, isSameIfExists: boolean): FileOutcome | undefined {
  const path = join(directory, name);
  // Not by an exception of `Deno.lstat`: to throw one takes longer than all other calls for a file together.
  if (!existsSync(path)) return undefined;
  return isSameIfExists && Deno.lstatSync(path).isFile ? "written" : "exists";
}

/** When this fails too, the name says what the rest is; what went wrong first is worth reporting. */
function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // As above.
  }
}

function failed(error: unknown): FileOutcome {
  const { code, name, message } = error as {
    readonly code?: unknown;
    readonly name?: unknown;
    readonly message?: unknown;
  };
  return { type: "failed", code: String(code ?? name), message: String(message) };
}
