/**
 * What is asked of the journal and waits for its next commits, in the gateway's thread.
 *
 * @module
 */

import { assertCount, GatewayError } from "../../errors.ts";
import type { PacedQueue } from "../commit_pace.ts";
import { WaitingCommit } from "./waiting_commit.ts";

/**
 * Headers and bodies of one commit, in bytes; a single larger event is one, too. While it is under way they are in
 * memory once more, or twice.
 */
const COMMIT_BYTES = 8 * 1024 * 1024;

/** With more appends than this a commit costs each of them little: a thread is asked, and a file is written. */
const MOST_GATHERED = 64;

/** Bounds of what may wait for the next commits. */
export interface WaitingBounds {
  readonly maxWaiting: number;
  readonly maxWaitingBytes: number;
}

/** The commits that are collected, in the order in which they are to be made. */
export class CommitQueue implements PacedQueue {
  readonly mostGathered = MOST_GATHERED;
  readonly #bounds: WaitingBounds;
  readonly #mayPack: boolean;
  /** What takes no more. */
  #full: WaitingCommit[] = [];
  #collecting: WaitingCommit;
  /** Of all that wait, and of the commits that were taken and have not ended. */
  #bytes = 0;

  /** @param mayPack whether events may be stored several in a row */
  constructor(bounds: WaitingBounds, mayPack: boolean) {
    this.#bounds = bounds;
    this.#mayPack = mayPack;
    this.#collecting = new WaitingCommit(mayPack);
  }

  /** Operations that wait. */
  get waiting(): number {
    return this.#full.reduce((sum, { count }) => sum + count, this.#collecting.count);
  }

  /** Whether a commit is collected that takes no more. */
  get hasFull(): boolean {
    return this.#full.length > 0;
  }

  get appends(): number {
    return this.#collecting.appends;
  }

  get canWait(): boolean {
    return this.#collecting.canWait;
  }

  /** Where what takes no room is collected. */
  get collecting(): WaitingCommit {
    return this.#collecting;
  }

  /** Why so many bytes cannot wait here: `overloaded`. One is let in however large it is. */
  refuse(bytes: number): GatewayError | undefined {
    const { maxWaiting, maxWaitingBytes } = this.#bounds;
    const isFull = this.waiting >= maxWaiting || (this.#bytes > 0 && this.#bytes + bytes > maxWaitingBytes);
    return isFull
      ? new GatewayError("overloaded", "Too many events wait for the journal", { retryAfterSeconds: 1 })
      : undefined;
  }

  /** The commit that so many bytes go with, which are let in. */
  commitFor(bytes: number): WaitingCommit {
    const { bytes: before, count } = this.#collecting;
    if (before + bytes > COMMIT_BYTES && count > 0 && bytes > 0) {
      this.#full.push(this.#collecting);
      this.#collecting = new WaitingCommit(this.#mayPack);
    }
    this.#collecting.bytes += bytes;
    this.#bytes += bytes;
    return this.#collecting;
  }

  /** Takes out what is to be the next commit. Its bytes count until it has {@linkcode ended}. */
  next(): WaitingCommit {
    const full = this.#full.shift();
    if (full !== undefined) return full;
    const collected = this.#collecting;
    this.#collecting = new WaitingCommit(this.#mayPack);
    return collected;
  }

  /** A commit that was taken out has ended. */
  ended({ bytes }: WaitingCommit): void {
    this.#bytes = assertCount(this.#bytes - bytes, "bytes that wait for the journal");
  }

  /** Fails all that waits, and forgets what was taken out. */
  failAll(error: GatewayError): void {
    const waiting = [...this.#full, this.#collecting];
    this.#full = [];
    this.#collecting = new WaitingCommit(this.#mayPack);
    this.#bytes = 0;
    for (const commit of waiting) commit.fail(error);
  }
}
