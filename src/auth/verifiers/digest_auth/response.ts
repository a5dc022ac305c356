/**
 * What the two sides of digest authentication calculate (RFC 7616, section 3.4).
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { hash } from "node:crypto";

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

/** @param text one character a byte */
function hashBytes(name: string, text: string): string {
  return hash(name, Buffer.from(text, "latin1"), "hex");
}

function hashName(algorithm: DigestAlgorithm): "sha256" | "md5" {
  return algorithm.startsWith("SHA-256") ? "sha256" : "md5";
}
