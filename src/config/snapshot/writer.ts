/**
 * Writes the snapshot file in the background, at a bounded rate.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";
import { dirname } from "@std/path";
import { UnreadableFileError, unreadableReason, withinTime } from "../../io/small_file.ts";
import type { SnapshotStatus } from "../provider.ts";
import { removeLeftOvers, type SnapshotHead, type SnapshotKeys, writeSnapshot } from "./file.ts";
import { pause } from "../../time/abortable.ts";
import { within } from "../../time/within.ts";

/** How much longer than a write the pause after it is, at least: writing must not become the main business. */
const PAUSE_PER_WRITE = 20;

/** How long to leave a disk in peace that did not take a snapshot, in milliseconds. */
const PAUSE_AFTER_FAILURE_MS = 30_000;

/** How long one write may take, in milliseconds. */
const WRITE_TIMEOUT_MS = 30_000;

/** How long the writes under way at the end may take, in milliseconds. */
const LAST_WRITE_TIMEOUT_MS = 3_000;

/** The shortest time between two writes unless an option says otherwise, in milliseconds. */
export const SNAPSHOT_INTERVAL_MS = 5_000;

/** What is written. */
export interface SnapshotSource {
  /** Changes with every change; `undefined` while the state is none that the backend has had, or half applied. */
  readonly generation: number | undefined;
  /** The state at this moment, which goes on changing while it is written. */
  copy(): { readonly head: SnapshotHead; readonly keys: SnapshotKeys };
}

/** Where the snapshot is kept. */
export interface SnapshotPlace {
  readonly file: string;
  /** Whether its directory is made when it is not there. */
  readonly makesDirectory: boolean;
}

/** Options of {@linkcode SnapshotWriter}. */
export interface SnapshotWriterOptions {
  readonly place: SnapshotPlace;
  readonly source: SnapshotSource;
  readonly logger: Logger;
  /** The shortest time between two writes, in milliseconds. @default 5000 */
  readonly intervalMs?: number;
  /** Called after each successful write. */
  readonly onWritten: () => void;
}

/**
 * Keeps the snapshot file up to date, at a bounded rate. A place that cannot be written to is said once, and holds up
 * nothing. Disposal writes what is new for the last time, and gives up on a disk that does not answer.
 */
export class SnapshotWriter implements AsyncDisposable {
  readonly #options: SnapshotWriterOptions;
  readonly #stop = new AbortController();
  /** Ends the wait for the disk at the end. */
  readonly #late = new AbortController();
  readonly #running: Promise<void>;
  #changed = Promise.withResolvers<void>();
  /** The state that is in the file. */
  #written: number | undefined;
  #writtenAt: number | undefined;
  #failure: { readonly since: number; reason: string } | undefined;
  #isPrepared = false;

  constructor(options: SnapshotWriterOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  /** Something has changed. Costs nothing, so that it may be called for every event. */
  notify(): void {
    this.#changed.resolve();
  }

  get status(): SnapshotStatus {
    const { place: { file } } = this.#options;
    if (this.#failure !== undefined) return { file, state: "failing", ...this.#failure };
    return this.#writtenAt === undefined
      ? { file, state: "waiting" }
      : { file, state: "written", since: this.#writtenAt };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#changed.resolve();
    const written = this.#running.then(() => this.#write());
    if (!await within(LAST_WRITE_TIMEOUT_MS, written)) {
      this.#late.abort(new UnreadableFileError(`its disk did not answer within ${LAST_WRITE_TIMEOUT_MS} ms`));
    }
    await written;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    const { intervalMs = SNAPSHOT_INTERVAL_MS } = this.#options;
    while (!signal.aborted) {
      await this.#changed.promise;
      this.#changed = Promise.withResolvers();
      if (signal.aborted) return;
      const begun = performance.now();
      const isWritten = await this.#write();
      // What did not take it is asked again, whether or not something changes.
      if (!isWritten) this.#changed.resolve();
      const pauseMs = Math.max(intervalMs, (performance.now() - begun) * PAUSE_PER_WRITE);
      await pause(isWritten ? pauseMs : PAUSE_AFTER_FAILURE_MS, signal);
    }
  }

  /** Returns whether the file holds the newest state. */
  async #write(): Promise<boolean> {
    const { source, place: { file }, onWritten } = this.#options;
    const { generation } = source;
    if (generation === this.#written || generation === undefined) return true;
    try {
      const { head, keys } = source.copy();
      const limits = { timeoutMs: WRITE_TIMEOUT_MS, signal: this.#late.signal };
      await withinTime(file, limits, async () => {
        await this.#prepare();
        await writeSnapshot(file, head, keys);
      });
      this.#written = generation;
      this.#succeeded();
      onWritten();
      return true;
    } catch (error) {
      this.#failed(error);
      return false;
    }
  }

  async #prepare(): Promise<void> {
    if (this.#isPrepared) return;
    const { file, makesDirectory } = this.#options.place;
    if (makesDirectory) await Deno.mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await removeLeftOvers(file);
    this.#isPrepared = true;
  }

  #succeeded(): void {
    this.#writtenAt = Date.now();
    if (this.#failure === undefined) return;
    this.#failure = undefined;
    this.#options.logger.info("The configuration's snapshot {file} is written again", {
      file: this.#options.place.file,
    });
  }

  #failed(error: unknown): void {
    const reason = unreadableReason(error);
    if (this.#failure !== undefined) {
      this.#failure.reason = reason;
      return;
    }
    this.#failure = { since: Date.now(), reason };
    this.#options.logger.warning(
      "Cannot write the configuration's snapshot {file}, so that a restart serves what its backend holds then and " +
        "nothing older: make its directory one that the gateway may write to, or set CONFIG_SNAPSHOT_FILE: {error}",
      { file: this.#options.place.file, error },
    );
  }
}
