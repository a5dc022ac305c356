/**
 * Keeps credentials out of what is shown. Vault's own words help to find a mistake, but a server (or a proxy
 * in front of it) may repeat what it was sent.
 *
 * @module
 */

import { escapeUnsafe } from "../../observability/safe_text.ts";
import { REDACTED } from "../../observability/redaction.ts";

/** Most credentials that are remembered; past it the oldest, long replaced, is forgotten. */
const MAX_SECRETS = 64;

/** Longest quotation, in characters. */
const MAX_LENGTH = 200;

/** The tokens, secret ids and other credentials that were sent to Vault. */
export class KnownSecrets {
  readonly #secrets = new Set<string>();

  /** Remembers a credential, before it is sent for the first time. */
  add(secret: string): void {
    if (secret === "") return;
    this.#secrets.delete(secret); // A Set keeps the order of insertion: the oldest stands first.
    this.#secrets.add(secret);
    for (const oldest of this.#secrets) {
      if (this.#secrets.size <= MAX_SECRETS) break;
      this.#secrets.delete(oldest);
    }
  }

  /** A foreign text on one line, shortened, and without the credentials. */
  clean(text: string): string {
    let clean = text;
    for (const secret of this.#secrets) clean = clean.replaceAll(secret, REDACTED);
    clean = clean.replaceAll(/\s+/g, " ").trim();
    return escapeUnsafe(clean.length > MAX_LENGTH ? `${clean.slice(0, MAX_LENGTH)}…` : clean);
  }
}
