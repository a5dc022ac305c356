/**
 * Bytes of which nobody knows beforehand how many there will be.
 *
 * @module
 */

const encoder = new TextEncoder();

/** After how many bytes joining them may be interrupted. */
const JOINED_AT_A_TIME = 256 * 1024;

/**
 * Bytes that come piece by piece, kept as they come and joined once: a buffer that grows with them would be copied
 * again and again. Disposal gives back what nobody took.
 */
export class GrowingBytes implements Disposable {
  #pieces: Uint8Array<ArrayBuffer>[] = [];
  #size = 0;

  /** How many there are so far. */
  get size(): number {
    return this.#size;
  }

  /** @param piece is copied: its memory may be used again */
  append(piece: Uint8Array): void {
    this.#add(new Uint8Array(piece));
  }

  /** @param text without half of a character at either end */
  appendText(text: string): void {
    this.#add(encoder.encode(text));
  }

  #add(piece: Uint8Array<ArrayBuffer>): void {
    this.#pieces.push(piece);
    this.#size += piece.byteLength;
  }

  /**
   * All of them, in a buffer without more room. To be called once, at the end. It may be interrupted wherever it yields,
   * which says how many bytes there are.
   */
  *take(): Generator<number, Uint8Array<ArrayBuffer>, void> {
    const pieces = this.#pieces;
    if (pieces.length === 1) return pieces.pop()!;
    const whole = new Uint8Array(this.#size);
    let at = 0;
    for (const piece of pieces) {
      whole.set(piece, at);
      at += piece.byteLength;
      giveBack(piece);
      if (at % JOINED_AT_A_TIME < piece.byteLength) yield this.#size;
    }
    this.#pieces = [];
    return whole;
  }

  [Symbol.dispose](): void {
    for (const piece of this.#pieces) giveBack(piece);
    this.#pieces = [];
  }
}

/** At once, and not when it is collected; one that has been given back already is left. */
function giveBack(piece: Uint8Array<ArrayBuffer>): void {
  if (!piece.buffer.detached) piece.buffer.transfer(0);
}
