/**
 * What tells the things that are made of one event for several destinations apart, where a system knows repetitions by
 * an id.
 *
 * @module
 */

import { createHash } from "node:crypto";

/** How much of the hash stands in the id of what is made of an event. */
const HASH_CHARACTERS = 8;

/**
 * Ends the ids of what is made of events for one destination, which begin with the event's. Steps of a chain make
 * several things of one event, and none must be taken for a repetition of another.
 *
 * @param destination the settings by which one destination differs from another
 */
export function idSuffixOf(destination: readonly unknown[]): string {
  const hash = createHash("sha256").update(JSON.stringify(destination)).digest("hex");
  return `-${hash.slice(0, HASH_CHARACTERS)}`;
}

/**
 * The ending for a step that hands events on in a form of its own: with equal settings otherwise, its messages are no
 * repetitions of those of other steps.
 *
 * @param form as `WebhookTraits` has it
 */
export function suffixInForm(idSuffix: string, form: string | undefined): string {
  return form === undefined ? idSuffix : idSuffixOf([idSuffix, form]);
}
