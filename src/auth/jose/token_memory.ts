/**
 * Remembers tokens that were checked lately: senders present one for as long as it is good. A check with a shared
 * secret takes as long as ten look-ups, and one with a public key as long as hundreds.
 *
 * @module
 */

import { secretFingerprint } from "../crypto/constant_time.ts";
import { NewestEntries } from "../newest_entries.ts";

/** Most tokens that passed, and most of their characters together. */
const BOUNDS = {
  /** As few as one webhook has senders: of some of them each token is a new one. */
  quick: { tokens: 16, characters: 16 * 1024 },
  slow: { tokens: 256, characters: 256 * 1024 },
} as const;

/** Most forged tokens. Strangers can send them to each of very many webhooks: little is kept, and no text. */
const MAX_FORGED = 32;

/** A token that passed. */
export interface PassedToken {
  /** From when on it does not pass any more, in seconds since 1970. */
  readonly until: number;
  /** Counts that it has passed once more, where that is counted. */
  readonly count: (() => void) | undefined;
}

/**
 * Tokens that passed, and until when they do; and tokens whose signature was wrong, which never pass. They are kept
 * apart, so that strangers cannot have those that pass forgotten.
 */
export class TokenMemory {
  readonly #passed: NewestEntries<PassedToken>;
  /** By fingerprint. */
  readonly #forged: NewestEntries<true> | undefined;

  /** @param check how long that of a token takes: forged tokens are remembered where it is slow */
  constructor(check: keyof typeof BOUNDS) {
    const { tokens, characters } = BOUNDS[check];
    this.#passed = new NewestEntries(tokens, characters);
    this.#forged = check === "slow" ? new NewestEntries(MAX_FORGED, Infinity) : undefined;
  }

  /** @param now in seconds since 1970 */
  recall(token: string, now: number): PassedToken | "forged" | undefined {
    const passed = this.#passed.get(token);
    if (passed === undefined) return this.#forged?.get(secretFingerprint(token)) && "forged";
    if (now < passed.until) return passed;
    this.#passed.delete(token);
    return undefined;
  }

  notePassed(token: string, passed: PassedToken): void {
    this.#passed.set(token, passed, token.length);
  }

  noteForged(token: string): void {
    this.#forged?.set(secretFingerprint(token), true, 1);
  }

  /** The keys have changed. */
  clear(): void {
    this.#passed.clear();
    this.#forged?.clear();
  }
}
