/**
 * A list whose items know their place, so that any of them leaves it at no cost.
 *
 * @module
 */

import { assertCount } from "../errors.ts";

/** Something that can stand in one {@linkcode LinkedList}. It is its own place there. */
export abstract class Listed<Item extends Listed<Item>> {
  /** @internal */
  list: LinkedList<Item> | undefined;
  /** @internal */
  previous: Item | undefined;
  /** @internal */
  next: Item | undefined;
}

/**
 * Items in the order in which they were added; each forgets its neighbours when it leaves.
 *
 * A `Map` would do, but not for V8's collector: one whose entries come and go is copied again and again, every
 * old copy refers to the next, and once one of them has become old, all items after it stay in memory, with
 * whatever they refer to, until the next full collection. For the events of a webhook that took a fifth of the
 * throughput.
 */
export class LinkedList<Item extends Listed<Item>> {
  #first: Item | undefined;
  #last: Item | undefined;
  #size = 0;

  /** The item that has been here longest. */
  get first(): Item | undefined {
    return this.#first;
  }

  get size(): number {
    return this.#size;
  }

  /** Adds an item at the end. One that stands in a list leaves it: in two, it would be in neither. */
  add(item: Item): void {
    item.list?.delete(item);
    item.list = this;
    item.previous = this.#last;
    if (this.#last === undefined) this.#first = item;
    else this.#last.next = item;
    this.#last = item;
    this.#size++;
  }

  /** Takes an item out; nothing happens when it is not in this list. */
  delete(item: Item): void {
    if (item.list !== this) return;
    if (item.previous === undefined) this.#first = item.next;
    else item.previous.next = item.next;
    if (item.next === undefined) this.#last = item.previous;
    else item.next.previous = item.previous;
    item.list = item.previous = item.next = undefined;
    this.#size = assertCount(this.#size - 1, "items of a list");
  }

  /** Takes all items out. */
  clear(): void {
    for (const item of this.toArray()) this.delete(item);
  }

  /** The items that are in the list now: it may change while they are looked at. */
  toArray(): readonly Item[] {
    const items: Item[] = [];
    for (let item = this.#first; item !== undefined; item = item.next) items.push(item);
    return items;
  }
}
