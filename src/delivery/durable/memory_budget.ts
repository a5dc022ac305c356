/**
 * The bound on what all webhooks have out of the journal.
 *
 * @module
 */

import { assertCount } from "../../errors.ts";
import type { BodyMemory } from "../../io/memory/body_memory.ts";
import { fairRoom } from "../../time/fair_share.ts";

/** Bounds the memory of all events that are out of the journal, over all webhooks, which share it fairly. */
export class MemoryBudget {
  readonly #bytes: number;
  readonly #waiting = new Set<() => void>();
  readonly #leftOver: BodyMemory | undefined;
  #taken = 0;
  #isOverdrawn = false;

  /**
   * @param bytes of bodies
   * @param leftOver gets what is not needed any more
   */
  constructor(bytes: number, leftOver?: BodyMemory) {
    this.#bytes = bytes;
    this.#leftOver = leftOver;
  }

  /** What is left, in bytes; less than 0 after a single event that was larger. */
  get free(): number {
    return this.#bytes - this.#taken;
  }

  /** How many bytes more a webhook may take that holds so many. */
  roomFor(held: number): number {
    return Math.floor(fairRoom(held, this.free));
  }

  take(bytes: number): void {
    this.#taken = assertCount(this.#taken + bytes, "body bytes out of the journal");
  }

  /** Gives back, and wakes those who wait for room. @param isDiscarded whether nothing is left to be collected */
  release(bytes: number, isDiscarded = false): void {
    this.#taken = assertCount(this.#taken - bytes, "body bytes out of the journal");
    if (!isDiscarded) this.noteLeft(bytes);
    if (this.#waiting.size === 0 || this.free <= 0) return;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }

  /** A body that was not taken in here is not needed any more. */
  noteLeft(bytes: number): void {
    this.#leftOver?.release(bytes);
  }

  /** Lets one event at a time be larger than what is left, until disposal; `undefined` while another one is. */
  overdraw(): Disposable | undefined {
    if (this.#isOverdrawn || this.free <= 0) return undefined;
    this.#isOverdrawn = true;
    return { [Symbol.dispose]: () => this.#isOverdrawn = false };
  }

  /** Calls the function once, when there is room again. */
  whenFree(wake: () => void): void {
    this.#waiting.add(wake);
  }
}
