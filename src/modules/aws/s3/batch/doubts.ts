/**
 * Batches that may be stored although that was not confirmed, as when the answer got lost. They are sent again as they
 * were, under the same key, until it is known: so no event of theirs is stored in a second object.
 *
 * @module
 */

import { assertCount } from "../../../../errors.ts";
import type { StoredObject } from "../object.ts";

/** A batch in doubt. */
export interface DoubtfulBatch {
  /** The names of its members. */
  readonly names: readonly string[];
  /** `undefined` once it is known to be stored, while some of its events have not come again. */
  readonly object: StoredObject | undefined;
}

/** What is remembered at most. */
export interface DoubtLimits {
  /** For how long, in milliseconds. */
  readonly ageMs: number;
  /** Bytes of all objects together. */
  readonly bytes: number;
  /** Events of all batches together. */
  readonly events: number;
}

/** Remembers batches, within bounds: the oldest is forgotten first, and its events may be stored a second time. */
export class Doubts {
  readonly #limits: DoubtLimits;
  readonly #now: () => number;
  /** In order of age, with the time of forgetting. */
  readonly #batches = new Map<DoubtfulBatch, number>();
  /** By the names of their members. */
  readonly #byMember = new Map<string, DoubtfulBatch>();
  #bytes = 0;

  /** @param now a clock in milliseconds that never goes back */
  constructor(limits: DoubtLimits, now: () => number = () => performance.now()) {
    this.#limits = limits;
    this.#now = now;
  }

  /** The batch that a delivery belongs to. */
  find(member: string): DoubtfulBatch | undefined {
    return this.#byMember.get(member);
  }

  /** Remembers a batch. */
  keep(batch: DoubtfulBatch): void {
    this.#batches.set(batch, this.#now() + this.#limits.ageMs);
    this.#bytes += sizeOf(batch);
    for (const name of batch.names) this.#byMember.set(name, batch);
    this.forgetOld();
  }

  /** Forgets a batch. */
  forget(batch: DoubtfulBatch): void {
    if (!this.#batches.delete(batch)) return;
    this.#bytes = assertCount(this.#bytes - sizeOf(batch), "bytes of batches in doubt");
    for (const name of batch.names) {
      if (this.#byMember.get(name) === batch) this.#byMember.delete(name);
    }
  }

  /** Forgets one event of a batch: it has its result. */
  settle(member: string): void {
    this.#byMember.delete(member);
  }

  /** Forgets what is too old or too much. */
  forgetOld(): void {
    const now = this.#now();
    for (const [batch, forgetAt] of this.#batches) {
      const isTooMuch = this.#bytes > this.#limits.bytes || this.#byMember.size > this.#limits.events;
      if (forgetAt > now && !isTooMuch) return;
      this.forget(batch);
    }
  }
}

function sizeOf({ object }: DoubtfulBatch): number {
  return object?.body.byteLength ?? 0;
}
