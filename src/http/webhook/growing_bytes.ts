const encoder = new TextEncoder();

/** Bytes that come piece by piece, in one buffer that grows with them. Disposal gives back what nobody took. */
export class GrowingBytes implements Disposable {
  #bytes = new Uint8Array(0);
  #size = 0;

  /** How many there are so far. */
  get size(): number {
    return this.#size;
  }

  append(piece: Uint8Array): void {
    const size = this.#size + piece.byteLength;
    if (size > this.#bytes.byteLength) this.#resize(Math.max(size, 2 * this.#bytes.byteLength));
    this.#bytes.set(piece, this.#size);
    this.#size = size;
  }

  /** @param text without half of a character at either end */
  appendText(text: string): void {
    this.append(encoder.encode(text));
  }

  /** All of them, in a buffer without more room. To be called once, at the end. */
  take(): Uint8Array<ArrayBuffer> {
    this.#resize(this.#size);
    const taken = this.#bytes;
    this.#bytes = new Uint8Array(0);
    return taken;
  }

  [Symbol.dispose](): void {
    this.#resize(0);
  }

  /** What was there is given back at once, and not when it is collected. */
  #resize(room: number): void {
    this.#bytes = new Uint8Array(this.#bytes.buffer.transfer(room));
  }
}
