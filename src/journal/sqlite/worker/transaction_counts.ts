/** Counts by a number that follow the transaction that is open: its changes count once it is committed. */
export class TransactionCounts {
  readonly #counts = new Map<number, number>();
  readonly #changes = new Map<number, number>();
  #total = 0;

  /** Sets the counts that the file holds at the start. */
  load(counts: Iterable<readonly [key: number, count: number]>): void {
    this.#counts.clear();
    this.#total = 0;
    for (const [key, count] of counts) {
      this.#counts.set(key, count);
      this.#total += count;
    }
  }

  add(key: number, change: number): void {
    this.#changes.set(key, (this.#changes.get(key) ?? 0) + change);
  }

  commit(): void {
    for (const [key, change] of this.#changes) {
      const count = (this.#counts.get(key) ?? 0) + change;
      if (count === 0) this.#counts.delete(key);
      else this.#counts.set(key, count);
      this.#total += change;
    }
    this.#changes.clear();
  }

  rollback(): void {
    this.#changes.clear();
  }

  /** The count with the changes of the open transaction. */
  get(key: number): number {
    return (this.#counts.get(key) ?? 0) + (this.#changes.get(key) ?? 0);
  }

  /** Committed counts that are not 0. */
  entries(): Iterable<[key: number, count: number]> {
    return this.#counts.entries();
  }

  /** The sum of the committed counts. */
  get total(): number {
    return this.#total;
  }
}
