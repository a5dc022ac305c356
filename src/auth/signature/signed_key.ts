/**
 * By what a repeat of a signed request is recognised. Nothing goes into it that its sender has not signed: whoever
 * captured a request cannot have it taken for a new one by changing something, nor have another one taken for it.
 *
 * @module
 */

import { hash } from "node:crypto";
import type { RepeatKey } from "../../event/repeat_key.ts";
import { HASH_SIZES, type Hasher, HASHERS } from "../crypto/hmac_digest.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** How long repeats are recognised, in milliseconds; `undefined` where they are delivered. */
export type ReplayTtl = number | undefined;

/** Longest id that is a key as it is, in characters. */
const MAX_ID = 100;

const encoder = new TextEncoder();

const BEGINNING = HASHERS.sha256();

/** Used again and again: to make one takes as long as to hash a short text. */
let hasher: Hasher = BEGINNING._cloneInto();
const digest = new Uint8Array(HASH_SIZES.sha256.digestBytes);

/** The key of a request with an id that is signed. */
export function keyOfId(id: string, ttlMs: number): RepeatKey {
  // A key is stored as UTF-8, where all lone surrogates are one character.
  const isShort = id.length <= MAX_ID && id.isWellFormed();
  const key = isShort ? `id ${id}` : `long ${digestOf(encoder.encode(JSON.stringify(id)))}`;
  return { repeat: "replayed", key, ttlMs };
}

/** The key of a request without one: the digest of what is signed. @param topic tells equal contents apart */
export function keyOfContent(content: Bytes | string, ttlMs: number, topic?: string): RepeatKey {
  const digest = digestOf(typeof content === "string" ? encoder.encode(content) : content);
  const key = topic === undefined ? digest : digestOf(encoder.encode(`${digest} ${topic}`));
  return { repeat: "replayed", key: `content ${key}`, ttlMs };
}

/**
 * The key of a request that has one MAC of all that is signed: a half of it, which is no signature for whoever reads
 * where keys are kept.
 */
export function keyOfMac(mac: string, ttlMs: number): RepeatKey {
  return { repeat: "replayed", key: `mac ${mac.slice(0, mac.length / 2)}`, ttlMs };
}

function digestOf(content: Bytes): string {
  if (content.length > HASH_SIZES.sha256.scriptBytes) return hash("sha256", content, "base64");
  hasher = BEGINNING._cloneInto(hasher);
  hasher.update(content);
  hasher.digestInto(digest);
  return digest.toBase64();
}
