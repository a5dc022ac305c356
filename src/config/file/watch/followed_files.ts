/**
 * Files beside the configuration, such as a certificate, that are read again whenever they may have changed.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";
import { Wakeup } from "../../../time/wakeup.ts";
import { FileWatcher } from "./file_watcher.ts";

/** How often the files are read for changes that the system did not report, in milliseconds. */
const REFRESH_MS = 30_000;

/** How long a change of the files has to be over before they are read, in milliseconds. */
const DEBOUNCE_MS = 50;

/** Has files read again, one look after the other, until it is disposed of. */
export class FollowedFiles implements AsyncDisposable {
  readonly #stopping = new AbortController();
  readonly #changed = new Wakeup();
  readonly #watcher: FileWatcher;
  readonly #following: Promise<void>;

  /** @param look reads the files; must not throw. The signal aborts when nobody needs it any more */
  constructor(paths: readonly string[], look: (signal: AbortSignal) => Promise<void>, logger: Logger) {
    this.#watcher = new FileWatcher({ onChange: () => this.lookNow(), debounceMs: DEBOUNCE_MS, logger });
    this.#following = this.#follow(paths, look);
  }

  /** Has the files read again soon. */
  lookNow(): void {
    this.#changed.wake();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#watcher[Symbol.asyncDispose]();
    await this.#following;
  }

  async #follow(paths: readonly string[], look: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.#watcher.follow(paths);
      await look(signal);
      await this.#changed.wait(signal, REFRESH_MS);
    }
  }
}
