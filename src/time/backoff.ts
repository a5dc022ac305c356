/**
 * The pauses between attempts at what fails: each may be longer than the one before, up to a limit.
 *
 * @module
 */

/** How the bound of the pauses grows. */
export interface BackoffGrowth {
  /** The bound of the first pause, in milliseconds. */
  readonly initialMs: number;
  /** The bound of every pause, in milliseconds. */
  readonly maxMs: number;
  /** What the bound grows by from one pause to the next, at least 1. @default 2 */
  readonly multiplier?: number;
}

/** The bound of the pause after so many failures in a row, from 1; in milliseconds. */
export function backoffBoundMs(
  { initialMs, maxMs, multiplier = 2 }: BackoffGrowth,
  failures: number,
): number {
  // No more than the largest number: times an initial pause of 0, infinity would be no number.
  const growth = Math.min(multiplier ** (failures - 1), Number.MAX_VALUE);
  return Math.min(maxMs, initialMs * growth);
}

/**
 * A pause of which half is random: those that lost one server together do not come back in step, and none at once.
 *
 * @param random a number from 0 up to 1
 */
export function halfRandom(boundMs: number, random: number = Math.random()): number {
  return boundMs * (0.5 + 0.5 * random);
}

/** How long to wait before the next connection. */
export interface BackoffOptions extends BackoffGrowth {
  /** A number from 0 up to 1. @default Math.random */
  readonly random?: () => number;
}

/** The pauses between connections, half of each random. */
export class Backoff {
  readonly #options: BackoffOptions;
  #failures = 0;

  constructor(options: BackoffOptions) {
    this.#options = options;
  }

  /** A connection has held. */
  reset(): void {
    this.#failures = 0;
  }

  /** The pause after another failure, in milliseconds. */
  next(): number {
    const { random = Math.random } = this.#options;
    return halfRandom(backoffBoundMs(this.#options, ++this.#failures), random());
  }
}
