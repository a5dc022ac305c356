/**
 * Credentials that were wrong, for schemes that calculate for some time to find that out: strangers send the same ones
 * again and again.
 *
 * @module
 */

import { NewestEntries } from "./newest_entries.ts";
import type { Refusal } from "./verifier.ts";

/** Most credentials that are remembered, of all webhooks together, and most of their characters. */
const MAX_CREDENTIALS = 256;
const MAX_CHARACTERS = 256 * 1024;

interface Refused {
  /** The verifier, whose configuration does not change. */
  readonly by: object;
  readonly covered: string;
  readonly refusal: Refusal;
}

const newest = new NewestEntries<Refused>(MAX_CREDENTIALS, MAX_CHARACTERS);

/**
 * Why a verifier has refused these credentials before; `undefined` where it has not.
 *
 * @param covered what else of the request the refusal depends on, such as its method
 */
export function recallRefused(by: object, credentials: string, covered: string): Refusal | undefined {
  const refused = newest.get(credentials);
  return refused?.by === by && refused.covered === covered ? refused.refusal : undefined;
}

/**
 * Remembers that a verifier refuses these credentials: a refusal that depends on the time or on the body is not for this.
 *
 * @param covered as of {@linkcode recallRefused}
 * @returns the refusal
 */
export function noteRefused(by: object, credentials: string, covered: string, refusal: Refusal): Refusal {
  newest.set(credentials, { by, covered, refusal }, credentials.length + covered.length);
  return refusal;
}
