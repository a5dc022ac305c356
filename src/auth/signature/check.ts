/**
 * Checks of signatures, prepared for one key.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createPublicKey, hash, type KeyObject, verify } from "node:crypto";
import { equalText, secretMatcher } from "../crypto/constant_time.ts";
import { HmacDigest } from "../crypto/hmac_digest.ts";
import type { SchemeAlgorithm, SignatureEncoding } from "./scheme.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/**
 * Whether any of the signatures is that of the content. All are looked at, whichever matches, and compared in constant
 * time. Never throws: what is no signature matches nothing.
 */
export type SignatureCheck = (content: Bytes, signatures: readonly string[]) => boolean;

/** Length of an Ed25519 public key (RFC 8032, section 5.1.5), in bytes. */
const ED25519_KEY_BYTES = 32;

/**
 * Prepares the check.
 *
 * @param key of an HMAC, or a public key
 * @returns `undefined` where the bytes are no key of the algorithm
 */
export function prepareCheck(
  algorithm: SchemeAlgorithm,
  key: Bytes,
  encoding: SignatureEncoding,
): SignatureCheck | undefined {
  switch (algorithm) {
    case "hmac-sha256":
      return hmacCheck(new HmacDigest("sha256", key), encoding);
    case "hmac-sha1":
      return hmacCheck(new HmacDigest("sha1", key), encoding);
    case "hmac-sha384":
      return hmacCheck(new HmacDigest("sha384", key), encoding);
    case "hmac-sha512":
      return hmacCheck(new HmacDigest("sha512", key), encoding);
    case "sha256":
    case "sha1":
      return (content, signatures) =>
        includesText(signatures, encoded(hash(algorithm, content, "hex"), encoding));
    case "ed25519":
      return publicKeyCheck(null, ed25519Key(key), encoding);
    case "ecdsa-p256-sha256":
      return publicKeyCheck("sha256", p256Key(key), encoding);
    case "equal":
      return equalCheck(
        secretMatcher(encoding === "base64" ? key.toBase64() : new TextDecoder().decode(key)),
      );
  }
}

function hmacCheck(digest: HmacDigest, encoding: SignatureEncoding): SignatureCheck {
  switch (encoding) {
    case "hex":
      return (content, signatures) => includesText(signatures, digest.hex(content));
    case "base64":
      return (content, signatures) => includesText(signatures, digest.base64(content));
    case "base64url":
      return (content, signatures) => includesText(signatures, toBase64Url(digest.base64(content)));
  }
}

function includesText(signatures: readonly string[], expected: string): boolean {
  let isThere = false;
  for (const signature of signatures) if (equalText(signature, expected)) isThere = true;
  return isThere;
}

function equalCheck(matches: (presented: string) => boolean): SignatureCheck {
  return (_content, signatures) => {
    let isThere = false;
    for (const signature of signatures) if (matches(signature)) isThere = true;
    return isThere;
  };
}

function publicKeyCheck(
  algorithm: string | null,
  key: KeyObject | undefined,
  encoding: SignatureEncoding,
): SignatureCheck | undefined {
  if (key === undefined) return undefined;
  return (content, signatures) =>
    signatures.some((signature) => {
      const bytes = decoded(signature, encoding);
      return bytes !== undefined && verify(algorithm, content, key, bytes);
    });
}

function ed25519Key(key: Bytes): KeyObject | undefined {
  if (key.length !== ED25519_KEY_BYTES) return undefined;
  const x = toBase64Url(key.toBase64());
  return publicKeyOrNone(() => createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" }));
}

function p256Key(key: Bytes): KeyObject | undefined {
  const object = publicKeyOrNone(() =>
    createPublicKey({ key: Buffer.from(key), format: "der", type: "spki" })
  );
  return object?.asymmetricKeyDetails?.namedCurve === "prime256v1" ? object : undefined;
}

function publicKeyOrNone(make: () => KeyObject): KeyObject | undefined {
  try {
    return make();
  } catch {
    // Bytes that are no key of this kind.
    return undefined;
  }
}

/** The bytes of a signature in its one spelling; `undefined` for any other. */
function decoded(signature: string, encoding: SignatureEncoding): Bytes | undefined {
  try {
    const bytes = encoding === "hex" ? Uint8Array.fromHex(signature) : Uint8Array.fromBase64(signature, {
      alphabet: encoding,
    });
    return encoded(bytes.toHex(), encoding) === signature ? bytes : undefined;
  } catch {
    // Not this encoding.
    return undefined;
  }
}

function encoded(hex: string, encoding: SignatureEncoding): string {
  if (encoding === "hex") return hex;
  const base64 = Uint8Array.fromHex(hex).toBase64();
  return encoding === "base64" ? base64 : toBase64Url(base64);
}

/** Without padding. */
function toBase64Url(base64: string): string {
  return base64.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}
