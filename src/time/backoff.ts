/** How long to wait before the next connection. Times are in milliseconds. */
export interface BackoffOptions {
  /** The upper bound of the first pause. */
  readonly initialMs: number;
  /** The upper bound of every pause. */
  readonly maxMs: number;
  readonly multiplier: number;
  /** A number from 0 up to 1. @default Math.random */
  readonly random?: () => number;
}

/** Exponential, and half of each pause random, so that connectors that lost one gateway do not come in step. */
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

  /** The pause after another failure. */
  next(): number {
    const { initialMs, maxMs, multiplier, random = Math.random } = this.#options;
    const bound = Math.min(maxMs, initialMs * multiplier ** Math.min(this.#failures++, 60));
    return bound * (0.5 + 0.5 * random());
  }
}
