/**
 * Writes the snapshot file in the background, at a bounded rate.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";
import { UnreadableFileError, withinTime } from "../../../io/small_file.ts";
import type { EtcdMirror } from "../mirror/mirror.ts";
import { writeSnapshot } from "./file.ts";
import { pause } from "../../../time/abortable.ts";
import { within } from "../../../time/within.ts";

/** How much longer than a write the pause after it is, at least: writing must not become the main business. */
const PAUSE_PER_WRITE = 20;

/** How long to leave a disk in peace that did not take a snapshot, in milliseconds. */
const PAUSE_AFTER_FAILURE_MS = 30_000;

/** How long one write may take, in milliseconds. */
const WRITE_TIMEOUT_MS = 30_000;

/** How long the writes under way at the end may take, in milliseconds. */
const LAST_WRITE_TIMEOUT_MS = 3_000;

/** Options of {@linkcode SnapshotWriter}. */
export interface SnapshotWriterOptions {
  readonly path: string;
  readonly mirror: EtcdMirror;
  readonly logger: Logger;
  /** The shortest time between two writes, in milliseconds. */
  readonly intervalMs: number;
  /** Called after each successful write. */
  readonly onWritten: () => void;
}

/**
 * Keeps the snapshot file up to date, at a bounded rate. Disposal writes what is new for the last time, and gives up
 * on a disk that does not answer.
 */
export class SnapshotWriter implements AsyncDisposable {
  readonly #options: SnapshotWriterOptions;
  readonly #stop = new AbortController();
  /** Ends the wait for the disk at the end. */
  readonly #late = new AbortController();
  readonly #running: Promise<void>;
  #changed = Promise.withResolvers<void>();
  /** The mirror's state that is in the file. */
  #written: number | undefined;

  constructor(options: SnapshotWriterOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  /** The mirror has changed. Costs nothing, so that it may be called for every event. */
  notify(): void {
    this.#changed.resolve();
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
    while (!signal.aborted) {
      await this.#changed.promise;
      this.#changed = Promise.withResolvers();
      if (signal.aborted) return;
      const begun = performance.now();
      const isWritten = await this.#write();
      const pauseMs = Math.max(this.#options.intervalMs, (performance.now() - begun) * PAUSE_PER_WRITE);
      await pause(isWritten ? pauseMs : PAUSE_AFTER_FAILURE_MS, signal);
    }
  }

  /** Returns whether the file holds the mirror's state. */
  async #write(): Promise<boolean> {
    const { mirror, path, logger, onWritten } = this.#options;
    const { generation, position } = mirror;
    // Never a state that etcd did not have, and never one that this process has only read from the file.
    if (generation === this.#written || !mirror.complete || position.clusterId === undefined) return true;
    const head = {
      prefix: mirror.keySpace.prefix,
      clusterId: position.clusterId,
      revision: position.revision,
    };
    try {
      // A copy, since the mirror goes on changing while it is written.
      const keys = mirror.keys.copy();
      const limits = { timeoutMs: WRITE_TIMEOUT_MS, signal: this.#late.signal };
      await withinTime(path, limits, () => writeSnapshot(path, head, keys));
      this.#written = generation;
      onWritten();
      return true;
    } catch (error) {
      logger.warning("Cannot write the snapshot {path}: {error}", { path, error });
      return false;
    }
  }
}
