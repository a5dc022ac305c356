/**
 * Comparisons of secrets that take the same time wherever the texts differ, so that an attacker cannot
 * find a secret out character by character.
 *
 * @module
 */

import { hash, randomUUID } from "node:crypto";

/**
 * Whether two texts are equal, in a time that depends on their lengths only. For texts whose length is no
 * secret, such as digests.
 *
 * Written out because `crypto.timingSafeEqual` throws on unequal lengths, takes bytes, and costs five
 * times as much for a digest.
 */
export function equalText(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let index = 0; index < a.length; index++) difference |= a.charCodeAt(index) ^ b.charCodeAt(index);
  return difference === 0;
}

/**
 * Prepares comparisons with one secret. Digests are compared, so neither the secret's length nor where a
 * guess differs shows in the time; only the digest of the secret is kept.
 */
export function secretMatcher(secret: string): (presented: string) => boolean {
  const expected = digest(secret);
  return (presented) => equalText(digest(presented), expected);
}

/**
 * The same with several secrets, all of which are compared with, whichever is equal.
 *
 * @returns finds the position of the first one that is equal; -1 when none is
 */
export function secretFinder(secrets: readonly string[]): (presented: string) => number {
  const expected = secrets.map(digest);
  return (presented) => {
    const found = digest(presented);
    let position = -1;
    for (let index = expected.length - 1; index >= 0; index--) {
      if (equalText(found, expected[index]!)) position = index;
    }
    return position;
  };
}

/** Unlike those of any other process: nobody can look a fingerprint up. */
const PROCESS_KEY = randomUUID();

/** A text that is equal for equal secrets, within this process, and says nothing about them. */
export function secretFingerprint(secret: string): string {
  return digest(PROCESS_KEY + secret);
}

function digest(text: string): string {
  return hash("sha256", text, "hex");
}
