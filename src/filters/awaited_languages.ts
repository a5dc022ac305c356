/**
 * Webhooks with expressions, which wait for what reads them: it is loaded with the first one.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";
import { loadedLanguages, loadLanguages, mayHaveExpressions } from "./languages.ts";
import { inSlices } from "../time/pace.ts";

/** Holds changes of webhooks back until expressions can be read. */
export class AwaitedLanguages<Change> {
  readonly #logger: Logger;
  readonly #apply: (puts: readonly Change[]) => void;
  readonly #onApplied: () => void;
  /** The newest change of each webhook by its path, after the older values that are put for the case that it is bad. */
  readonly #waiting = new Map<string, Change[]>();
  /** The webhooks of which an older value is held back, and the newer one follows. */
  readonly #expected = new Set<string>();
  #loading: Promise<void> | undefined;

  /**
   * @param apply takes what was held back
   * @param onApplied called when nothing is held back any more
   */
  constructor(logger: Logger, apply: (puts: readonly Change[]) => void, onApplied: () => void) {
    this.#logger = logger;
    this.#apply = apply;
    this.#onApplied = onApplied;
  }

  /** Whether something is held back. */
  get isWaiting(): boolean {
    return this.#loading !== undefined;
  }

  /**
   * Holds a change back, if it has to be. Nothing that was held back before it is applied after it.
   *
   * @param webhook as parsed; `undefined` where it is gone or cannot be parsed
   * @param isFormer whether a newer value follows, which takes its place unless it is bad
   */
  holdsBack(path: string, change: Change, webhook: unknown, isFormer = false): boolean {
    if (loadedLanguages() !== undefined && this.#waiting.size === 0) return false;
    const formers = this.#waiting.get(path);
    if (formers !== undefined && this.#expected.delete(path)) {
      formers.push(change);
      return true;
    }
    this.#waiting.delete(path);
    if (loadedLanguages() !== undefined || !mayHaveExpressions(webhook)) return false;
    this.#waiting.set(path, [change]);
    if (isFormer) this.#expected.add(path);
    this.#loading ??= this.#load();
    return true;
  }

  /** Whether a webhook is held back. */
  holds(path: string): boolean {
    return this.#waiting.has(path);
  }

  /** Resolves when nothing is held back. */
  async settled(): Promise<void> {
    await this.#loading;
  }

  async #load(): Promise<void> {
    try {
      await loadLanguages();
      await inSlices([...this.#waiting], (slice) => this.#applyNewest(slice), new AbortController().signal);
    } catch (error) {
      this.#logger.error("What reads expressions cannot be loaded: webhooks that have some are not served", {
        error,
      });
    }
    this.#loading = undefined;
    this.#onApplied();
  }

  #applyNewest(slice: readonly (readonly [path: string, puts: Change[]])[]): void {
    const newest = slice.filter(([path, puts]) => this.#waiting.get(path) === puts);
    for (const [path] of newest) this.#waiting.delete(path);
    this.#apply(newest.flatMap(([, puts]) => puts));
  }
}
