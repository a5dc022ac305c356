/**
 * Shows how far a migration is.
 *
 * @module
 */

const BAR_WIDTH = 30;

/** How many lines report the progress where there is no terminal. */
const STEPS = 10;

/** Options of {@linkcode Progress}. */
export interface ProgressOptions {
  /** How many keys there are to write. */
  readonly total: number;
  readonly isTerminal: boolean;
  readonly write: (text: string) => void;
}

/** Tells how far the writing is: a bar on a terminal, a line for every tenth elsewhere. Disposal ends the bar. */
export class Progress implements Disposable {
  readonly #options: ProgressOptions;
  #step = 0;
  #isOpen = false;

  constructor(options: ProgressOptions) {
    this.#options = options;
  }

  /** @param done how many keys are written */
  show(done: number): void {
    const { total, isTerminal, write } = this.#options;
    const count = `${done} of ${total} keys`;
    if (isTerminal) {
      const filled = Math.floor(BAR_WIDTH * done / total);
      write(`\r[${"#".repeat(filled)}${".".repeat(BAR_WIDTH - filled)}] ${count}`);
      this.#isOpen = true;
      return;
    }
    const step = Math.floor(STEPS * done / total);
    if (step > this.#step) write(`${count}\n`);
    this.#step = step;
  }

  [Symbol.dispose](): void {
    if (this.#isOpen) this.#options.write("\n");
  }
}
