/**
 * The values that were in service before ones that could not take their place, so that the snapshot can hold both.
 *
 * @module
 */

import type { Standing } from "../provider.ts";
import type { FormerValue } from "./file.ts";

/**
 * Remembers, for keys whose newest value is not known to be in service, the value before it. A key whose newest value
 * turns out well is forgotten with the next {@linkcode LastGood.settle}.
 */
export class LastGood {
  #kept = new Map<string, FormerValue>();

  /**
   * A value is about to take the place of another one.
   *
   * @param former the other one; `undefined` where there is none, or it cannot be kept
   * @param standing how the other one stands
   */
  supersede(name: string, former: FormerValue | undefined, standing: Standing): void {
    if (former === undefined || standing === "former" || standing === "nothing") return;
    // What is not known yet is no better than what was in service before it.
    if (standing === "unknown" && this.#kept.has(name)) return;
    this.#kept.set(name, former);
  }

  /** The key is gone. */
  forget(name: string): void {
    if (this.#kept.size > 0) this.#kept.delete(name);
  }

  /** Forgets the keys whose newest value is in service, and those where no value is. */
  settle(standingOf: (name: string) => Standing): void {
    for (const name of this.#kept.keys()) {
      const standing = standingOf(name);
      if (standing === "served" || standing === "nothing") this.#kept.delete(name);
    }
  }

  /** What is remembered, at this moment. */
  copy(): ReadonlyMap<string, FormerValue> {
    return new Map(this.#kept);
  }
}

/** What a snapshot has of keys that are about to be read from their backend, for the first time in this process. */
export class StoredValues {
  readonly #rows: Map<
    string,
    readonly [text: string | null, revision: number, former: FormerValue | undefined]
  >;

  /** @param rows the keys of the snapshot */
  constructor(rows: Iterable<readonly [string, number, string | null, number?, FormerValue?]>) {
    this.#rows = new Map();
    for (const [name, revision, text, , former] of rows) this.#rows.set(name, [text, revision, former]);
  }

  /**
   * The value that has to be put before this one, so that it stays in service if this one is bad.
   *
   * @param text the value that the backend has now
   */
  before(name: string, text: string | null): FormerValue | undefined {
    const row = this.#rows.get(name);
    if (row === undefined) return undefined;
    const [stored, revision, former] = row;
    if (former !== undefined) return former[1] === text ? undefined : former;
    return stored === null || stored === text ? undefined : [revision, stored];
  }
}
