/**
 * When the next commit of a journal begins, and what may wait for it.
 *
 * @module
 */

import { NextTurn } from "../time/next_turn.ts";
import type { Settlement } from "./journal.ts";

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

/** What a {@linkcode CommitPace} sees of what is asked for. */
export interface PacedQueue {
  /** Operations that wait. */
  readonly waiting: number;
  /** Whether a commit is collected that takes no more. */
  readonly hasFull: boolean;
  /** Appends of the commit that is collected. */
  readonly appends: number;
  /** Whether nobody waits for any of the commit that is collected. */
  readonly canWait: boolean;
  /** With more appends than this a commit costs each of them little, and more of them gain nothing by waiting. */
  readonly mostGathered: number;
}

/** Calls a function after a time in milliseconds, and returns how to keep it from being called. */
export type Later = (milliseconds: number, call: () => void) => () => void;

/**
 * When the next commit begins. What is asked for in one turn of the event loop goes together, and mostly at once. But
 * senders that have their answers from one commit are back shortly after the next one has begun: without a moment's wait
 * two halves of them take turns, each waits for two commits, and twice as many are made.
 */
export class CommitPace {
  readonly #queue: PacedQueue;
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
  constructor(queue: PacedQueue, begin: () => void, later: Later = inMilliseconds) {
    this.#queue = queue;
    this.#begin = begin;
    this.#later = later;
    this.#nextTurn = new NextTurn(begin);
  }

  /** Something was asked for. */
  asked(): void {
    if (this.#isUnderWay) return;
    const { appends, canWait, hasFull } = this.#queue;
    if (this.#stopWaiting === undefined) {
      if (canWait) this.#wait(RIDE_MS, 0);
      else this.#nextTurn.ask();
      return;
    }
    const isEnough = this.#awaited === 0 ? !canWait : appends >= this.#awaited;
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
    const { appends, canWait, hasFull } = this.#queue;
    if (canWait && !hasFull) return this.#wait(RIDE_MS, 0);
    const awaited = Math.ceil((this.#appends + appends) * GATHERED_SHARE);
    const isEnough = appends === 0 || appends >= awaited;
    const isOfUse = this.#appends >= LEAST_APPENDS && this.#appends <= this.#queue.mostGathered;
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
