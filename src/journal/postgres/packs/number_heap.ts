/**
 * Numbers of packs, the smallest key first, in a few bytes each: a backlog has millions of them.
 *
 * @module
 */

const LEAST_CAPACITY = 16;

/** What stands in a {@linkcode NumberHeap}. */
export interface HeapItem {
  /** What the order is by. */
  readonly key: number;
  /** The pack's number. */
  readonly no: number;
  /** When the oldest event of the pack was received, in milliseconds since 1970. */
  readonly oldestAt: number;
}

/** Three numbers an item: its key, the pack, and the age of the pack. */
const FIELDS = 3;

/** A binary heap, in one array of numbers. */
export class NumberHeap {
  #fields = new Float64Array(LEAST_CAPACITY * FIELDS);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The item with the smallest key. */
  get first(): HeapItem | undefined {
    return this.#size === 0 ? undefined : this.#at(0);
  }

  push(key: number, no: number, oldestAt: number): void {
    if ((this.#size + 1) * FIELDS > this.#fields.length) this.#resize(this.#size * 2);
    let place = this.#size++;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (this.#fields[parent * FIELDS]! <= key) break;
      this.#copy(parent, place);
      place = parent;
    }
    this.#set(place, key, no, oldestAt);
  }

  /** Takes the item with the smallest key out. */
  pop(): HeapItem | undefined {
    const { first } = this;
    if (first === undefined) return undefined;
    const last = this.#at(--this.#size);
    if (this.#size > 0) this.#sink(last);
    if (this.#size > LEAST_CAPACITY && this.#size * FIELDS * 4 < this.#fields.length) {
      this.#resize(this.#size * 2);
    }
    return first;
  }

  /** Takes all items out whose keys are larger. Looks at each. */
  takeAbove(key: number): readonly HeapItem[] {
    const items = Array.from({ length: this.#size }, (_, index) => this.#at(index));
    this.clear();
    for (const item of items) if (item.key <= key) this.push(item.key, item.no, item.oldestAt);
    return items.filter((item) => item.key > key);
  }

  /** The oldest of all items, or, where there are more than `limit`, that of the smallest key. */
  oldestAt(limit: number): number | undefined {
    if (this.#size === 0) return undefined;
    let oldest = Infinity;
    for (let place = 0; place < (this.#size > limit ? 1 : this.#size); place++) {
      oldest = Math.min(oldest, this.#fields[place * FIELDS + 2]!);
    }
    return oldest;
  }

  clear(): void {
    this.#fields = new Float64Array(LEAST_CAPACITY * FIELDS);
    this.#size = 0;
  }

  /** Puts an item in the place of the first, and then where it belongs. */
  #sink({ key, no, oldestAt }: HeapItem): void {
    let place = 0;
    while (true) {
      let child = place * 2 + 1;
      if (child >= this.#size) break;
      if (child + 1 < this.#size && this.#fields[(child + 1) * FIELDS]! < this.#fields[child * FIELDS]!) {
        child++;
      }
      if (this.#fields[child * FIELDS]! >= key) break;
      this.#copy(child, place);
      place = child;
    }
    this.#set(place, key, no, oldestAt);
  }

  #at(place: number): HeapItem {
    const start = place * FIELDS;
    return { key: this.#fields[start]!, no: this.#fields[start + 1]!, oldestAt: this.#fields[start + 2]! };
  }

  #set(place: number, key: number, no: number, oldestAt: number): void {
    const start = place * FIELDS;
    this.#fields[start] = key;
    this.#fields[start + 1] = no;
    this.#fields[start + 2] = oldestAt;
  }

  #copy(from: number, to: number): void {
    this.#fields.copyWithin(to * FIELDS, from * FIELDS, (from + 1) * FIELDS);
  }

  #resize(capacity: number): void {
    const fields = new Float64Array(Math.max(LEAST_CAPACITY, capacity) * FIELDS);
    fields.set(this.#fields.subarray(0, this.#size * FIELDS));
    this.#fields = fields;
  }
}
