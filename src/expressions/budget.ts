/**
 * What an expression may take of the thread and of memory, whatever it says and whatever it is asked about.
 *
 * @module
 */

/** What ran out: steps of work, characters of a text that is made, or the depth of values that are compared. */
export type BudgetLimit = "steps" | "text" | "depth";

/**
 * Steps that {@linkcode Budget} has where nothing else is said. A step is one part of an expression, one element, or
 * {@linkcode CHARACTERS_PER_STEP} characters; all of them together take less than 10 ms.
 */
export const MAX_STEPS = 100_000;

/** Longest text that an expression may make, in UTF-16 code units. */
export const MAX_TEXT = 1_048_576;

/** Deepest values that are compared, in lists and maps within each other. */
export const MAX_DEPTH = 200;

/** Characters of a text that are read or copied in about the time that anything else takes one step. */
export const CHARACTERS_PER_STEP = 64;

/** Ends an evaluation. No operator of the language sees it, so that none can go on without a budget. */
export class BudgetExhausted extends Error {
  constructor(readonly limit: BudgetLimit) {
    super(`The budget of ${limit} is exhausted`);
  }
}

/** Made once: a stack for each of them would cost more than the work that they end. */
const EXHAUSTED = {
  steps: new BudgetExhausted("steps"),
  text: new BudgetExhausted("text"),
  depth: new BudgetExhausted("depth"),
};

/**
 * Counts what evaluations take. One budget may be shared by several expressions, such as those of one payload: what the
 * first has spent is missing to the second.
 */
export class Budget {
  readonly #steps: number;
  #left: number;

  /** @param steps how many steps there are. @default 100,000 */
  constructor(steps: number = MAX_STEPS) {
    this.#steps = steps;
    this.#left = steps;
  }

  /** Steps that were spent, at most all that there were. */
  get used(): number {
    return this.#steps - Math.max(0, this.#left);
  }

  /** Has all its steps again: for the next evaluation that has nothing to do with those before. */
  refill(): void {
    this.#left = this.#steps;
  }

  /** Another budget with what is left of this one. */
  copy(): Budget {
    return new Budget(Math.max(0, this.#left));
  }

  /** @throws {BudgetExhausted} when that is more than what is left */
  spend(steps: number): void {
    this.#left -= steps;
    if (this.#left < 0) throw EXHAUSTED.steps;
  }

  /** Spends what it takes to read or to copy so many characters. @throws {BudgetExhausted} */
  spendText(characters: number): void {
    if (characters >= CHARACTERS_PER_STEP) this.spend(Math.floor(characters / CHARACTERS_PER_STEP));
  }

  /** Asked before a text of this length is made. @throws {BudgetExhausted} */
  spendMade(characters: number): void {
    this.checkText(characters);
    this.spendText(characters);
  }

  /** Asked how long a text is going to be. @throws {BudgetExhausted} */
  checkText(characters: number): void {
    if (characters > MAX_TEXT) throw EXHAUSTED.text;
  }

  /** Asked with how many lists and maps are around what is looked at. @throws {BudgetExhausted} */
  checkDepth(depth: number): void {
    if (depth > MAX_DEPTH) throw EXHAUSTED.depth;
  }
}
