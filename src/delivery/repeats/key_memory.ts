/**
 * Keys of the events that were accepted lately, in memory: bounded, and shared fairly by the webhooks.
 *
 * @module
 */

import { assertCount } from "../../errors.ts";
import { fairRoom } from "../../time/fair_share.ts";
import { LinkedList, Listed } from "../../time/linked_list.ts";

/** Most keys of all webhooks together; one alone has half of them. A key takes about 250 bytes. */
const MAX_KEYS = 100_000;

/** A key, in the order of the keys of its webhook. */
class Known extends Listed<Known> {
  constructor(readonly key: string, readonly eventId: string, readonly expiresAt: number) {
    super();
  }
}

/** The keys of one webhook. */
class WebhookKeys extends Listed<WebhookKeys> {
  readonly byKey = new Map<string, Known>();
  /** The oldest first. To ask a `Map` for its first key takes the longer the more were deleted: 22 µs with 50,000. */
  readonly inOrder = new LinkedList<Known>();

  /** @param path `namespace/id` */
  constructor(readonly path: string) {
    super();
  }
}

/** Forgets the oldest keys of a webhook that has its share, and each one when its time is over. */
export class KeyMemory {
  readonly #maxKeys: number;
  /** By `namespace/id`. None is empty. */
  readonly #webhooks = new Map<string, WebhookKeys>();
  /** The same, in the order in which they are looked through. */
  readonly #inTurn = new LinkedList<WebhookKeys>();
  #size = 0;

  constructor(maxKeys: number = MAX_KEYS) {
    this.#maxKeys = maxKeys;
  }

  get size(): number {
    return this.#size;
  }

  /** The id of the event that had the key; `undefined` when there is none, or it is forgotten. */
  find(path: string, key: string, now: number): string | undefined {
    const known = this.#webhooks.get(path)?.byKey.get(key);
    return known === undefined || known.expiresAt <= now ? undefined : known.eventId;
  }

  /** Remembers a key of a webhook as its newest one. */
  add(path: string, key: string, eventId: string, expiresAt: number, now: number): void {
    const keys = this.#keysOf(path);
    const former = keys.byKey.get(key);
    if (former !== undefined) this.#drop(keys, former);
    // Two for one, so that a webhook comes down to a share that has become smaller.
    for (let count = 0; count < 2 && this.#roomFor(keys) < 1; count++) this.#drop(keys, keys.inOrder.first);
    const known = new Known(key, eventId, expiresAt);
    keys.byKey.set(key, known);
    keys.inOrder.add(known);
    this.#size++;
    // With as many webhooks as keys nobody has a share.
    if (this.#size > this.#maxKeys) this.#dropOfNext();
    this.#sweepNext(now);
  }

  #keysOf(path: string): WebhookKeys {
    const found = this.#webhooks.get(path);
    if (found !== undefined) return found;
    const keys = new WebhookKeys(path);
    this.#webhooks.set(path, keys);
    this.#inTurn.add(keys);
    return keys;
  }

  #roomFor({ byKey }: WebhookKeys): number {
    return Math.ceil(fairRoom(byKey.size, this.#maxKeys - this.#size));
  }

  #drop(keys: WebhookKeys, known: Known | undefined): void {
    if (known === undefined) return;
    keys.byKey.delete(known.key);
    keys.inOrder.delete(known);
    this.#size = assertCount(this.#size - 1, "known keys");
  }

  #dropOfNext(): void {
    const next = this.#inTurn.first;
    if (next === undefined) return;
    this.#drop(next, next.inOrder.first);
    this.#forgetEmpty(next);
  }

  /** Of one webhook after the other, what is over: also of those that nobody sends to any more. */
  #sweepNext(now: number): void {
    const keys = this.#inTurn.first;
    if (keys === undefined) return;
    this.#inTurn.delete(keys);
    this.#inTurn.add(keys);
    let oldest = keys.inOrder.first;
    for (; oldest !== undefined && oldest.expiresAt <= now; oldest = keys.inOrder.first) {
      this.#drop(keys, oldest);
    }
    this.#forgetEmpty(keys);
  }

  #forgetEmpty(keys: WebhookKeys): void {
    if (keys.byKey.size > 0) return;
    this.#webhooks.delete(keys.path);
    this.#inTurn.delete(keys);
  }
}
