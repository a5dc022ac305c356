/**
 * One document on its way through a schema: how much work is left, what has been looked at, and where it failed.
 *
 * @module
 */

import { tokenOf } from "../pointer.ts";
import type { Resource } from "./places.ts";

/** The document would take more work than one document may. */
export class WorkExceeded extends Error {
  override readonly name = "WorkExceeded";
}

/** Holds a value against a schema or a keyword. @param seen what has been looked at, where that matters */
export type Check = (value: unknown, run: Run, seen: Seen | undefined) => boolean;

/** What of one object or array other keywords have looked at, for `unevaluatedProperties` and `unevaluatedItems`. */
export class Seen {
  readonly properties = new Set<string>();
  readonly items = new Set<number>();
  hasAllProperties = false;
  hasAllItems = false;
  /** All items before this one. */
  itemsUpTo = 0;

  add(other: Seen): void {
    for (const name of other.properties) this.properties.add(name);
    for (const index of other.items) this.items.add(index);
    this.hasAllProperties ||= other.hasAllProperties;
    this.hasAllItems ||= other.hasAllItems;
    this.itemsUpTo = Math.max(this.itemsUpTo, other.itemsUpTo);
  }

  hasProperty(name: string): boolean {
    return this.hasAllProperties || this.properties.has(name);
  }

  hasItem(index: number): boolean {
    return this.hasAllItems || index < this.itemsUpTo || this.items.has(index);
  }
}

/** The state of one validation. */
export class Run {
  #steps: number;
  /** The way to the value that failed, from the inside to the outside. It is written down on the way back only. */
  readonly #path: (string | number)[] = [];
  #keyword: string | undefined;
  /** The resources that were entered, the outermost first. Kept for schemas with `$dynamicRef` alone. */
  readonly scope: Resource[] = [];

  /** @param steps how many schemas may be held against values, and how much else may be done */
  constructor(steps: number) {
    this.#steps = steps;
  }

  /** @throws {WorkExceeded} when there is nothing left to spend */
  spend(steps: number): void {
    this.#steps -= steps;
    if (this.#steps < 0) throw new WorkExceeded();
  }

  /** The value failed a keyword; the innermost one counts. */
  fail(keyword: string): false {
    this.#keyword ??= keyword;
    return false;
  }

  /** What failed is in the value under this name or number. */
  failIn(step: string | number): false {
    this.#path.push(step);
    return false;
  }

  /** Whether a value passes, where it may fail: a failure leaves nothing behind. */
  attempt(check: Check, value: unknown, seen: Seen | undefined): boolean {
    const { length } = this.#path;
    const keyword = this.#keyword;
    const depth = this.scope.length;
    if (check(value, this, seen)) return true;
    this.#path.length = length;
    this.#keyword = keyword;
    this.scope.length = depth;
    return false;
  }

  /** Where the document failed, and by which keyword. */
  get failure(): { readonly pointer: string; readonly keyword: string } {
    const pointer = this.#path.toReversed().map((step) => `/${tokenOf(step)}`).join("");
    return { pointer, keyword: this.#keyword ?? "false" };
  }
}
