/**
 * Secrets in files below one directory, as Kubernetes, Docker and systemd mount them. Whatever a reference
 * says, nothing outside of the directory is read, and nothing that is no plain small file.
 *
 * @module
 */

import { assertCount } from "../errors.ts";
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { resolve } from "@std/path";
import { ForbiddenFiles, isBelow, realPathOf } from "../io/own_files/forbidden_files.ts";
import type { SecretAnswer, SecretSource } from "./source.ts";
import { within } from "../time/within.ts";

/** Largest file that is read, in bytes: a key or a token, not a log that was named by mistake. */
const MAX_BYTES = 64 * 1024;

/** How long a file may take, in milliseconds: a mount whose server is gone answers never. */
const TIMEOUT_MS = 2_000;

/** Calls that may hang before no file is read. Each holds one of the few threads that all files share. */
const MAX_HANGING = 2;

/** How often a file may be swapped while it is opened before it counts as gone. */
const OPEN_ATTEMPTS = 3;

/** Notices that files may have changed. */
export interface PathWatcher extends AsyncDisposable {
  /** Watches the way to these paths, and no others any more. */
  follow(paths: readonly string[]): Promise<void>;
}

/** Where the files are. */
export interface FileSecretsOptions {
  readonly directory: string;
  /** Files and directories of the gateway itself, which no reference may read. */
  readonly ownFiles: readonly string[];
  /** Left out: changes are noticed when a file is read again. */
  readonly watcher?: PathWatcher;
  /** How long a file may take, in milliseconds. @default 2000 */
  readonly timeoutMs?: number;
}

/** The files below a directory. Each has one field, whose name is empty. */
export class FileSecrets implements SecretSource {
  readonly #options: FileSecretsOptions;
  readonly #forbidden: ForbiddenFiles;
  readonly #timeoutMs: number;
  #hanging = 0;
  #isFollowing = false;

  constructor(options: FileSecretsOptions) {
    this.#options = { ...options, directory: resolve(options.directory) };
    this.#forbidden = new ForbiddenFiles(options.ownFiles);
    this.#timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
  }

  /** Notices changes of these secrets from now on, and of no others. Gives up on a mount that hangs. */
  async follow(names: readonly string[]): Promise<void> {
    const { watcher, directory } = this.#options;
    // One that hangs goes on, and a watcher cannot follow two ways at a time.
    if (watcher === undefined || this.#isFollowing) return;
    this.#isFollowing = true;
    const paths = names.map((name) => resolve(directory, name)).filter((path) => isBelow(path, directory));
    await this.#inTime(watcher.follow(paths).finally(() => this.#isFollowing = false));
  }

  async read(name: string, signal: AbortSignal): Promise<SecretAnswer> {
    signal.throwIfAborted();
    if (this.#hanging >= MAX_HANGING) {
      return {
        state: "unavailable",
        reason: "Earlier reads in SECRETS_DIR have not ended: is its mount gone?",
      };
    }
    const answer = await this.#inTime(this.#read(name));
    signal.throwIfAborted();
    return answer ?? {
      state: "unavailable",
      reason: `The file could not be read within ${this.#timeoutMs / 1000} seconds`,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#options.watcher?.[Symbol.asyncDispose]();
  }

  /** The result, or `undefined` when it takes too long; nothing can end such a system call. */
  async #inTime<Result>(work: Promise<Result>): Promise<Result | undefined> {
    if (await within(this.#timeoutMs, work)) return await work;
    this.#hanging++;
    const ended = () => this.#hanging = assertCount(this.#hanging - 1, "reads of secrets that hang");
    work.then(ended, ended);
    return undefined;
  }

  async #read(name: string): Promise<SecretAnswer> {
    for (let attempt = 1;; attempt++) {
      try {
        return await this.#readOnce(name);
      } catch (error) {
        // A volume may be swapped between two steps: the way to the file is looked up again.
        if (codeOf(error) === "ENOENT" && attempt < OPEN_ATTEMPTS) continue;
        return answerTo(error);
      }
    }
  }

  async #readOnce(name: string): Promise<SecretAnswer> {
    const { directory } = this.#options;
    const root = await realPathOf(directory);
    if (root === undefined) return misconfigured("SECRETS_DIR names a directory that cannot be found");
    const path = resolve(root, name.startsWith(`${directory}/`) ? name.slice(directory.length + 1) : name);
    // Before the system is asked, so that nobody learns which files there are elsewhere.
    if (!isBelow(path, root)) return OUTSIDE;
    if (await this.#forbidden.hasPath(path)) return REFUSED;
    const real = await Deno.realPath(path);
    if (!isBelow(real, root)) return OUTSIDE;
    if (await this.#forbidden.hasPath(real)) return REFUSED;
    // Opening a pipe would wait for a writer, and what stands there may have become a link since.
    const file = await open(real, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    try {
      return await readOpen(file, this.#forbidden);
    } finally {
      await file.close();
    }
  }
}

const OUTSIDE = misconfigured("The file lies outside of SECRETS_DIR, which no reference may leave");

const REFUSED = misconfigured(
  "The file belongs to the system or to the gateway itself: no reference may read it",
);

function misconfigured(reason: string): SecretAnswer {
  return { state: "misconfigured", reason };
}

async function readOpen(file: FileHandle, forbidden: ForbiddenFiles): Promise<SecretAnswer> {
  const info = await file.stat({ bigint: true });
  if (!info.isFile()) return misconfigured("It is not a regular file");
  if (await forbidden.hasFile(info)) return REFUSED;
  const size = Number(info.size);
  if (size > MAX_BYTES) {
    return misconfigured(`The file has ${size} bytes, more than ${MAX_BYTES / 1024} KiB`);
  }
  const bytes = new Uint8Array(size);
  let length = 0;
  while (length < size) {
    const { bytesRead } = await file.read(bytes, length, size - length, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return found(bytes.subarray(0, length));
}

function found(bytes: Uint8Array): SecretAnswer {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return misconfigured("The file is not valid UTF-8");
  }
  return { state: "found", fields: new Map([["", text.replace(/\r?\n$/, "")]]) };
}

function answerTo(error: unknown): SecretAnswer {
  switch (codeOf(error)) {
    case "ENOENT":
    case "ENOTDIR":
      return { state: "absent", reason: "There is no such file in SECRETS_DIR" };
    case "EACCES":
    case "EPERM":
      return misconfigured("The gateway may not read the file: see its owner and mode");
    case "ELOOP":
      return misconfigured("The file is a symbolic link that leads in circles");
    default:
      return { state: "unavailable", reason: `The file cannot be read: ${describe(error)}` };
  }
}

function codeOf(error: unknown): unknown {
  if (error instanceof Deno.errors.NotFound) return "ENOENT";
  if (error instanceof Deno.errors.NotCapable) return "EPERM";
  return (error as { readonly code?: unknown } | null)?.code;
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
