/**
 * Holds a batch back for a moment, in which others may join it.
 *
 * @module
 */

/** The wait of what comes first, over and over. */
export class Linger {
  readonly #milliseconds: number;
  readonly #onOver: () => void;
  /** When the one that waits longest came, by `performance.now()`; `undefined` while nothing waits. */
  #since: number | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param milliseconds how long it waits; 0 for not at all
   * @param onOver called when a wait that was asked about is over
   */
  constructor(milliseconds: number, onOver: () => void) {
    this.#milliseconds = milliseconds;
    this.#onOver = onOver;
  }

  /** Something came: it begins to wait, unless something waits already. */
  begin(): void {
    if (this.#milliseconds > 0) this.#since ??= performance.now();
  }

  /** Whether the one that waits longest has waited long enough. Otherwise `onOver` is called when it has. */
  isOver(): boolean {
    if (this.#since === undefined) return true;
    const leftMs = this.#since + this.#milliseconds - performance.now();
    if (leftMs <= 0) return true;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#onOver();
    }, leftMs);
    return false;
  }

  /** Nothing waits any more. */
  end(): void {
    this.#since = undefined;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
