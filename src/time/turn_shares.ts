/**
 * Small steps of many at once, of which each is ready for its next one as soon as the last is done: without a bound
 * they would take turns among themselves, and nothing else would run.
 *
 * @module
 */

/** What a step counts as usually is known from about so many. */
const REMEMBERED_STEPS = 8;

/** So many steps in a turn of the event loop, whoever takes them; who waits longest is next. */
export class TurnShares {
  readonly #perTurn: number;
  readonly #waiting: (() => void)[] = [];
  #left: number;
  /** What a step has counted as of late, so that those of one turn are not too many together. */
  #usual = 1;
  #isScheduled = false;

  constructor(perTurn: number) {
    this.#perTurn = perTurn;
    this.#left = perTurn;
  }

  /** Takes a step, at once or in a later turn. */
  take(): Promise<void> | undefined {
    if (this.#left > 0 && this.#waiting.length === 0) {
      this.#left--;
      return undefined;
    }
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#schedule();
    });
  }

  /**
   * Counts a step that was taken as several more: it took longer than others. To be called for every step, where it is
   * for any.
   */
  charge(steps: number): void {
    this.#left -= steps;
    this.#usual += (1 + steps - this.#usual) / REMEMBERED_STEPS;
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    // Not setImmediate(): see `breathe()`.
    setTimeout(() => this.#beginTurn(), 0);
  }

  #beginTurn(): void {
    this.#isScheduled = false;
    // What was charged beyond a turn is taken from the next ones.
    this.#left = Math.min(this.#left, 0) + this.#perTurn;
    const fitting = this.#left > 0 ? Math.max(1, Math.floor(this.#left / this.#usual)) : 0;
    const next = this.#waiting.splice(0, fitting);
    this.#left -= next.length;
    for (const resolve of next) resolve();
    if (this.#waiting.length > 0) this.#schedule();
  }
}
