import type { Run } from "./run.ts";

/**
 * Runs in the order in which they were added; each is its own place, and forgets its neighbours when it leaves.
 *
 * A `Map` would do, but not for V8's collector: one whose entries come and go is copied again and again, every
 * old copy refers to the next, and once one of them has become old, all runs after it stay in memory, with
 * their events, until the next full collection. That took a fifth of the throughput.
 */
export class RunList {
  #first: Run | undefined;
  #last: Run | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(run: Run): void {
    run.list = this;
    run.previous = this.#last;
    if (this.#last === undefined) this.#first = run;
    else this.#last.next = run;
    this.#last = run;
    this.#size++;
  }

  /** Takes a run out; nothing happens when it is not in this list. */
  delete(run: Run): void {
    if (run.list !== this) return;
    if (run.previous === undefined) this.#first = run.next;
    else run.previous.next = run.next;
    if (run.next === undefined) this.#last = run.previous;
    else run.next.previous = run.previous;
    run.list = run.previous = run.next = undefined;
    this.#size--;
  }

  /** Takes all runs out. */
  clear(): void {
    for (const run of this.toArray()) this.delete(run);
  }

  /** The runs that are in the list now: it may change while they are looked at. */
  toArray(): readonly Run[] {
    const runs: Run[] = [];
    for (let run = this.#first; run !== undefined; run = run.next) runs.push(run);
    return runs;
  }
}
