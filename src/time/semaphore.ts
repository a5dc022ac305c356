/**
 * A bounded number of places for what may be under way at once.
 *
 * @module
 */

import { setImmediate } from "node:timers";
import { assertCount } from "../errors.ts";

/** Free places that are handed on in one turn of the event loop: what fails at once would go through all others. */
const MAX_PER_TURN = 16;

/** The places for what may be under way at once, and the bounded queue for them, first come first served. */
export class Semaphore {
  readonly #waiting: (() => void)[] = [];
  readonly #onFree: (() => void) | undefined;
  readonly #room: () => number;
  #taken = 0;
  /** Places handed on in this turn, and those that are to be in the next ones. */
  #handedOn = 0;
  #held = 0;

  /**
   * @param size places
   * @param queue how many may wait for one
   * @param onFree called when a place has become free that nobody waits for
   * @param room how many may wait at this moment, where that is less. @default no further bound
   */
  constructor(
    readonly size: number,
    readonly queue: number,
    onFree?: () => void,
    room: () => number = () => Infinity,
  ) {
    this.#onFree = onFree;
    this.#room = room;
  }

  get taken(): number {
    return this.#taken;
  }

  /** A place now or later; or none, since too many wait already. */
  take(): "taken" | "full" | Promise<void> {
    if (this.tryTake()) return "taken";
    if (this.#waiting.length >= Math.min(this.queue, this.#room())) return "full";
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** A place now, or none. */
  tryTake(): boolean {
    if (this.#taken >= this.size) return false;
    this.#taken++;
    return true;
  }

  /** Gives the place to the one that has waited longest. */
  free(): void {
    if (this.#waiting.length === 0) {
      this.#taken = assertCount(this.#taken - 1, "places taken");
      this.#onFree?.();
    } else if (this.#handedOn < MAX_PER_TURN) {
      if (this.#handedOn === 0) setImmediate(() => this.#nextTurn());
      this.#handedOn++;
      this.#waiting.shift()!();
    } else {
      this.#held++;
    }
  }

  #nextTurn(): void {
    this.#handedOn = 0;
    const held = this.#held;
    this.#held = 0;
    for (let place = 0; place < held; place++) this.free();
  }
}
