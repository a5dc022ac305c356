/**
 * Remembers tokens that were checked lately: senders present one for as long as it is good, and checking a signature
 * with a public key takes as long as hundreds of look-ups.
 *
 * @module
 */

/** Most tokens of each kind, and most of their characters together; past it the oldest are forgotten. */
const MAX_TOKENS = 256;
const MAX_CHARACTERS = 256 * 1024;

/** The newest of some texts, each with a value, within bounds on their number and length. */
class Newest<Value> {
  readonly #values = new Map<string, Value>();
  #characters = 0;

  get(text: string): Value | undefined {
    return this.#values.get(text);
  }

  set(text: string, value: Value): void {
    if (!this.#values.has(text)) this.#characters += text.length;
    this.#values.set(text, value);
    for (const oldest of this.#values.keys()) {
      if (this.#values.size <= MAX_TOKENS && this.#characters <= MAX_CHARACTERS) return;
      this.delete(oldest);
    }
  }

  delete(text: string): void {
    if (this.#values.delete(text)) this.#characters -= text.length;
  }

  clear(): void {
    this.#values.clear();
    this.#characters = 0;
  }
}

/**
 * Tokens that passed, and until when they do; and tokens whose signature was wrong, which never pass. They are kept
 * apart, so that strangers cannot have those that pass forgotten.
 */
export class TokenMemory {
  readonly #passed = new Newest<number>();
  readonly #forged = new Newest<true>();

  /** @param now in seconds since 1970 */
  recall(token: string, now: number): "passes" | "is forged" | undefined {
    const until = this.#passed.get(token);
    if (until === undefined) return this.#forged.get(token) && "is forged";
    if (now < until) return "passes";
    this.#passed.delete(token);
    return undefined;
  }

  /** @param until from when on it does not pass any more, in seconds since 1970 */
  notePassed(token: string, until: number): void {
    this.#passed.set(token, until);
  }

  noteForged(token: string): void {
    this.#forged.set(token, true);
  }

  /** The keys have changed. */
  clear(): void {
    this.#passed.clear();
    this.#forged.clear();
  }
}
