/**
 * Many deadlines at the price of one timer. A timer per request costs more than the request's own work,
 * so deadlines of nearly equal length share a queue in which the first to be set is the first to expire, and
 * a coarse tick looks at the heads only.
 *
 * @module
 */

import { LinkedList, Listed } from "./linked_list.ts";
import { NextTurn } from "./next_turn.ts";

/**
 * How often expired deadlines are looked for, in milliseconds. Lengths are rounded up to whole ticks, so that few
 * queues are enough, and a deadline fires up to twice this much after that.
 */
const TICK_MS = 50;

/**
 * After so long without a tick the process stood still, in milliseconds: it was frozen, or one turn was long. Timers then
 * come before what has arrived meanwhile is read, so the answer that a deadline waits for may be there.
 */
const STALL_MS = 500;

/** More that expire together, as when a server stops answering, are spread over several turns of the event loop. */
const MAX_PER_TURN = 64;

/**
 * Something that does not wait for ever. It is its own place in the queue, so that setting and clearing a
 * deadline neither allocates nor hashes anything.
 */
export abstract class Deadline extends Listed<Deadline> {
  /** @internal */
  expiresAt = 0;

  /** Called once when the deadline passes. Must not throw. */
  abstract expire(): void;
}

/** Sets and fires deadlines. While none is set, no timer runs. */
export class Deadlines implements Disposable {
  /** By their length in milliseconds, each in the order of expiry. */
  readonly #queues = new Map<number, LinkedList<Deadline>>();
  /** The time of the last tick: reading the clock for each deadline would cost more than setting it. */
  #now = 0;
  #isDisposed = false;
  /** Whether the last tick came late. Two in a row expire what is due: a busy process has deadlines, too. */
  #wasLate = false;
  #timer: ReturnType<typeof setInterval> | undefined;
  readonly #nextTurn = new NextTurn(() => this.#tick());

  /**
   * The time of `performance.now()`, as it was at the last tick: not older than a tick and the turn that runs. It
   * costs nothing, where reading the clock costs as much as looking a webhook up.
   */
  get coarseNow(): number {
    return this.#timer === undefined ? performance.now() : this.#now;
  }

  /**
   * Expires the owner after `milliseconds`, unless cleared before; never earlier. An owner has one deadline at a
   * time: the one that it is given takes the place of the one that it has. After the disposal nothing expires any more.
   */
  set(milliseconds: number, owner: Deadline): void {
    if (this.#isDisposed) return;
    const length = Math.ceil(milliseconds / TICK_MS) * TICK_MS;
    let queue = this.#queues.get(length);
    if (queue === undefined) this.#queues.set(length, queue = new LinkedList());
    if (this.#timer === undefined) this.#start();
    // One tick more, since the last one may have been almost that long ago: never early.
    owner.expiresAt = this.#now + TICK_MS + length;
    queue.add(owner);
  }

  /** Takes the owner's deadline back; nothing happens when it has passed already. */
  clear(owner: Deadline): void {
    owner.list?.delete(owner);
  }

  /** Resolves after `milliseconds`, never earlier. */
  wait(milliseconds: number): Promise<void> {
    // Waits are few, and what they keep apart matters: the last tick may be long ago after a long turn.
    this.#now = performance.now();
    return new Promise((resolve) => this.set(milliseconds, new Timer(resolve)));
  }

  /** A signal that aborts after `milliseconds`, never earlier. */
  signal(milliseconds: number): AbortSignal {
    const controller = new AbortController();
    void this.wait(milliseconds).then(() =>
      controller.abort(new DOMException("Signal timed out.", "TimeoutError"))
    );
    return controller.signal;
  }

  /** Drops all deadlines without firing them. */
  [Symbol.dispose](): void {
    this.#isDisposed = true;
    this.#queues.clear();
    this.#stop();
  }

  #start(): void {
    this.#now = performance.now();
    this.#timer = setInterval(() => this.#onTime(), TICK_MS);
  }

  #onTime(): void {
    const isLate = performance.now() - this.#now > STALL_MS && !this.#wasLate;
    this.#wasLate = isLate;
    if (isLate) this.#now = performance.now();
    else this.#tick();
  }

  #tick(): void {
    const now = this.#now = performance.now();
    let left = MAX_PER_TURN;
    for (const [length, queue] of this.#queues) {
      for (let owner = queue.first; owner !== undefined && owner.expiresAt <= now; owner = queue.first) {
        if (left-- === 0) return this.#nextTurn.ask();
        queue.delete(owner);
        owner.expire();
      }
      if (queue.first === undefined) this.#queues.delete(length);
    }
    if (this.#queues.size === 0) this.#stop();
  }

  #stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

/** Calls a function once its time has come. */
export class Timer extends Deadline {
  constructor(override readonly expire: () => void) {
    super();
  }
}
