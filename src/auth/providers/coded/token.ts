/**
 * Tokens of HMAC, as some providers send them.
 *
 * @module
 */

import { HmacDigest } from "../../crypto/hmac_digest.ts";
import type { Claims } from "../../jose/token.ts";
import { utf8 } from "./coded_scheme.ts";

/** How long a token that was made here is good, in seconds. */
export const TOKEN_LIFETIME = 300;

/** A token that is signed with HMAC and SHA-256, as providers send it (RFC 7519). */
export function hmacToken(claims: Claims, secret: string): string {
  const signed = [{ alg: "HS256", typ: "JWT" }, claims].map(partOf).join(".");
  return `${signed}.${new HmacDigest("sha256", utf8(secret)).base64url(utf8(signed))}`;
}

function partOf(value: unknown): string {
  return utf8(JSON.stringify(value)).toBase64({ alphabet: "base64url", omitPadding: true });
}
