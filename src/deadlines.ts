/**
 * Many deadlines at the price of one timer. A timer per request costs more than the request's own work,
 * so deadlines of equal length share a queue in which the first to be set is the first to expire, and a
 * coarse tick looks at the heads only.
 *
 * @module
 */

/** How often expired deadlines are looked for, in milliseconds: a deadline fires up to twice this much late. */
const TICK_MS = 50;

/** Something that does not wait for ever. */
export interface Expiring {
  /** Called once when the deadline passes. Must not throw. */
  expire(): void;
}

/** Sets and fires deadlines. While none is set, no timer runs. */
export class Deadlines implements Disposable {
  /** By length; within a queue in the order of expiry. */
  readonly #queues = new Map<number, Map<Expiring, number>>();
  /** The time of the last tick: reading the clock for each deadline would cost more than setting it. */
  #now = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  /**
   * Expires the owner after `milliseconds`, unless cleared before. An owner has one deadline of a length.
   *
   * @param milliseconds use few different values: each has a queue of its own
   */
  set(milliseconds: number, owner: Expiring): void {
    let queue = this.#queues.get(milliseconds);
    if (queue === undefined) this.#queues.set(milliseconds, queue = new Map());
    if (this.#timer === undefined) this.#start();
    // One tick more, since the last one may have been almost that long ago: never early.
    queue.set(owner, this.#now + TICK_MS + milliseconds);
  }

  /** Takes the owner's deadline of that length back; nothing happens when it has passed already. */
  clear(milliseconds: number, owner: Expiring): void {
    this.#queues.get(milliseconds)?.delete(owner);
  }

  /** Resolves after `milliseconds`. */
  wait(milliseconds: number): Promise<void> {
    return new Promise((resolve) => this.set(milliseconds, { expire: resolve }));
  }

  /** Drops all deadlines without firing them. */
  [Symbol.dispose](): void {
    this.#queues.clear();
    this.#stop();
  }

  #start(): void {
    this.#now = performance.now();
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  #tick(): void {
    const now = this.#now = performance.now();
    let waiting = false;
    for (const [milliseconds, queue] of this.#queues) {
      for (const [owner, expiresAt] of queue) {
        if (expiresAt > now) break;
        queue.delete(owner);
        owner.expire();
      }
      if (queue.size > 0) waiting = true;
      else this.#queues.delete(milliseconds);
    }
    if (!waiting) this.#stop();
  }

  #stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
