/**
 * The signatures of OAuth 1.0 (RFC 5849, section 3.4), and the hash of a body that may be among what they cover (OAuth
 * Request Body Hash, draft 1.0).
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createPublicKey, hash, type KeyObject, verify } from "node:crypto";
import { equalText } from "../../crypto/constant_time.ts";
import { type HashAlgorithm, HmacDigest } from "../../crypto/hmac_digest.ts";
import { asHeaderValue } from "../../header_text.ts";
import { signatureWork } from "../../jose/signature_work.ts";
import { percentEncode } from "./parameters.ts";

/** How requests are signed. */
export const SIGNATURE_METHODS = [
  "HMAC-SHA1",
  "HMAC-SHA256",
  "HMAC-SHA512",
  "RSA-SHA1",
  "RSA-SHA256",
  "RSA-SHA512",
  "PLAINTEXT",
] as const;

export type SignatureMethod = typeof SIGNATURE_METHODS[number];

/** Smallest key that is taken, in bits. */
const MIN_RSA_BITS = 2048;

/** Whether a signature is the right one for a base string, in ASCII. */
export type SignatureCheck = (baseString: string, signature: string) => boolean;

/** Whether signatures are made with a private key, and not with secrets. */
export function isRsa(method: SignatureMethod): boolean {
  return method.startsWith("RSA-");
}

/** The check with two shared secrets (sections 3.4.2 and 3.4.4). */
export function secretsSignature(
  method: SignatureMethod,
  consumerSecret: string,
  tokenSecret: string,
): SignatureCheck {
  const key = [consumerSecret, tokenSecret].map((text) => percentEncode(asHeaderValue(text))).join("&");
  if (method === "PLAINTEXT") return (_, signature) => equalDigests(signature, key);
  const hmac = new HmacDigest(hashOf(method), encoder.encode(key));
  return (baseString, signature) => equalText(hmac.base64(bytesOf(baseString)), signature);
}

/**
 * The check with a public key (section 3.4.3). It takes about a millisecond, and throws an `UnavailableError` where such
 * checks took too much of the time lately.
 *
 * @param pem one that {@linkcode refusePublicKey} has nothing against
 */
export function publicKeySignature(method: SignatureMethod, pem: string): SignatureCheck {
  const key = createPublicKey(pem);
  const name = hashOf(method);
  return (baseString, signature) => {
    const bytes = Buffer.from(signature, "base64");
    // Other texts decode to the same bytes.
    if (bytes.toString("base64") !== signature) return false;
    return signatureWork.run(() => verify(name, encoder.encode(baseString), key, bytes));
  };
}

/** What is wrong with a public key, in words that do not show it. */
export function refusePublicKey(pem: string): string | undefined {
  if (!/-----BEGIN (RSA )?PUBLIC KEY-----/.test(pem)) {
    return "Must be a public key in PEM, which begins with -----BEGIN PUBLIC KEY-----";
  }
  const key = readPublicKey(pem);
  if (key?.asymmetricKeyType !== "rsa") return "Not a public key of RSA";
  const { modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
  return modulusLength < MIN_RSA_BITS ? `The key is too short: at least ${MIN_RSA_BITS} bits` : undefined;
}

function readPublicKey(pem: string): KeyObject | undefined {
  try {
    return createPublicKey(pem);
  } catch {
    // Which error it is depends on the place that does not parse; all mean the same here.
    return undefined;
  }
}

/**
 * Whether a text is the hash of a body: by the hash function of the method, as the draft has it, or SHA-1, which some
 * libraries take whatever the method is.
 */
export function isBodyHash(method: SignatureMethod, bodyHash: string, body: Uint8Array): boolean {
  const name = bodyHash.length === SHA1_BASE64_LENGTH ? "sha1" : hashOf(method);
  return hash(name, body, "base64") === bodyHash;
}

const SHA1_BASE64_LENGTH = 28;

const encoder = new TextEncoder();

/** Room for a base string, filled and read without anything else running in between: hardly any is longer. */
const scratch = new Uint8Array(4096);

/** @returns memory that the next call uses again */
function bytesOf(ascii: string): Uint8Array<ArrayBuffer> {
  if (ascii.length > scratch.length) return encoder.encode(ascii);
  encoder.encodeInto(ascii, scratch);
  return scratch.subarray(0, ascii.length);
}

function hashOf(method: SignatureMethod): HashAlgorithm {
  if (method.endsWith("SHA512")) return "sha512";
  return method.endsWith("SHA256") ? "sha256" : "sha1";
}

/** For texts whose length is a secret too. */
function equalDigests(a: string, b: string): boolean {
  return equalText(hash("sha256", a, "hex"), hash("sha256", b, "hex"));
}
