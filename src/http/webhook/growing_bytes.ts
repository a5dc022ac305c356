const encoder = new TextEncoder();

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

  /** All of them, in a buffer without more room. To be called once, at the end. */
  take(): Uint8Array<ArrayBuffer> {
    const pieces = this.#pieces;
    this.#pieces = [];
    if (pieces.length === 1) return pieces[0]!;
    const whole = new Uint8Array(this.#size);
    let at = 0;
    for (const piece of pieces) {
      whole.set(piece, at);
      at += piece.byteLength;
      giveBack(piece);
    }
    return whole;
  }

  [Symbol.dispose](): void {
    for (const piece of this.#pieces) giveBack(piece);
    this.#pieces = [];
  }
}

/** At once, and not when it is collected. */
function giveBack(piece: Uint8Array<ArrayBuffer>): void {
  piece.buffer.transfer(0);
}
