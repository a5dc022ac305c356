/**
 * Packs whose senders were refused, although they may be in the tables, or get there yet.
 *
 * @module
 */

import type { NewPack, WaitingLot } from "./waiting_lot.ts";

/** Marks of refused packs that are remembered. */
const MOST_WITHDRAWN = 10_000;

/**
 * Packs that a later lot removes. Events with keys stay, if they are there: a sender that repeats one may have been
 * answered by then that it is accepted.
 */
export class RefusedPacks {
  /** Numbers of those that are removed by the next lot. */
  nos: number[] = [];
  /** The marks of those whose order counts. */
  marks: number[] = [];
  /** Numbers of events with keys. */
  #unsure: number[] = [];
  /** Marks that were to be removed lately. */
  readonly #withdrawn = new Set<number>();

  /** Whether there is nothing to remove. */
  get isEmpty(): boolean {
    return this.nos.length === 0 && this.marks.length === 0;
  }

  get hasUnsure(): boolean {
    return this.#unsure.length > 0;
  }

  /** The senders of all packs of a lot were refused, or are asked for in other packs. */
  add(lot: WaitingLot): void {
    const keyed = new Set(lot.keyed.map(({ pack }) => pack));
    for (const pack of lot.numbered) {
      // Without a number it was never sent.
      if (pack.no !== 0) this.#add(pack, keyed.has(pack));
    }
  }

  /** A lot has removed them. */
  removed(): void {
    this.nos = [];
    this.marks = [];
  }

  /** Takes out the numbers of events with keys, of which nobody knows whether they are there. */
  takeUnsure(): readonly number[] {
    const unsure = this.#unsure;
    this.#unsure = [];
    return unsure;
  }

  /** All of it is of no use any more. */
  clear(): void {
    this.removed();
    this.#unsure = [];
  }

  /** Whether a pack of a webhook whose order counts is removed, or was lately. */
  isWithdrawn(mark: number): boolean {
    return this.#withdrawn.has(mark);
  }

  #add({ no, isOrdered }: NewPack, isKeyed: boolean): void {
    if (!isOrdered) (isKeyed ? this.#unsure : this.nos).push(no);
    else if (!isKeyed) this.#withdraw(no);
  }

  #withdraw(mark: number): void {
    this.marks.push(mark);
    this.#withdrawn.add(mark);
    for (const oldest of this.#withdrawn) {
      if (this.#withdrawn.size <= MOST_WITHDRAWN) break;
      this.#withdrawn.delete(oldest);
    }
  }
}
