/**
 * Names of keys and channels in Redis, and what tells the events of one destination from those of another.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { z } from "zod";

const MAX_NAME = 255;

/** How much of the hash stands in the id of what is made of an event. */
const HASH_CHARACTERS = 8;

/** What a cluster chooses the node of a key by. */
const HASH_TAG = /^[^{]*\{([^}]+)\}/;

/** Piece of a schema: a name of 1 to 255 characters, none of which is a control character. */
export function nameField(): z.ZodString {
  return z.string().min(1).max(MAX_NAME).refine((name) => !/\p{Cc}/u.test(name), {
    error: "A name cannot contain control characters",
  });
}

/** The part of a key in braces, by which a cluster chooses its node; empty where there is none. */
export function hashTagOf(key: string): string {
  return HASH_TAG.exec(key)?.[1] ?? "";
}

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
