/**
 * Long work in slices, between which everything else runs.
 *
 * @module
 */

import { setTimeout as sleep } from "node:timers/promises";

/** How long work may hold up everything else at a time, in milliseconds. */
const SLICE_MS = 5;
const FIRST_SLICE = 128;
const MAX_SLICE = 1_024;

/**
 * Lets everything that waits run: requests, timers, data from the network. It costs about a millisecond, which
 * `setImmediate()` does not: while one follows the other, the runtime (Deno 2.9.6) reads nothing from the network.
 */
export function breathe(): Promise<void> {
  return sleep(0);
}

/** Keeps a long piece of work from holding up everything else: call it before each step. */
export class Pace {
  readonly #signal: AbortSignal | undefined;
  readonly #sliceMs: number;
  #begun = performance.now();

  /**
   * @param signal ends the work. @default it goes on to its end
   * @param sliceMs how long it may hold up everything else at a time, in milliseconds. @default 5
   */
  constructor(signal?: AbortSignal, sliceMs: number = SLICE_MS) {
    this.#signal = signal;
    this.#sliceMs = sliceMs;
  }

  /**
   * Lets everything else run, when this work has run long enough.
   *
   * @throws {DOMException} `AbortError` when the signal has aborted
   */
  keep(): Promise<void> | undefined {
    this.#signal?.throwIfAborted();
    return performance.now() - this.#begun < this.#sliceMs ? undefined : this.#pause();
  }

  async #pause(): Promise<void> {
    await breathe();
    this.#begun = performance.now();
  }
}

/**
 * Does a lot of work in slices of about 8 ms, however long one item takes, and lets everything else run
 * between them.
 *
 * @param work is given each slice
 * @param belongTogether says that two neighbours must not be separated. @default never
 */
export async function inSlices<Item>(
  items: readonly Item[],
  work: (slice: readonly Item[]) => void,
  signal: AbortSignal,
  belongTogether: (left: Item, right: Item) => boolean = () => false,
): Promise<void> {
  let size = FIRST_SLICE;
  for (let start = 0; start < items.length;) {
    signal.throwIfAborted();
    let end = Math.min(start + size, items.length);
    while (end < items.length && belongTogether(items[end - 1]!, items[end]!)) end++;
    const begun = performance.now();
    work(items.slice(start, end));
    const fitting = (end - start) * SLICE_MS / Math.max(performance.now() - begun, 0.1);
    size = Math.max(1, Math.min(Math.ceil(fitting), size * 2, MAX_SLICE));
    start = end;
    if (start < items.length) await breathe();
  }
}
