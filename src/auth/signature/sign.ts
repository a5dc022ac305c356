/**
 * Signs requests as a provider would, so that an operator can try a webhook without the provider.
 *
 * @module
 */

import type { Buffer } from "node:buffer";
import { createHash, createHmac, createPrivateKey, type KeyObject, sign as signBytes } from "node:crypto";
import { JsonPointer } from "../../json/pointer.ts";
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

/** A request as the provider would send it. */
export interface SentRequest {
  readonly method: string;
  /** With what the provider adds to it. */
  readonly url: string;
  /** Those of the proof, and the Content-Type where the provider wraps the body. */
  readonly headers: SignedHeaders;
  /** The body that was given, unless the provider wraps it or a part of the proof stands in it. */
  readonly body: Bytes;
}

/** Why a request cannot be signed: a sentence for the operator. */
export class CannotSignError extends Error {
  override readonly name = "CannotSignError";
}

/**
 * Signs a request by a scheme. What of the proof stands in the body is written into it: it is a JSON object then.
 *
 * @param secret of the webhook; for schemes with a public key, the private key that belongs to it, in PEM
 * @param keyName the name of the secret, where requests name it
 * @throws {CannotSignError} when the body is not an object where it has to be, or the secret has not the right form
 */
export function signRequest(
  scheme: Scheme,
  secret: string,
  request: RequestToSign,
  keyName?: string,
): SentRequest {
  const { signature, timestamp, id, nonce, equals } = scheme;
  const [at] = [signature.at].flat();
  const [timeAt] = [timestamp?.at ?? []].flat();
  const t = timestamp === undefined ? "" : textOfTime(request.now, timestamp.unit);
  const isNumber = timestamp?.unit === "s" || timestamp?.unit === "ms";
  const withTime = written(request.body, timeAt, isNumber ? Number(t) : t);
  const body = written(withTime, nonce, request.id);
  const parts = { ...request, body, t, nonce: request.id, id: request.id };
  const content = new SignedContent([scheme.content].flat()[0]!);
  const value = headerValue(scheme, writtenSignature(scheme, secret, content.of(parts, secret)), t);
  return {
    method: request.method,
    url: request.url,
    headers: {
      ...equals,
      ...inHeader(timeAt, t),
      ...inHeader(id, request.id),
      ...inHeader(nonce, request.id),
      ...keyName === undefined ? {} : inHeader(scheme.keyName, keyName),
      ...inHeader(at, value),
    },
    body: written(body, at, value),
  };
}

function inHeader(place: string | undefined, value: string): SignedHeaders {
  return place === undefined || place.startsWith("/") ? {} : { [place]: value };
}

/** The body with a value at a place of it; unchanged where the place is a header. */
function written(body: Bytes, place: string | undefined, value: string | number): Bytes {
  return place?.startsWith("/") === true ? withMember(body, place, value) : body;
}

/**
 * A JSON object with a value in it. Objects on the way are made where they are missing.
 *
 * @param path a JSON Pointer
 * @throws {CannotSignError} when the body is not a JSON object
 */
export function withMember(body: Bytes, path: string, value: unknown): Bytes {
  const document = jsonObjectIn(body);
  const names = JsonPointer.parse(path)!.keys;
  let object = document;
  for (const name of names.slice(0, -1)) {
    if (!isObject(object[name])) object[name] = {};
    object = object[name] as Record<string, unknown>;
  }
  object[names.at(-1)!] = value;
  return new TextEncoder().encode(JSON.stringify(document));
}

/** The JSON object that a body is. @throws {CannotSignError} when it is none */
export function jsonObjectIn(body: Bytes): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(body));
    if (isObject(value)) return value;
  } catch {
    // Not JSON: said below.
  }
  throw new CannotSignError("Something has to be written into the body, so that has to be a JSON object");
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
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

/** A private key. @throws {CannotSignError} when the text is none */
export function privateKey(pem: string): KeyObject {
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
