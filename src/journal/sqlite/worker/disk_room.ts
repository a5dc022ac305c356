/**
 * Keeps so much of the disk free that a journal which has filled it can still be emptied: a delivered event is
 * removed by writing, first into the write-ahead log, and from there into the file.
 *
 * @module
 */

import { statfsSync } from "node:fs";

/** What is kept free at most, in bytes. */
const MAX_KEPT_BYTES = 8 * 1024 * 1024;

/** What is kept free at most, as a share of the disk: some are small. */
const KEPT_SHARE = 1 / 16;

/** Twice what the write-ahead log grows by until it is written back, in bytes. */
const SCARCE_BYTES = 8 * 1024 * 1024;

/** What a transaction may write besides the events, in bytes. */
const OVERHEAD_BYTES = 64 * 1024;

/** Most bytes that a character takes. */
const BYTES_PER_CHARACTER = 3;

/** How old the figure of free space may be: others write to the disk, too; in milliseconds. */
const OLDEST_FIGURE_MS = 250;

/** The free space of a disk. */
export class DiskRoom {
  readonly #directory: string;
  #free = 0;
  #kept = 0;
  #readAt = -Infinity;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /**
   * Why events must not be appended; `undefined` while they may.
   *
   * @param characters of their headers and bodies
   * @param logBytes size of the write-ahead log, which must fit into the file as well
   * @param reusableBytes of the file, where something was removed
   */
  refuse(characters: number, logBytes: number, reusableBytes: number): string | undefined {
    const events = characters * BYTES_PER_CHARACTER + OVERHEAD_BYTES;
    // They are written twice: into the log, and from there into the file.
    const needed = events + Math.max(0, events + logBytes - reusableBytes);
    if (this.#free - needed < this.#kept) this.#read();
    else this.#refresh();
    if (this.#free - needed < this.#kept) {
      return `${this.#free} bytes are free, and ${this.#kept} of them are kept to empty the journal`;
    }
    this.#free -= events;
    return undefined;
  }

  /** What is free beyond what is kept, in bytes. */
  get free(): number {
    this.#refresh();
    return Math.max(0, this.#free - this.#kept);
  }

  /** Whether there is so little that the write-ahead log must be kept short. */
  get isScarce(): boolean {
    this.#refresh();
    return this.#free < this.#kept + SCARCE_BYTES;
  }

  #refresh(): void {
    if (performance.now() - this.#readAt > OLDEST_FIGURE_MS) this.#read();
  }

  /** A file system that does not say how much it has counts as one with room. */
  #read(): void {
    this.#readAt = performance.now();
    try {
      const { bavail, blocks, bsize } = statfsSync(this.#directory);
      this.#free = blocks > 0 ? bavail * bsize : Infinity;
      this.#kept = Math.min(MAX_KEPT_BYTES, blocks * bsize * KEPT_SHARE);
    } catch {
      this.#free = Infinity;
    }
  }
}
