/**
 * What the two sides of digest authentication calculate (RFC 7616, section 3.4).
 *
 * @module
 */

import { hash } from "node:crypto";
import { md5 } from "@noble/hashes/legacy.js";
import { sha256 } from "@noble/hashes/sha2.js";

/** The algorithms, the strongest first. */
export const DIGEST_ALGORITHMS = ["SHA-256", "SHA-256-sess", "MD5", "MD5-sess"] as const;

/** How responses are hashed. With `-sess` the nonces are part of what stands for the password. */
export type DigestAlgorithm = typeof DIGEST_ALGORITHMS[number];

/** What a response covers: nothing but the target, or the body too. */
export type Protection = "auth" | "auth-int";

/** What stands in the credentials, as {@linkcode Headers} shows it: one character a byte. */
export interface DigestedRequest {
  readonly method: string;
  readonly uri: string;
  readonly nonce: string;
  /** Eight hexadecimal digits. */
  readonly nc: string;
  readonly cnonce: string;
  readonly qop: Protection;
}

/** The hash over a user's name, the realm and the password, all of them in UTF-8 (section 3.4.2). */
export function userDigest(
  algorithm: DigestAlgorithm,
  username: string,
  realm: string,
  password: string,
): string {
  return hash(hashName(algorithm), `${username}:${realm}:${password}`, "hex");
}

/** The hash that stands for a user's name (section 3.4.4). */
export function usernameDigest(algorithm: DigestAlgorithm, username: string, realm: string): string {
  return hash(hashName(algorithm), `${username}:${realm}`, "hex");
}

/**
 * The response to a challenge (section 3.4.1).
 *
 * @param user what {@linkcode userDigest} made
 * @param body its bytes as sent, for `auth-int`
 */
export function responseDigest(
  algorithm: DigestAlgorithm,
  user: string,
  request: DigestedRequest,
  body: Uint8Array,
): string {
  const name = hashName(algorithm);
  const { method, uri, nonce, nc, cnonce, qop } = request;
  const sessionKey = algorithm.endsWith("-sess") ? hashBytes(name, `${user}:${nonce}:${cnonce}`) : user;
  const covered = qop === "auth" ? `${method}:${uri}` : `${method}:${uri}:${hash(name, body, "hex")}`;
  const what = hashBytes(name, covered);
  return hashBytes(name, `${sessionKey}:${nonce}:${nc}:${cnonce}:${qop}:${what}`);
}

/**
 * In JavaScript: for a text as short as these, what a native hash leaves behind costs more than the hashing.
 *
 * @param text one character a byte
 */
function hashBytes(name: HashName, text: string): string {
  const bytes = text.length <= scratch.length
    ? scratch.subarray(0, text.length)
    : new Uint8Array(text.length);
  for (let index = 0; index < text.length; index++) bytes[index] = text.charCodeAt(index);
  return HASHES[name](bytes).toHex();
}

/** Room for a text, filled and read without anything else running in between. */
const scratch = new Uint8Array(4096);

type HashName = "sha256" | "md5";

const HASHES: Readonly<Record<HashName, (bytes: Uint8Array) => Uint8Array>> = { sha256, md5 };

function hashName(algorithm: DigestAlgorithm): HashName {
  return algorithm.startsWith("SHA-256") ? "sha256" : "md5";
}
