/**
 * Values that several verifiers use, each made for its first holder and disposed with its last.
 *
 * @module
 */

import { assertCount } from "../../errors.ts";

/** A hold on a value that others may hold too. */
export interface Shared<Value> {
  readonly value: Value;
  /** Lets go. The value is disposed with its last holder. */
  release(): void;
}

interface Held<Value> {
  readonly value: Value;
  holders: number;
}

/** The values of one gateway, by keys. */
export class SharedValues<Value extends Disposable> implements Disposable {
  readonly #held = new Map<string, Held<Value>>();

  /** @param key equal for those that may share one. @param make the value, where there is none yet */
  hold(key: string, make: () => Value): Shared<Value> {
    let held = this.#held.get(key);
    if (held === undefined) this.#held.set(key, held = { value: make(), holders: 0 });
    held.holders++;
    return { value: held.value, release: () => this.#release(key, held) };
  }

  #release(key: string, held: Held<Value>): void {
    held.holders = assertCount(held.holders - 1, "holders of a shared value");
    if (held.holders > 0 || this.#held.get(key) !== held) return;
    this.#held.delete(key);
    held.value[Symbol.dispose]();
  }

  /** Disposes all that are still held. */
  [Symbol.dispose](): void {
    for (const { value } of this.#held.values()) value[Symbol.dispose]();
    this.#held.clear();
  }
}
