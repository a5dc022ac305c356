/**
 * How fast deliveries begin: a token bucket of so many a second, and pauses that a target has asked for. Who cannot
 * begin waits here, deliveries of senders and those of the journal in turn. No timer runs unless somebody waits.
 *
 * @module
 */

import { RateCounter, type RateLimit } from "../time/rate.ts";

/**
 * What may begin at once after a pause, as a part of what may begin in a second: so much, and at least one delivery.
 * A second that begins with a full bucket has a tenth more than the rate, and every longer time less than that.
 */
const BURST_SECONDS = 0.1;

/** The shortest timer, in milliseconds: many deliveries a second share one. */
const MIN_TIMER_MS = 5;

/** A sender's turn: now, when the promise resolves, or too late, in so many seconds. */
export type SendersTurn = "now" | Promise<void> | TooLate;

/** The turn would come after the time that the sender has. */
export interface TooLate {
  readonly inSeconds: number;
}

/** Whether a sender is not to wait, since its turn would come too late. */
export function isTooLate(turn: SendersTurn): turn is TooLate {
  return typeof turn === "object" && "inSeconds" in turn;
}

/** Lets deliveries begin, as many as may. */
export class Pacer {
  readonly #counter = new RateCounter();
  #limit: RateLimit | undefined;
  #heldUntil = -Infinity;
  /** In the order in which they came. */
  readonly #senders: (() => void)[] = [];
  /** Who is to ask again for deliveries of the journal. */
  readonly #askers = new Set<() => void>();
  /** Whether the next delivery is one of the journal, where senders wait as well. */
  #isJournalsTurn = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param perSecond deliveries that may begin in a second. @default any number */
  constructor(perSecond?: number) {
    this.setRate(perSecond);
  }

  /** Changes how many deliveries may begin in a second; `undefined` for any number. What was counted stays counted. */
  setRate(perSecond: number | undefined): void {
    if (perSecond === undefined) this.#limit = undefined;
    else {
      const requests = Math.max(1, perSecond * BURST_SECONDS);
      this.#limit = { requests, windowMs: requests * 1000 / perSecond };
    }
    if (this.#timer !== undefined) this.#wakeIn(0);
  }

  /** Whether anything bounds deliveries now. Costs nothing, where nothing ever did. */
  get isBounded(): boolean {
    return this.#limit !== undefined || (this.#heldUntil !== -Infinity && this.heldMs > 0);
  }

  /** For how long the target is still to be left alone, in milliseconds. */
  get heldMs(): number {
    if (this.#heldUntil === -Infinity) return 0;
    const left = this.#heldUntil - performance.now();
    if (left > 0) return left;
    this.#heldUntil = -Infinity;
    return 0;
  }

  /**
   * Nothing begins for so long, in milliseconds; a longer pause that was asked for before stays.
   *
   * @returns what that is longer than it was, in milliseconds
   */
  hold(milliseconds: number): number {
    const before = this.heldMs;
    if (milliseconds <= before) return 0;
    this.#heldUntil = performance.now() + milliseconds;
    return milliseconds - before;
  }

  /** How many deliveries of the journal may begin now, at most `most`. Those that do are to be counted. */
  room(most: number): number {
    if (!this.isBounded) return most;
    if (this.heldMs > 0 || (this.#senders.length > 0 && !this.#isJournalsTurn)) return 0;
    const room = this.#limit === undefined ? most : this.#counter.room(this.#limit, performance.now());
    return Math.min(most, room, this.#senders.length > 0 ? 1 : Infinity);
  }

  /** So many deliveries of the journal begin. */
  count(deliveries: number): void {
    if (this.#limit !== undefined) this.#counter.count(this.#limit, performance.now(), deliveries);
    this.#isJournalsTurn = false;
  }

  /** Has `ask` called once when there may be {@linkcode room} again. */
  whenRoom(ask: () => void): void {
    this.#askers.add(ask);
    this.#watch();
  }

  /** Takes back what {@linkcode whenRoom} was given. */
  forget(ask: () => void): void {
    this.#askers.delete(ask);
    if (this.#askers.size === 0 && this.#senders.length === 0) this.close();
  }

  /**
   * A sender waits for the turn of its delivery, which is counted.
   *
   * @param longestMs it does not wait for longer, in milliseconds: what would come later is not waited for
   * @param places how many senders may wait
   */
  enter(longestMs: number, places = Infinity): SendersTurn {
    if (!this.isBounded) return "now";
    const waitMs = this.#waitMs();
    if (waitMs === 0 && this.#senders.length === 0 && !(this.#isJournalsTurn && this.#askers.size > 0)) {
      this.#countSender();
      return "now";
    }
    const turnMs = waitMs + this.#aheadMs();
    if (turnMs > longestMs || this.#senders.length >= places) {
      return { inSeconds: Math.max(1, Math.ceil(turnMs / 1000)) };
    }
    return new Promise((resolve) => {
      this.#senders.push(resolve);
      this.#watch();
    });
  }

  /** No timer runs any more, and whoever waits goes on. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#askers.clear();
    for (const resolve of this.#senders.splice(0)) resolve();
  }

  /** How long those take that wait already, in milliseconds. */
  #aheadMs(): number {
    if (this.#limit === undefined) return 0;
    const { requests, windowMs } = this.#limit;
    return this.#senders.length * (this.#askers.size > 0 ? 2 : 1) * windowMs / requests;
  }

  /** How long until the next delivery may begin, in milliseconds. */
  #waitMs(): number {
    const rateMs = this.#limit === undefined ? 0 : this.#counter.waitMs(this.#limit, performance.now());
    return Math.max(this.heldMs, rateMs);
  }

  #countSender(): void {
    if (this.#limit !== undefined) this.#counter.count(this.#limit, performance.now());
    this.#isJournalsTurn = true;
  }

  #watch(): void {
    if (this.#timer === undefined) this.#wakeIn(this.#waitMs());
  }

  #wakeIn(milliseconds: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#pump(), Math.ceil(Math.max(MIN_TIMER_MS, milliseconds)));
  }

  #pump(): void {
    this.#timer = undefined;
    while (this.#waitMs() === 0) {
      if (this.#askers.size > 0 && (this.#isJournalsTurn || this.#senders.length === 0)) {
        const askers = [...this.#askers];
        this.#askers.clear();
        for (const ask of askers) ask();
      } else {
        const enter = this.#senders.shift();
        if (enter === undefined) return;
        this.#countSender();
        enter();
      }
    }
    if (this.#senders.length > 0 || this.#askers.size > 0) this.#watch();
  }
}
