/**
 * The bound on what one webhook has out of the journal.
 *
 * @module
 */

import { assertCount } from "../../errors.ts";
import type { MemoryBudget } from "./memory_budget.ts";

/** Most events of one webhook that are out of the journal at once. */
const MAX_EVENTS = 1024;

/** Most bytes of their bodies. */
const MAX_BYTES = 32 * 1024 * 1024;

/** An event of so many bytes always has room in an empty window. */
const ALWAYS_BYTES = 64 * 1024;

/** What a claim may take. */
export interface ClaimBounds {
  readonly events: number;
  readonly bytes: number;
  /** How long the first event may be, in bytes. */
  readonly largest: number;
}

/** Counts the events of one webhook that are out of the journal or on their way into it, and their bodies' bytes. */
export class ClaimWindow {
  readonly #budget: MemoryBudget;
  #events = 0;
  #bytes = 0;

  constructor(budget: MemoryBudget) {
    this.#budget = budget;
  }

  get events(): number {
    return this.#events;
  }

  /**
   * Whether there is room for one more event. An empty window always has room for a small one, so that no webhook
   * starves while others fill the memory.
   *
   * @param bytes of its body; 0 where that is not known
   */
  hasRoomFor(bytes: number): boolean {
    if (this.#events === 0) return bytes <= ALWAYS_BYTES || this.#budget.free > 0;
    return this.#events < MAX_EVENTS && this.#bytes < MAX_BYTES && this.#budget.roomFor(this.#bytes) > 0;
  }

  get isHalfEmpty(): boolean {
    return this.#events <= MAX_EVENTS / 2;
  }

  /**
   * Has events claimed, as many as there is room for. Only one claim of all webhooks at a time may take an event that
   * is larger than that, since its size is not known before it is read.
   *
   * @param claim is to {@linkcode take} what it has claimed
   */
  async claim<Claimed>(claim: (bounds: ClaimBounds) => Promise<Claimed>): Promise<Claimed> {
    const room = Math.min(MAX_BYTES - this.#bytes, this.#budget.roomFor(this.#bytes));
    const bytes = Math.max(ALWAYS_BYTES, room);
    using overdraft = this.#budget.overdraw();
    const largest = overdraft === undefined ? bytes : Infinity;
    return await claim({ events: MAX_EVENTS - this.#events, bytes, largest });
  }

  /** An event comes in. @param bytes of its body */
  take(bytes: number): void {
    this.#events++;
    this.#bytes = assertCount(this.#bytes + bytes, "body bytes of a webhook");
    this.#budget.take(bytes);
  }

  /**
   * An event has left.
   *
   * @param bytes those it was taken with
   * @param isDiscarded whether its body takes no memory any more
   */
  release(bytes: number, isDiscarded = false): void {
    this.#events = assertCount(this.#events - 1, "events of a webhook out of the journal");
    this.#bytes = assertCount(this.#bytes - bytes, "body bytes of a webhook");
    this.#budget.release(bytes, isDiscarded);
  }
}
