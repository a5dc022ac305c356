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
 * Longest secret that is compared character by character, which takes a twentieth of a digest's time. Of longer ones
 * digests are compared.
 */
const MOST_CHARACTERS = 512;

/**
 * Prepares comparisons with one secret, in a time that depends on the length of what is presented only: neither the
 * secret's length nor where a guess differs shows in it.
 */
export function secretMatcher(secret: string): (presented: string) => boolean {
  if (secret.length <= MOST_CHARACTERS) return (presented) => isSecret(presented, secret);
  const expected = digest(secret);
  return (presented) => equalText(digest(presented), expected);
}

/**
 * The same with several secrets, all of which are compared with, whichever is equal.
 *
 * @returns finds the position of the first one that is equal; -1 when none is
 */
export function secretFinder(secrets: readonly string[]): (presented: string) => number {
  const matchers = secrets.map(secretMatcher);
  return (presented) => {
    let position = -1;
    for (let index = matchers.length - 1; index >= 0; index--) {
      if (matchers[index]!(presented)) position = index;
    }
    return position;
  };
}

/** Goes through all of what is presented, and through the secret again and again meanwhile. */
function isSecret(presented: string, secret: string): boolean {
  if (presented.length > MOST_CHARACTERS) return false;
  let difference = presented.length ^ secret.length;
  let place = 0;
  for (let index = 0; index < presented.length; index++) {
    difference |= presented.charCodeAt(index) ^ secret.charCodeAt(place);
    place = (place + 1) % secret.length;
  }
  return difference === 0;
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
