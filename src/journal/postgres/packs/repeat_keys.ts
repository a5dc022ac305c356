/**
 * Keys of repeated events, as the table `idempotency` has them.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { hash } from "node:crypto";
import type { RepeatKey, RepeatKind } from "../../../event/repeat_key.ts";

/** The first byte of a key says of which kind it is. */
const KINDS: Readonly<Record<RepeatKind, number>> = { duplicate: 0x64, replayed: 0x72 };

/** Of the sender's own keys there is the digest, since they may have any length; what was signed is there as it is. */
export function encodeKey({ repeat, key }: Pick<RepeatKey, "repeat" | "key">): Buffer {
  const value = repeat === "replayed" ? Buffer.from(key) : hash("sha256", key, "buffer");
  return Buffer.concat([Buffer.of(KINDS[repeat]), value]);
}

/** A key of kind `replayed` as it was signed. */
export function decodeSignedKey(key: Buffer): string {
  return key.toString("utf8", 1);
}

/** What the keys of a kind begin with. */
export function kindByte(repeat: RepeatKind): number {
  return KINDS[repeat];
}
