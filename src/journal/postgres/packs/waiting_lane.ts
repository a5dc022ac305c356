/**
 * What waits of one webhook in packs of this gateway.
 *
 * @module
 */

import { assertCount } from "../../../errors.ts";
import type { LaneKey } from "../../journal.ts";
import { type HeapItem, NumberHeap } from "./number_heap.ts";

/** How many waiting packs are looked at to find the oldest event; with more, the first pack has it, as near as matters. */
const MOST_LOOKED_AT = 1_000;

/** How much later than the longest pause an event may be due before that is taken for a clock that was set back. */
export const LATE_MS = 1_000;

/** Whether events that are not due yet are claimed as well, as `ClaimLimit.early` has it. */
export type Early = "first" | "all" | undefined;

/** The lane of one webhook. Of what waits, no more than the numbers of its packs is in memory. */
export class WaitingLane {
  /** Events that are not settled, claimed ones included. */
  pending = 0;
  /** Bytes that those take in their packs, where all of one pack count the same. */
  bytes = 0;
  /** Of the pending events, those of other gateways that have come since the dispatcher was notified. */
  added = 0;
  /** Events on their way into packs. */
  arriving = 0;
  /** What the tables know the webhook by; 0 until it is known. */
  id = 0;
  /** Whether this gateway delivers the events of the webhook in their order, and has all packs of it. */
  isHeld = false;
  /** Claims under way. */
  claiming = 0;
  /** The greatest number of a pack that has waited. */
  lastNo = 0;
  /** By number: packs with events that are due. */
  readonly #due = new NumberHeap();
  /** By the time when they are due. */
  readonly #later = new NumberHeap();
  /** The largest time that was put into `#later` while it was not empty. */
  #latest = 0;

  constructor(readonly key: LaneKey) {}

  count(events: number, bytes: number): void {
    this.pending = assertCount(this.pending + events, "pending events of a webhook");
    this.bytes += bytes;
  }

  /** A pack has an event to claim. @param dueAt by `steadyNow`; 0: now */
  wait(no: number, oldestAt: number, dueAt: number): void {
    this.lastNo = Math.max(this.lastNo, no);
    if (dueAt === 0) return this.#due.push(no, no, oldestAt);
    this.#latest = this.#later.size === 0 ? dueAt : Math.max(this.#latest, dueAt);
    this.#later.push(dueAt, no, oldestAt);
  }

  /**
   * Takes out the next packs that may have events to claim, in their order.
   *
   * @param upTo the greatest number
   */
  next(
    most: number,
    now: number,
    early: Early,
    longestPauseMs: number | undefined,
    upTo: number,
  ): readonly HeapItem[] {
    this.#mature(now, early, longestPauseMs);
    const found: HeapItem[] = [];
    while (found.length < most) {
      const item = this.#due.first;
      if (item === undefined || item.no > upTo) break;
      this.#due.pop();
      if (found.at(-1)?.no !== item.no) found.push(item);
    }
    if (found.length > 0 || early !== "first") return found;
    const first = this.#later.pop();
    return first === undefined ? [] : [first];
  }

  /** Whether packs that are due have greater numbers, and none has this one or less. */
  isDueBeyond(no: number): boolean {
    return (this.#due.first?.no ?? 0) > no;
  }

  /** When the next event is due; 0: now. */
  get nextDueAt(): number | undefined {
    return this.#due.size > 0 ? 0 : this.#later.first?.key;
  }

  /** When the oldest event that waits was received. */
  get oldestAt(): number | undefined {
    const due = this.#due.oldestAt(MOST_LOOKED_AT);
    const later = this.#later.oldestAt(MOST_LOOKED_AT);
    return due === undefined || later === undefined ? due ?? later : Math.min(due, later);
  }

  /** Forgets all of it. */
  clear(): void {
    this.pending = this.bytes = this.added = 0;
    this.isHeld = false;
    this.#due.clear();
    this.#later.clear();
  }

  #mature(now: number, early: Early, longestPauseMs = Infinity): void {
    const until = early === "all" ? Infinity : now;
    for (
      let first = this.#later.first;
      first !== undefined && first.key <= until;
      first = this.#later.first
    ) {
      this.#later.pop();
      this.#due.push(first.no, first.no, first.oldestAt);
    }
    const bound = now + longestPauseMs + LATE_MS;
    if (this.#later.size === 0 || this.#latest <= bound) return;
    for (const { no, oldestAt } of this.#later.takeAbove(bound)) this.#due.push(no, no, oldestAt);
    this.#latest = bound;
  }
}
