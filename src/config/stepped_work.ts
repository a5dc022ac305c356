/**
 * Work of which there is nearly always little, and sometimes a hundred thousand times as much: the little is done at
 * once, so that whoever asks for it finds it done, and the rest in slices between which everything else runs.
 *
 * @module
 */

import { breathe } from "../time/pace.ts";

/** Steps at a time, of some microseconds each. A number and not a time: what is done at once must not depend on it. */
export const STEPS_AT_A_TIME = 512;

/** Jobs of many small steps. A job is an iterator that does one step each time it is asked for its next value. */
export class SteppedWork implements AsyncDisposable {
  readonly #onDone: (error?: unknown) => void;
  #open: Iterator<unknown>[] = [];
  #running: Promise<void> | undefined;
  #isClosed = false;

  /**
   * @param onDone called when what could not be done at once is done, and with what a step of it has thrown: its job
   *   ends with that, the others go on
   */
  constructor(onDone: (error?: unknown) => void) {
    this.#onDone = onDone;
  }

  /** Whether something is yet to be done. */
  get isOpen(): boolean {
    return this.#open.length > 0;
  }

  /**
   * Does the first {@linkcode STEPS_AT_A_TIME} steps at once. If that was not all, the rest follows in the next turns,
   * in which each job has the same number of steps: none waits for the end of another one.
   *
   * @throws what one of the first steps throws
   */
  do(steps: Iterator<unknown>): void {
    if (this.#isClosed || advance(steps)) return;
    this.#open.push(steps);
    this.#running ??= this.#run();
  }

  /** Resolves when everything is done. */
  async settled(): Promise<void> {
    await this.#running;
  }

  /** Drops what is not done. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#open = [];
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.isOpen) {
      for (const steps of this.#open) {
        await breathe();
        if (this.#isClosed) break;
        this.#advance(steps);
      }
    }
    this.#running = undefined;
    if (!this.#isClosed) this.#onDone();
  }

  #advance(steps: Iterator<unknown>): void {
    let isDone = true;
    try {
      isDone = advance(steps);
    } catch (error) {
      this.#onDone(error);
    }
    if (isDone) this.#open = this.#open.filter((open) => open !== steps);
  }
}

/** Returns whether the job is done. */
function advance(steps: Iterator<unknown>): boolean {
  for (let step = 0; step < STEPS_AT_A_TIME; step++) {
    if (steps.next().done === true) return true;
  }
  return false;
}
