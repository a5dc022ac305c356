/**
 * The newest of some values by their keys, within bounds on their number and on what they weigh together: what is kept
 * of tokens that were seen lately.
 *
 * @module
 */

interface Entry<Value> {
  readonly value: Value;
  readonly weight: number;
}

/** Keeps the newest values. */
export class NewestEntries<Value> {
  readonly #maxEntries: number;
  readonly #maxWeight: number;
  /** The oldest first. */
  readonly #entries = new Map<string, Entry<Value>>();
  #weight = 0;

  /** Past either bound the oldest entries are forgotten. */
  constructor(maxEntries: number, maxWeight: number) {
    this.#maxEntries = maxEntries;
    this.#maxWeight = maxWeight;
  }

  get(key: string): Value | undefined {
    return this.#entries.get(key)?.value;
  }

  /** @param weight roughly what key and value take in memory, in characters */
  set(key: string, value: Value, weight: number): void {
    this.delete(key);
    this.#entries.set(key, { value, weight });
    this.#weight += weight;
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#maxEntries && this.#weight <= this.#maxWeight) return;
      this.delete(oldest);
    }
  }

  delete(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#weight -= entry.weight;
  }

  clear(): void {
    this.#entries.clear();
    this.#weight = 0;
  }
}
