/**
 * A client of OAuth 1.0, written from RFC 5849 and with nothing of the gateway in it.
 *
 * @module
 */

import { createHash, createHmac, type KeyObject, sign } from "node:crypto";

/** Who signs, and what with. */
export interface OAuth1Client {
  readonly consumerKey: string;
  readonly consumerSecret?: string;
  readonly tokenSecret?: string;
  readonly privateKey?: KeyObject;
  /** @default "HMAC-SHA1" */
  readonly method?: string;
}

/** What is signed. */
export interface OAuth1Request {
  readonly method: string;
  /** As the sender uses it, with its query. */
  readonly url: string;
  /** The fields of a form. */
  readonly form?: string;
  /** A body of another kind, of which the hash is signed. */
  readonly hashed?: Uint8Array;
  /** Parameters in the place of those of the protocol; without a value the parameter is left out. */
  readonly instead?: Readonly<Record<string, string | undefined>>;
}

let nonces = 0;

/** The value of the `Authorization` header. */
export function oauth1Credentials(client: OAuth1Client, request: OAuth1Request): string {
  const { method = "HMAC-SHA1" } = client;
  const parameters: Record<string, string | undefined> = {
    oauth_consumer_key: client.consumerKey,
    oauth_signature_method: method,
    oauth_timestamp: String(Math.floor(Date.now() / 1000)),
    oauth_nonce: `nonce-${++nonces}`,
    oauth_version: "1.0",
    ...(request.hashed === undefined ? {} : { oauth_body_hash: bodyHash(method, request.hashed) }),
    ...request.instead,
  };
  const signed = Object.entries(parameters)
    .filter((entry): entry is [string, string] => entry[1] !== undefined && entry[0] !== "oauth_signature");
  const signature = request.instead?.["oauth_signature"] ?? signatureOf(client, baseString(request, signed));
  return `OAuth realm="shop", ${
    [...signed, ["oauth_signature", signature] as const]
      .map(([name, value]) => `${escape(name)}="${escape(value)}"`).join(", ")
  }`;
}

/** Section 3.4.1. */
function baseString({ method, url, form = "" }: OAuth1Request, signed: readonly [string, string][]): string {
  const { origin, pathname, searchParams } = new URL(url);
  const all = [...signed, ...searchParams, ...new URLSearchParams(form)]
    .map(([name, value]) => [escape(name), escape(value)] as const)
    .sort(([a, x], [b, y]) => a < b ? -1 : a > b ? 1 : x < y ? -1 : Number(x > y))
    .map(([name, value]) => `${name}=${value}`).join("&");
  return [method, origin + pathname, all].map(escape).join("&");
}

function signatureOf(client: OAuth1Client, base: string): string {
  const { method = "HMAC-SHA1", consumerSecret = "", tokenSecret = "", privateKey } = client;
  const key = `${escape(consumerSecret)}&${escape(tokenSecret)}`;
  if (method === "PLAINTEXT") return key;
  const hash = hashOf(method);
  if (privateKey !== undefined) {
    return sign(hash, new TextEncoder().encode(base), privateKey).toString("base64");
  }
  return createHmac(hash, key).update(base).digest("base64");
}

/** The hash of a body, as the draft of OAuth Request Body Hash has it. */
export function bodyHash(method: string, body: Uint8Array): string {
  return createHash(hashOf(method)).update(body).digest("base64");
}

function hashOf(method: string): string {
  return method.slice(method.indexOf("-") + 1).toLowerCase();
}

/** Section 3.6. */
function escape(text: string): string {
  return encodeURIComponent(text)
    .replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}
