/**
 * Who waits for something to lease, in this process: a listener for each, and one timer a channel.
 *
 * @module
 */

/** The longest time that a timer can be set to; it is set again when it is over too early. */
const MAX_TIMER_MS = 2 ** 31 - 1;

interface Watched {
  readonly listeners: Set<() => void>;
  timer: ReturnType<typeof setTimeout> | undefined;
  /** When the timer is to fire, in milliseconds since 1970. */
  at: number;
}

/** Whoever wants to know when a channel may have something to lease. */
export class ChannelWatchers implements Disposable {
  readonly #watched = new Map<string, Watched>();
  readonly #now: () => number;

  /** @param now the time that times to be notified at are given in */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** The channels that somebody watches. */
  get channels(): Iterable<string> {
    return this.#watched.keys();
  }

  add(channel: string, listener: () => void): Disposable {
    const watched = this.#watched.get(channel) ?? { listeners: new Set(), timer: undefined, at: Infinity };
    this.#watched.set(channel, watched);
    // A function of its own: the same listener may watch twice.
    const own = () => listener();
    watched.listeners.add(own);
    return {
      [Symbol.dispose]: () => {
        watched.listeners.delete(own);
        if (watched.listeners.size > 0 || this.#watched.get(channel) !== watched) return;
        clearTimeout(watched.timer);
        this.#watched.delete(channel);
      },
    };
  }

  notify(channel: string): void {
    for (const listener of this.#watched.get(channel)?.listeners ?? []) listener();
  }

  /** Notifies at a time, in milliseconds since 1970 by `steadyNow`. Of several times the earliest counts. */
  notifyAt(channel: string, at: number): void {
    const watched = this.#watched.get(channel);
    if (watched === undefined || at >= watched.at) return;
    clearTimeout(watched.timer);
    watched.at = at;
    const delay = Math.min(Math.max(0, at - this.#now()), MAX_TIMER_MS);
    watched.timer = setTimeout(() => {
      watched.at = Infinity;
      this.notify(channel);
    }, delay);
  }

  [Symbol.dispose](): void {
    for (const { timer } of this.#watched.values()) clearTimeout(timer);
    this.#watched.clear();
  }
}
