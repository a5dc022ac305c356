/** What is fuzzed: a part of the program, and how inputs for it are made. */

import type { SeededRandom } from "../faults/random.ts";

/** A part of the program. */
export interface FuzzSubject {
  /** Selects it on the command line. */
  readonly name: string;
  /** Its share of all inputs, beside the shares of the others. */
  readonly share: number;
  /** Starts the part. */
  open(): Promise<OpenSubject>;
}

/** A part of the program that runs. */
export interface OpenSubject extends AsyncDisposable {
  /** Makes an input from the random numbers alone, but for what depends on time, such as a token that expires. */
  next(random: SeededRandom): FuzzInput | Promise<FuzzInput>;
}

/** One input. */
export interface FuzzInput {
  /**
   * Puts it in. May be called again.
   *
   * @returns a word for what came of it, to be counted
   * @throws {Error} when the program does what it must not do, whatever is put in
   */
  run(): Promise<string>;
  /** The input, for people. */
  describe(): string;
}
