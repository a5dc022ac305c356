/**
 * Notices of changed files, from the system and by polling where it gives none.
 *
 * @module
 */

import { basename, dirname } from "@std/path";
import { addPathLookups, type PathLookups } from "./path_lookups.ts";

/** A continuous stream of events delays the notice by no more than this many debounce times. */
const MAX_DEBOUNCES = 5;

/** How often it is looked whether the way to a path is another one, in milliseconds: the system may not say it. */
const LOOK_INTERVAL_MS = 1_000;

/** How often the way to a path may change while watches are being opened before the next poll must do. */
const MAX_ROUNDS = 5;

/** What a watcher needs. */
export interface DirectoryWatcherOptions {
  /** Called when something on the way to a path may have changed. */
  readonly onChange: () => void;
  /** How long to wait for further events before `onChange`, in milliseconds; at most five times as long in all. */
  readonly debounceMs: number;
  /** Called once for a directory that cannot be watched, until it is or is no longer to be. */
  readonly onUnwatchable: (directory: string, reason: string) => void;
}

interface Watch {
  readonly events: Deno.FsWatcher;
  /**
   * Device and inode: another directory may come to stand at the same path. `undefined` once the directory
   * was removed or moved, since its successor may get the same inode.
   */
  identity: string | undefined;
  /** The names whose changes count. */
  names: ReadonlySet<string>;
  /** Settles when there are no more events. */
  ended: Promise<void>;
}

/**
 * Notices changes of files by watching the directories that they are found through. Watching the files
 * themselves would see neither the second `mv` over a file nor the swap of a ConfigMap's symbolic link.
 *
 * Notices may be late or missing where the system has no file notifications, or when a directory higher up
 * is moved away: the owner must also look from time to time. A mount that does not answer holds up the thread.
 */
export class DirectoryWatcher implements AsyncDisposable {
  readonly #options: DirectoryWatcherOptions;
  readonly #watches = new Map<string, Watch>();
  readonly #unwatchable = new Set<string>();
  #looking: ReturnType<typeof setInterval> | undefined;
  #paths: readonly string[] = [];
  /** The way to the paths that is watched, as text. */
  #way = "";
  #timer: ReturnType<typeof setTimeout> | undefined;
  #waitingSince = 0;
  #closed = false;

  constructor(options: DirectoryWatcherOptions) {
    this.#options = options;
  }

  /**
   * Watches the way to each of the paths as it is now, and nothing else any more. Call it before each look
   * at the files: what changes after it resolves is noticed, and links may lead elsewhere by then.
   */
  async follow(paths: readonly string[]): Promise<void> {
    this.#paths = paths;
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const lookups = await lookupsOf(paths);
      this.#way = describe(lookups);
      // The way may have changed before a new watch saw it, so it is gone again until nothing is new.
      if (!await this.#watch(lookups)) break;
    }
    if (this.#closed) return;
    this.#looking ??= setInterval(() => void this.#look(), LOOK_INTERVAL_MS);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    clearInterval(this.#looking);
    clearTimeout(this.#timer);
    await Promise.all([...this.#watches.keys()].map((directory) => this.#close(directory)));
  }

  /** Notices another way, as over a new link, where the system has not said so. */
  async #look(): Promise<void> {
    const way = this.#way;
    const now = describe(await lookupsOf(this.#paths));
    if (way === this.#way && now !== way) this.#notice();
  }

  /** Returns whether the way may have changed without being watched. */
  async #watch(lookups: PathLookups): Promise<boolean> {
    let unsure = false;
    for (const directory of this.#watches.keys()) {
      if (!lookups.has(directory)) await this.#close(directory);
    }
    for (const directory of this.#unwatchable) {
      if (!lookups.has(directory)) this.#unwatchable.delete(directory);
    }
    for (const [directory, names] of lookups) {
      const identity = await identityOf(directory);
      const watch = this.#watches.get(directory);
      if (identity !== undefined && watch?.identity === identity) {
        watch.names = names;
        continue;
      }
      await this.#close(directory);
      if (this.#closed) return false;
      if (identity !== undefined && this.#open(directory, identity, names)) unsure = true;
    }
    return unsure;
  }

  /** Returns whether something may have changed before the watch saw it. */
  #open(directory: string, identity: string, names: ReadonlySet<string>): boolean {
    try {
      const events = openEvents(directory);
      const watch: Watch = { events, identity, names, ended: Promise.resolve() };
      watch.ended = this.#listen(directory, watch);
      this.#watches.set(directory, watch);
      this.#unwatchable.delete(directory);
      return true;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return true; // Removed meanwhile: the way is another one now.
      this.#reportUnwatchable(directory, error);
      return false;
    }
  }

  async #listen(directory: string, watch: Watch): Promise<void> {
    try {
      for await (const event of watch.events) {
        if (event.kind === "access") continue; // The gateway's own reading must not make it read again.
        if (event.paths.includes(directory)) watch.identity = undefined;
        if (concerns(event, directory, watch.names)) this.#notice();
      }
    } catch (error) {
      this.#reportUnwatchable(directory, error);
    } finally {
      // It ended by itself: forgotten, so that the next `follow` opens it again.
      if (this.#watches.get(directory) === watch) {
        this.#watches.delete(directory);
        watch.events.close();
      }
    }
  }

  /** A path that is opened again before the events of its former watch have ended stays silent for ever. */
  async #close(directory: string): Promise<void> {
    const watch = this.#watches.get(directory);
    if (watch === undefined) return;
    this.#watches.delete(directory);
    watch.events.close();
    await watch.ended;
  }

  /** Calls `onChange` once it has been quiet for a while, but never puts it off for long. */
  #notice(): void {
    if (this.#closed) return;
    const { debounceMs, onChange } = this.#options;
    const now = performance.now();
    if (this.#timer === undefined) this.#waitingSince = now;
    else if (now - this.#waitingSince > (MAX_DEBOUNCES - 1) * debounceMs) return; // The timer is set for soon enough.
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      onChange();
    }, debounceMs);
  }

  #reportUnwatchable(directory: string, error: unknown): void {
    if (this.#closed || this.#unwatchable.has(directory)) return;
    this.#unwatchable.add(directory);
    this.#options.onUnwatchable(directory, error instanceof Error ? error.message : String(error));
  }
}

async function lookupsOf(paths: readonly string[]): Promise<PathLookups> {
  const lookups: PathLookups = new Map();
  for (const path of paths) await addPathLookups(lookups, path);
  return lookups;
}

function describe(lookups: PathLookups): string {
  return JSON.stringify(Array.from(lookups, ([directory, names]) => [directory, ...names]));
}

/**
 * The runtime looks where the path of an event leads before it compares it with what is watched, and drops those of a
 * link that leads elsewhere. With the root among what is watched, it drops none; where that may not be read, a new
 * link is noticed by looking.
 */
function openEvents(directory: string): Deno.FsWatcher {
  if (Deno.build.os === "linux") {
    try {
      return Deno.watchFs(["/", directory], { recursive: false });
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) throw error;
    }
  }
  return Deno.watchFs(directory, { recursive: false });
}

/** Whether an event may mean that something on the way to a file has changed. */
function concerns(event: Deno.FsEvent, directory: string, names: ReadonlySet<string>): boolean {
  // The system lost events, so anything may have changed.
  if (event.flag === "rescan" || event.paths.length === 0) return true;
  return event.paths.some((path) =>
    path === directory || (dirname(path) === directory && names.has(basename(path)))
  );
}

async function identityOf(directory: string): Promise<string | undefined> {
  try {
    const { dev, ino } = await Deno.stat(directory);
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}
