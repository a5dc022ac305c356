/**
 * Shows how far a replay is.
 *
 * @module
 */

/** How often it is shown on a terminal, and elsewhere, in milliseconds. */
const TERMINAL_MS = 200;
const ELSEWHERE_MS = 10_000;

/** Where the progress is shown. */
export interface ReplayProgressOptions {
  readonly isTerminal: boolean;
  readonly write: (text: string) => void;
}

/** Shows a count: in one place on a terminal, a line now and then elsewhere. Disposal ends the place. */
export class ReplayProgress implements Disposable {
  readonly #options: ReplayProgressOptions;
  #shownAt: number;
  #isOpen = false;

  constructor(options: ReplayProgressOptions) {
    this.#options = options;
    this.#shownAt = options.isTerminal ? -Infinity : performance.now();
  }

  /** @param now in milliseconds of the monotonic clock */
  show(done: string, now: number = performance.now()): void {
    const { isTerminal, write } = this.#options;
    if (now - this.#shownAt < (isTerminal ? TERMINAL_MS : ELSEWHERE_MS)) return;
    this.#shownAt = now;
    // What stood there may have been longer.
    write(isTerminal ? `\r${done}\x1b[K` : `${done}\n`);
    this.#isOpen = isTerminal;
  }

  [Symbol.dispose](): void {
    if (this.#isOpen) this.#options.write("\n");
    this.#isOpen = false;
  }
}
