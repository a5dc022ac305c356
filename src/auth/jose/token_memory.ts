/**
 * Remembers tokens that were checked lately: senders present one for as long as it is good, and checking a signature
 * with a public key takes as long as hundreds of look-ups.
 *
 * @module
 */

import { NewestEntries } from "../newest_entries.ts";

/** Most tokens of each kind, and most of their characters together. */
const MAX_TOKENS = 256;
const MAX_CHARACTERS = 256 * 1024;

/**
 * Tokens that passed, and until when they do; and tokens whose signature was wrong, which never pass. They are kept
 * apart, so that strangers cannot have those that pass forgotten.
 */
export class TokenMemory {
  readonly #passed = new NewestEntries<number>(MAX_TOKENS, MAX_CHARACTERS);
  readonly #forged = new NewestEntries<true>(MAX_TOKENS, MAX_CHARACTERS);

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
    this.#passed.set(token, until, token.length);
  }

  noteForged(token: string): void {
    this.#forged.set(token, true, token.length);
  }

  /** The keys have changed. */
  clear(): void {
    this.#passed.clear();
    this.#forged.clear();
  }
}
