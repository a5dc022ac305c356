/**
 * Which keys this process has nothing in service of, while others may have.
 *
 * @module
 */

import type { Catalog } from "../config/catalog.ts";
import { isOfValue } from "../config/serving.ts";
import type { ConfigProvider } from "../config/provider.ts";

/** Keys that are listed by name. */
const LISTED_KEYS = 1_000;

/** Keys that this process cannot serve, and that others may. */
export interface Unserved {
  readonly count: number;
  /** The first ones, as problems name them. */
  readonly keys: readonly string[];
}

/**
 * Finds the keys whose newest value is bad, and of which this process has no older one in service, as processes may
 * that have run since then.
 */
export class UnservedKeys {
  readonly #catalog: Catalog;
  readonly #provider: ConfigProvider;
  #found: Unserved = { count: 0, keys: [] };
  /** The state of the problems that is known. */
  #seen = 0;

  constructor(catalog: Catalog, provider: ConfigProvider) {
    this.#catalog = catalog;
    this.#provider = provider;
  }

  /** Looks through the problems where they have changed since the last time. */
  find(): Unserved {
    const { problemChanges } = this.#catalog;
    if (problemChanges !== this.#seen) this.#found = this.#findNow();
    this.#seen = problemChanges;
    return this.#found;
  }

  #findNow(): Unserved {
    const found = new Set<string>();
    for (const problem of this.#catalog.problems()) {
      const { key, serving } = problem;
      if (serving === "nothing" && isOfValue(problem) && this.#provider.hadOtherValue?.(key) === true) {
        found.add(key);
      }
    }
    return { count: found.size, keys: [...found].slice(0, LISTED_KEYS) };
  }
}
