/**
 * Keys that signatures of tokens are checked with. Each key is pinned to algorithms of its own type, so that no token
 * can have a public key taken for a shared secret, or one kind of key for another (RFC 8725, sections 3.1 and 3.2).
 *
 * @module
 */

import { constants, createPublicKey, type KeyObject, verify } from "node:crypto";
import { equalText } from "../crypto/constant_time.ts";
import { HmacDigest } from "../crypto/hmac_digest.ts";
import { type Algorithm, type AlgorithmName, ALGORITHMS } from "./algorithms.ts";
import { signatureWork } from "./signature_work.ts";

const encoder = new TextEncoder();

/** RFC 7518, section 3.3. */
const MIN_RSA_BITS = 2048;

/**
 * Whether a signature is that of a text.
 *
 * @param signed ASCII: the first two parts of a token with the dot between them
 * @param signature in base64url without padding
 */
export type SignatureCheck = (signed: string, signature: string) => boolean;

/** A text that is a key in PEM: never a shared secret. */
export function isPem(text: string): boolean {
  return text.trimStart().startsWith("-----BEGIN ");
}

/** Public keys and certificates in the notation of OpenSSH, JOSE and others, which are no shared secrets either. */
const OTHER_PUBLIC_KEY = /^\s*(ssh-|ecdsa-|\{\s*")/;

/**
 * Why a text cannot be the shared secret of an algorithm, in words that do not show it; `undefined` when it can be.
 */
export function refuseSecret(name: AlgorithmName, secret: string): string | undefined {
  const algorithm = ALGORITHMS[name];
  if (algorithm.keyType !== "secret") return undefined;
  if (isPem(secret) || OTHER_PUBLIC_KEY.test(secret)) {
    return `This is a public key, which anybody may have: ${name} needs a shared secret`;
  }
  if (encoder.encode(secret).length < algorithm.minKeyBytes) {
    return `Shorter than the ${algorithm.minKeyBytes} bytes that ${name} needs (RFC 7518, section 3.2): ` +
      "anybody who has seen a token can find it by trying";
  }
  return undefined;
}

/** Why a text cannot be the public key of an algorithm, in words that do not show it; `undefined` when it can be. */
export function refusePem(name: AlgorithmName, pem: string): string | undefined {
  if (!isPem(pem)) return `${name} needs a public key in PEM, which begins with -----BEGIN`;
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem)) {
    return "This is a private key, which only those who sign should have: give the public one";
  }
  const key = publicKeyOf(pem);
  return key === undefined ? "Not a public key in PEM" : refuseKey(name, key);
}

/** Why a key cannot be used with an algorithm; `undefined` when it can be. */
export function refuseKey(name: AlgorithmName, key: KeyObject): string | undefined {
  const algorithm: Algorithm = ALGORITHMS[name];
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (type !== algorithm.keyType) return `${name} needs another type of key than '${type}'`;
  if (algorithm.keyType === "rsa" && (details?.modulusLength ?? 0) < MIN_RSA_BITS) {
    return `${name} needs a key of ${MIN_RSA_BITS} bits or more (RFC 7518, section 3.3)`;
  }
  if (algorithm.keyType === "ec" && details?.namedCurve !== algorithm.curve) {
    return `${name} needs a key on another curve than '${details?.namedCurve}' (RFC 7518, section 3.4)`;
  }
  return undefined;
}

/** A public key in PEM, or that of a certificate; `undefined` when it cannot be read. */
export function publicKeyOf(pem: string): KeyObject | undefined {
  return readKey(() => createPublicKey(pem));
}

/** A public key as JOSE writes it (RFC 7517); `undefined` when it cannot be read. Private members are not looked at. */
export function publicJwkOf({ kty, n, e, crv, x, y }: JsonWebKey): KeyObject | undefined {
  const key = kty === "RSA" ? { kty, n, e } : kty === "EC" ? { kty, crv, x, y } : { kty, crv, x };
  return readKey(() => createPublicKey({ key: key as Record<string, string>, format: "jwk" }));
}

function readKey(read: () => KeyObject): KeyObject | undefined {
  try {
    return read();
  } catch {
    // Whatever is wrong, the runtime words it in its own way, and may quote the key.
    return undefined;
  }
}

/** Prepares the check with a shared secret. The key must have passed {@linkcode refuseSecret}. */
export function secretCheck(name: AlgorithmName, secret: Uint8Array<ArrayBuffer>): SignatureCheck {
  const algorithm: Algorithm = ALGORITHMS[name];
  if (algorithm.keyType !== "secret") throw new TypeError(`${name} has no shared secret`);
  const digest = new HmacDigest(algorithm.hash, secret);
  // The digest is written, rather than the signature read: two texts are then equal in one way only.
  return (signed, signature) => equalText(digest.base64url(bytesOf(signed)), signature);
}

/**
 * Prepares the check with a public key. The key must have passed {@linkcode refuseKey}.
 *
 * @returns a check that throws {@linkcode UnavailableError} while such checks take too much time
 */
export function publicKeyCheck(name: AlgorithmName, key: KeyObject): SignatureCheck {
  const algorithm: Algorithm = ALGORITHMS[name];
  if (refuseKey(name, key) !== undefined) throw new TypeError(`The key is not one of ${name}`);
  const hash = "hash" in algorithm ? algorithm.hash : null;
  const options = { key, ...optionsOf(algorithm) };
  return (signed, signature) => {
    const bytes = signatureBytes(signature);
    if (bytes === undefined) return false;
    return signatureWork.run(() => verify(hash, bytesOf(signed), options, bytes));
  };
}

function optionsOf(algorithm: Algorithm): object {
  if (algorithm.keyType === "ec") return { dsaEncoding: "ieee-p1363" };
  if (algorithm.keyType !== "rsa" || algorithm.saltBytes === undefined) return {};
  return { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: algorithm.saltBytes };
}

const BASE64URL = { alphabet: "base64url", omitPadding: true } as const;

/** `undefined` for a text that is not the one way to write its bytes: bits that nobody reads must not be free. */
function signatureBytes(signature: string): Uint8Array | undefined {
  if (signature.length % 4 === 1) return undefined;
  const bytes = Uint8Array.fromBase64(signature, { alphabet: "base64url" });
  return bytes.toBase64(BASE64URL) === signature ? bytes : undefined;
}

/** Room for the text that is signed, which is used again by the next check. */
let scratch = new Uint8Array(4096);

function bytesOf(ascii: string): Uint8Array<ArrayBuffer> {
  if (ascii.length > scratch.length) scratch = new Uint8Array(ascii.length);
  return scratch.subarray(0, encoder.encodeInto(ascii, scratch).written);
}
