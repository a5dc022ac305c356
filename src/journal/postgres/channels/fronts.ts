/**
 * Where the events of channels begin. What was acknowledged stays in the index until vacuum gets to it, which it does not
 * while any transaction of the server is older; a look from the first place on passes all of it. So while such looks are
 * slow they are made now and then, and leases in between begin where the last but one has found the oldest event: what
 * was committed later than events behind it is found by them, and by the next thorough look at the latest.
 *
 * @module
 */

/** A thorough look that takes longer than this is not made with every lease, in milliseconds. */
const SLOW_MS = 10;

/** How many times the time that it took the next one is put off, and for how long at most, in milliseconds. */
const PUT_OFF_TIMES = 20;
const MOST_PUT_OFF_MS = 1_000;

interface Front {
  /** The oldest event that the last look has found, and the one before it. */
  found: number | undefined;
  first: number | undefined;
  /** When the next thorough look is due, by `performance.now()`. */
  dueAt: number;
}

/** What this gateway knows of where channels begin. */
export class ChannelFronts {
  readonly #fronts = new Map<string, Front>();

  /** The place that a lease begins with; null for a thorough look. */
  first(channel: string): number | null {
    const front = this.#fronts.get(channel);
    return front?.first === undefined || performance.now() >= front.dueAt ? null : front.first;
  }

  /** A thorough look has found the oldest event of a channel. @param found `undefined` where there is none */
  looked(channel: string, found: number | undefined, tookMs: number): void {
    if (tookMs < SLOW_MS) {
      this.#fronts.delete(channel);
      return;
    }
    const before = this.#fronts.get(channel);
    const dueAt = performance.now() + Math.min(tookMs * PUT_OFF_TIMES, MOST_PUT_OFF_MS);
    this.#fronts.set(channel, { found: found ?? before?.found, first: before?.found, dueAt });
  }

  /** Older events than were found may be there. */
  forget(channel: string): void {
    this.#fronts.delete(channel);
  }
}
