/**
 * Atlassian Connect sends a token with a digest of the request's method, path and query. No data: the query is sorted
 * and encoded in a way of its own. The body is not signed.
 *
 * @see https://developer.atlassian.com/cloud/jira/platform/understanding-jwt-for-connect-apps/
 * @module
 */

import { hash } from "node:crypto";
import { equalText } from "../../crypto/constant_time.ts";
import { HmacDigest } from "../../crypto/hmac_digest.ts";
import { readToken, type Token } from "../../jose/token.ts";
import { requestTarget } from "../../public_url.ts";
import { type CodedScheme, utf8 } from "./coded_scheme.ts";
import { hmacToken, TOKEN_LIFETIME } from "./token.ts";

interface ConnectRequest {
  readonly token: Token;
  readonly method: string;
  readonly url: string;
  readonly body: Uint8Array<ArrayBuffer>;
}

const SCHEME = /^JWT ([\w.-]+)$/;

/** HS256 with the shared secret of the installation (atlassian-jwt 2.0.3). */
export const atlassianConnect: CodedScheme<ConnectRequest> = {
  headers: ["Authorization"],
  needsUrl: true,
  read: ({ headers, method, url, body }, now) => {
    const text = SCHEME.exec(headers.get("authorization") ?? "")?.[1];
    const token = text === undefined ? "" : readToken(text);
    if (typeof token === "string" || token.header.alg !== "HS256") return undefined;
    const { exp } = token.claims;
    return typeof exp === "number" && now / 1000 < exp ? { token, method, url, body } : undefined;
  },
  // Several events of one second are signed alike.
  signed: ({ token: { signed }, body }) => `${signed}.${hash("sha256", body, "hex")}`,
  prepare: (secret, { baseUrl }) => {
    const digest = new HmacDigest("sha256", utf8(secret));
    return ({ token: { signed, signature, claims }, method, url }) => {
      const expected = hash("sha256", canonicalRequest(method, url, baseUrl), "hex");
      const isRequest = typeof claims["qsh"] === "string" && equalText(claims["qsh"], expected);
      return equalText(digest.base64url(utf8(signed)), signature) && isRequest;
    };
  },
  sign: ({ method, url, body, now }, secret, { baseUrl, key = "client" }) => {
    const iat = Math.floor(now / 1000);
    const qsh = hash("sha256", canonicalRequest(method, url, baseUrl), "hex");
    const token = hmacToken({ iss: key, iat, exp: iat + TOKEN_LIFETIME, qsh }, secret);
    return { method, url, body, headers: { "Authorization": `JWT ${token}` } };
  },
};

function canonicalRequest(method: string, url: string, baseUrl: string | undefined): string {
  const [path = "", ...query] = requestTarget(url).split("?");
  return [method.toUpperCase(), canonicalPath(path, baseUrl), canonicalQuery(query.join("?"))].join("&");
}

function canonicalPath(path: string, baseUrl: string | undefined): string {
  const base = baseUrl === undefined ? "" : requestTarget(baseUrl).replace(/\/$/, "");
  const rest = base !== "" && path.startsWith(base) ? path.slice(base.length) : path;
  const trimmed = rest.length > 1 ? rest.replace(/\/$/, "") : rest;
  return trimmed === "" ? "/" : trimmed.replaceAll("&", "%26");
}

/** Sorted by name; the values of one name are sorted, too, and joined by commas. The token itself is left out. */
function canonicalQuery(query: string): string {
  const values = new Map<string, string[]>();
  for (const [name, value] of new URLSearchParams(query)) {
    if (name === "jwt") continue;
    const encoded = rfc3986(name);
    values.set(encoded, [...values.get(encoded) ?? [], rfc3986(value)]);
  }
  return [...values.keys()].sort().map((name) => `${name}=${values.get(name)!.sort().join(",")}`).join("&");
}

/** Everything but the unreserved characters of RFC 3986, section 2.3. */
function rfc3986(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (character) => {
    return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
  });
}
