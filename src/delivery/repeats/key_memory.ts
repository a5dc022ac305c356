/**
 * Keys of the events that were accepted lately, in memory: bounded, and shared fairly by the webhooks.
 *
 * @module
 */

import { assertCount } from "../../errors.ts";
import { fairRoom } from "../../time/fair_share.ts";

/** Most keys of all webhooks together; one alone has half of them. A key takes about 250 bytes. */
const MAX_KEYS = 100_000;

interface Known {
  readonly eventId: string;
  readonly expiresAt: number;
}

/** Forgets the oldest keys of a webhook that has its share, and each one when its time is over. */
export class KeyMemory {
  readonly #maxKeys: number;
  /** By `namespace/id`; the oldest key first. None is empty. */
  readonly #webhooks = new Map<string, Map<string, Known>>();
  #size = 0;
  /** Whose keys are looked through next. */
  #next: Iterator<string> | undefined;

  constructor(maxKeys: number = MAX_KEYS) {
    this.#maxKeys = maxKeys;
  }

  get size(): number {
    return this.#size;
  }

  /** The id of the event that had the key; `undefined` when there is none, or it is forgotten. */
  find(path: string, key: string, now: number): string | undefined {
    const known = this.#webhooks.get(path)?.get(key);
    return known === undefined || known.expiresAt <= now ? undefined : known.eventId;
  }

  /** Remembers a key of a webhook as its newest one. */
  add(path: string, key: string, eventId: string, expiresAt: number, now: number): void {
    let keys = this.#webhooks.get(path);
    if (keys === undefined) this.#webhooks.set(path, keys = new Map());
    if (keys.delete(key)) this.#size--;
    // Two for one, so that a webhook comes down to a share that has become smaller.
    for (let count = 0; count < 2 && keys.size > 0 && this.#roomFor(keys) < 1; count++) {
      this.#dropOldest(keys);
    }
    keys.set(key, { eventId, expiresAt });
    this.#size++;
    // With as many webhooks as keys nobody has a share.
    if (this.#size > this.#maxKeys) this.#dropFirst();
    this.#sweepNext(now);
  }

  #roomFor(keys: ReadonlyMap<string, Known>): number {
    return Math.ceil(fairRoom(keys.size, this.#maxKeys - this.#size));
  }

  #dropFirst(): void {
    const [first] = this.#webhooks;
    if (first === undefined) return;
    const [path, keys] = first;
    this.#dropOldest(keys);
    if (keys.size === 0) this.#webhooks.delete(path);
  }

  #dropOldest(keys: Map<string, Known>): void {
    const [oldest] = keys.keys();
    if (oldest !== undefined && keys.delete(oldest)) this.#size = assertCount(this.#size - 1, "known keys");
  }

  /** Of one webhook after the other, what is over: also of those that nobody sends to any more. */
  #sweepNext(now: number): void {
    this.#next ??= this.#webhooks.keys();
    const { done, value: path } = this.#next.next();
    if (done === true) {
      this.#next = undefined;
      return;
    }
    const keys = this.#webhooks.get(path);
    if (keys === undefined) return;
    for (const { expiresAt } of keys.values()) {
      if (expiresAt > now) break;
      this.#dropOldest(keys);
    }
    if (keys.size === 0) this.#webhooks.delete(path);
  }
}
