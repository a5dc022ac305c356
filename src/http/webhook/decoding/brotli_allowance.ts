/** Damaged Brotli bodies that one process decodes. */
const MOST_DAMAGED = 100;

/**
 * How many more damaged Brotli bodies may be met. With some damaged data the runtime's decoder loses memory for ever, up
 * to megabytes with a body of a hundred bytes (Deno 2.9.6), and does not say with which. So that nobody can take all
 * memory, Brotli is not undone any more after a hundred such bodies, until the gateway is started again.
 */
export class BrotliAllowance {
  #left = MOST_DAMAGED;

  get isUsedUp(): boolean {
    return this.#left === 0;
  }

  /** A body was damaged. */
  noteDamaged(): void {
    if (this.#left > 0) this.#left--;
  }
}
