/**
 * The events that this process has claimed and knows of. When a commit fails at the very end, for example
 * since the disk could not confirm it, SQLite may find its changes on disk all the same when the file is
 * opened again: the file may then hold claims that were never confirmed.
 */
export class Claims {
  readonly #known = new Set<number>();
  #added: number[] = [];
  #removed: number[] = [];

  get known(): Iterable<number> {
    return this.#known;
  }

  has(sequence: number): boolean {
    return this.#known.has(sequence);
  }

  add(sequence: number): void {
    this.#added.push(sequence);
  }

  remove(sequence: number): void {
    this.#removed.push(sequence);
  }

  /** The open transaction came through. */
  commit(): void {
    for (const sequence of this.#added) this.#known.add(sequence);
    for (const sequence of this.#removed) this.#known.delete(sequence);
    this.rollback();
  }

  /** The open transaction was taken back. */
  rollback(): void {
    if (this.#added.length > 0) this.#added = [];
    if (this.#removed.length > 0) this.#removed = [];
  }

  /** No claim is known any more: the file that held them is gone. */
  clear(): void {
    this.#known.clear();
    this.rollback();
  }
}
