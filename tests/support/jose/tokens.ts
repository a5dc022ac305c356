/** Tokens and their keys, made by hand: a gateway that shared a mistake with a library would not notice. */

import { Buffer } from "node:buffer";
import { createHmac, generateKeyPairSync, type KeyObject, sign } from "node:crypto";

/** A key pair, and what a gateway has to be told of it. */
export interface TestKey {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** The public key as a configuration holds it. */
  readonly pem: string;
}

/** In seconds since 1970, far enough from now that no test is that slow. */
export function inAnHour(): number {
  return Math.floor(Date.now() / 1000) + 3600;
}

function keyOf({ privateKey, publicKey }: { privateKey: KeyObject; publicKey: KeyObject }): TestKey {
  return { privateKey, publicKey, pem: publicKey.export({ type: "spki", format: "pem" }).toString() };
}

/** A key for RS and PS; making one takes a while. */
export function rsaKey(modulusLength = 2048): TestKey {
  return keyOf(generateKeyPairSync("rsa", { modulusLength }));
}

/** A key for ES. */
export function ecKey(namedCurve: "P-256" | "P-384" | "P-521" = "P-256"): TestKey {
  return keyOf(generateKeyPairSync("ec", { namedCurve }));
}

/** A key for EdDSA. */
export function edKey(): TestKey {
  return keyOf(generateKeyPairSync("ed25519"));
}

/** What makes a secret as long as the longest hash. */
const LENGTH = "a-key-as-long-as-the-longest-hash-which-has-64-bytes-";

/** A secret that is long enough for every algorithm. White space at its end stays there, and blank stays blank. */
export function longEnough(secret: string): string {
  return secret.trim() === "" ? secret : LENGTH + secret;
}

/** A part of a token: JSON of a value, or a text as it is. */
export function part(value: unknown): string {
  return Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");
}

/** A token that is signed with a shared secret. @param header a value, or the text of its JSON */
export function hmacToken(
  secret: string,
  claims: unknown,
  header: unknown = { alg: "HS256" },
  hash = "sha256",
): string {
  const signed = `${part(header)}.${part(claims)}`;
  return `${signed}.${createHmac(hash, secret).update(signed).digest("base64url")}`;
}

/** A token that is signed with a private key. */
export function keyToken(key: TestKey, algorithm: string, claims: unknown, header: object = {}): string {
  const signed = `${part({ alg: algorithm, ...header })}.${part(claims)}`;
  const options = algorithm.startsWith("ES")
    ? { dsaEncoding: "ieee-p1363" as const }
    : algorithm.startsWith("PS")
    ? { padding: 6, saltLength: Number(algorithm.slice(2)) / 8 }
    : {};
  const hash = /^(RS|PS|ES)/.test(algorithm) ? `sha${algorithm.slice(2)}` : null;
  const signature = sign(hash, Buffer.from(signed), { key: key.privateKey, ...options });
  return `${signed}.${signature.toString("base64url")}`;
}
