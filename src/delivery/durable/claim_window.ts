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

  /** An empty window always has room, so that no webhook starves while others fill the memory. */
  get hasRoom(): boolean {
    return this.#events === 0 ||
      this.#events < MAX_EVENTS && this.#bytes < MAX_BYTES && this.#budget.roomFor(this.#bytes) > 0;
  }

  get isHalfEmpty(): boolean {
    return this.#events <= MAX_EVENTS / 2;
  }

  /** What a claim may take: at least one event, however large. */
  get room(): { readonly events: number; readonly bytes: number } {
    const bytes = Math.min(MAX_BYTES - this.#bytes, this.#budget.roomFor(this.#bytes));
    return { events: MAX_EVENTS - this.#events, bytes: Math.max(1, bytes) };
  }

  /** An event comes in. @param bytes of its body */
  take(bytes: number): void {
    this.#events++;
    this.#bytes = assertCount(this.#bytes + bytes, "body bytes of a webhook");
    this.#budget.take(bytes);
  }

  /** An event has left. @param bytes those it was taken with */
  release(bytes: number): void {
    this.#events = assertCount(this.#events - 1, "events of a webhook out of the journal");
    this.#bytes = assertCount(this.#bytes - bytes, "body bytes of a webhook");
    this.#budget.release(bytes);
  }
}
