/**
 * Names of keys and channels in Redis.
 *
 * @module
 */

import { z } from "zod";

const MAX_NAME = 255;

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
