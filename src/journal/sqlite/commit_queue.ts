/**
 * What is asked of the journal and waits for its next commits, in the gateway's thread.
 *
 * @module
 */

import { assertCount, GatewayError } from "../../errors.ts";
import { NextTurn } from "../../time/next_turn.ts";
import type { Settlement } from "../journal.ts";
import { WaitingCommit } from "./waiting_commit.ts";

/**
 * Headers and bodies of one commit, in bytes; a single larger event is one, too. While it is under way they are in
 * memory once more, or twice.
 */
const COMMIT_BYTES = 8 * 1024 * 1024;

/**
 * How long an outcome may wait to be recorded while nothing else is asked for, in milliseconds: it rides with the next
 * event that is appended. Where at least twenty events a second come, each takes one commit instead of two. What was
 * delivered in that time is delivered again when the process is killed at its end.
 */
const RIDE_MS = 50;

/** How long a commit waits at most for senders that have just had their answers, in milliseconds. */
const MOST_GATHER_MS = 2;

/** From so many appends of one commit on the next one waits for some. With fewer, it is no matter who takes turns. */
const LEAST_APPENDS = 8;

/** With more appends than this a commit costs each of them little, and more of them gain nothing by waiting. */
const MOST_APPENDS = 64;

/** Which share of those that appended lately is waited for. */
const GATHERED_SHARE = 3 / 4;

/**
 * Whether the outcome of an event may wait for the next commit that somebody waits for: nothing begins before it is
 * recorded, and the event is not due before.
 *
 * @param now by `steadyNow`
 */
export function mayRide(settlement: Settlement, now: () => number): boolean {
  switch (settlement.state) {
    case "delivered":
    case "progress":
    case "dead":
      return true;
    case "retry":
      return settlement.dueAt > now() + RIDE_MS;
    case "attempt":
      return false;
  }
}

/** Bounds of what may wait for the next commits. */
export interface WaitingBounds {
  readonly maxWaiting: number;
  readonly maxWaitingBytes: number;
}

/** The commits that are collected, in the order in which they are to be made. */
export class CommitQueue {
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

/** Calls a function after a time in milliseconds, and returns how to keep it from being called. */
export type Later = (milliseconds: number, call: () => void) => () => void;

/**
 * When the next commit begins. What is asked for in one turn of the event loop goes together, and mostly at once. But
 * senders that have their answers from one commit are back shortly after the next one has begun: without a moment's wait
 * two halves of them take turns, each waits for two commits, and twice as many are made.
 */
export class CommitPace {
  readonly #queue: CommitQueue;
  readonly #begin: () => void;
  readonly #nextTurn: NextTurn;
  #isUnderWay = false;
  /** Of the commit under way, or of the last one. */
  #appends = 0;
  #begunAt = 0;
  /** How many appends the next commit waits for; 0 where it waits for anything but outcomes. */
  #awaited = 0;
  readonly #later: Later;
  #stopWaiting: (() => void) | undefined;

  /**
   * @param begin the next commit with all that waits, if anything does
   * @param later @default timers of the runtime
   */
  constructor(queue: CommitQueue, begin: () => void, later: Later = inMilliseconds) {
    this.#queue = queue;
    this.#begin = begin;
    this.#later = later;
    this.#nextTurn = new NextTurn(begin);
  }

  /** Something was asked for. */
  asked(): void {
    if (this.#isUnderWay) return;
    const { collecting, hasFull } = this.#queue;
    if (this.#stopWaiting === undefined) {
      if (collecting.canWait) this.#wait(RIDE_MS, 0);
      else this.#nextTurn.ask();
      return;
    }
    const isEnough = this.#awaited === 0 ? !collecting.canWait : collecting.appends >= this.#awaited;
    if (isEnough || hasFull) this.#nextTurn.ask();
  }

  /** A commit with so many appends is under way. */
  begun(appends: number): void {
    this.#waitNoMore();
    this.#isUnderWay = true;
    this.#appends = appends;
    this.#begunAt = performance.now();
  }

  /** The commit has ended: the next one begins, or waits for a moment. */
  ended(): void {
    this.#isUnderWay = false;
    if (this.#queue.waiting === 0) return;
    const { collecting, hasFull } = this.#queue;
    if (collecting.canWait && !hasFull) return this.#wait(RIDE_MS, 0);
    const awaited = Math.ceil((this.#appends + collecting.appends) * GATHERED_SHARE);
    const isEnough = collecting.appends === 0 || collecting.appends >= awaited;
    const isOfUse = this.#appends >= LEAST_APPENDS && this.#appends <= MOST_APPENDS;
    if (hasFull || isEnough || !isOfUse) return this.#begin();
    // No longer than half of what a commit takes, which all of them would wait for otherwise.
    this.#wait(Math.min(MOST_GATHER_MS, (performance.now() - this.#begunAt) / 2), awaited);
  }

  /** Nothing is under way, and nothing waits. */
  reset(): void {
    this.#isUnderWay = false;
    this.#waitNoMore();
  }

  #wait(milliseconds: number, awaited: number): void {
    this.#awaited = awaited;
    this.#stopWaiting = this.#later(milliseconds, () => {
      this.#stopWaiting = undefined;
      this.#begin();
    });
  }

  #waitNoMore(): void {
    this.#stopWaiting?.();
    this.#stopWaiting = undefined;
  }
}

function inMilliseconds(milliseconds: number, call: () => void): () => void {
  const timer = setTimeout(call, milliseconds);
  return () => clearTimeout(timer);
}
