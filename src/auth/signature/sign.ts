/**
 * Signs requests as a provider would, so that an operator can try a webhook without the provider.
 *
 * @module
 */

import type { Buffer } from "node:buffer";
import { createHash, createHmac, createPrivateKey, type KeyObject, sign as signBytes } from "node:crypto";
import { SignedContent } from "./content.ts";
import { keyOf } from "./key.ts";
import type { Scheme, TimeUnit } from "./scheme.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** What is signed. */
export interface RequestToSign {
  readonly method: string;
  /** As the provider knows it. */
  readonly url: string;
  readonly body: Bytes;
  /** The time that the request says, in milliseconds since 1970. */
  readonly now: number;
  /** Tells the delivery from others. */
  readonly id: string;
}

/** Headers by their names. */
export type SignedHeaders = Readonly<Record<string, string>>;

/** Why a request cannot be signed: a sentence for the operator. */
export class CannotSignError extends Error {
  override readonly name = "CannotSignError";
}

/**
 * The headers of a signed request.
 *
 * @param secret of the webhook; for schemes with a public key, the private key that belongs to it, in PEM
 * @param keyName the name of the secret, where requests name it
 * @throws {CannotSignError} when the proof stands in the body, or the secret has not the right form
 */
export function signRequest(
  scheme: Scheme,
  secret: string,
  request: RequestToSign,
  keyName?: string,
): SignedHeaders {
  const { signature, timestamp, id, nonce, equals } = scheme;
  const [header] = [signature.at].flat();
  if ([signature.at, timestamp?.at, nonce].flat().some((place) => place?.startsWith("/"))) {
    throw new CannotSignError("A part of the proof stands in the body, which is sent as it is");
  }
  const t = timestamp === undefined ? "" : textOfTime(request.now, timestamp.unit);
  const parts = { ...request, t, nonce: request.id, id: request.id };
  const content = new SignedContent([scheme.content].flat()[0]!);
  const written = writtenSignature(scheme, secret, content.of(parts, secret));
  const [timeHeader] = [timestamp?.at ?? []].flat();
  return {
    ...equals,
    ...timeHeader === undefined ? {} : { [timeHeader]: t },
    ...id === undefined || id.startsWith("/") ? {} : { [id]: request.id },
    ...nonce === undefined ? {} : { [nonce]: request.id },
    ...scheme.keyName === undefined || keyName === undefined ? {} : { [scheme.keyName]: keyName },
    [header!]: headerValue(scheme, written, t),
  };
}

/** The value of the signature's header: the inverse of how it is read. */
function headerValue({ signature, timestamp }: Scheme, written: string, t: string): string {
  const { prefix = "", items, pair, name, timeFirst } = signature;
  const piece = name === undefined || pair === undefined ? prefix + written : name + pair + prefix + written;
  const field = timestamp?.field;
  if (timeFirst) return t + items + piece;
  return field === undefined || pair === undefined ? piece : [field + pair + t, piece].join(items);
}

function writtenSignature(scheme: Scheme, secret: string, content: Bytes): string {
  const { algorithm, signature: { encoding } } = scheme;
  if (algorithm === "equal") return encoding === "base64" ? btoa(secret) : secret;
  return signatureOf(scheme, secret, content).toString(encoding);
}

function signatureOf({ algorithm, key }: Scheme, secret: string, content: Bytes): Buffer {
  switch (algorithm) {
    case "ed25519":
      return signBytes(null, content, privateKey(secret));
    case "ecdsa-p256-sha256":
      return signBytes("sha256", content, privateKey(secret));
    case "sha256":
    case "sha1":
      return createHash(algorithm).update(content).digest();
    default: {
      const bytes = [key].flat().map((rule) => keyOf(secret, rule)).find((each) => each !== undefined);
      if (bytes === undefined) {
        throw new CannotSignError("The secret has not the form that this provider's have");
      }
      return createHmac(algorithm.slice("hmac-".length), bytes).update(content).digest();
    }
  }
}

function privateKey(pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    throw new CannotSignError("This provider signs with a private key: give one in PEM");
  }
}

function textOfTime(now: number, unit: TimeUnit): string {
  switch (unit) {
    case "s":
    case "text":
      return String(Math.floor(now / 1000));
    case "ms":
      return String(Math.floor(now));
    case "rfc3339":
      return new Date(now).toISOString();
    case "http-date":
      return new Date(now).toUTCString();
  }
}
