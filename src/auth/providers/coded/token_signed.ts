/**
 * Providers that send a signed token whose claims hold digests of the request. No data: the token is checked first, and
 * each has claims of its own.
 *
 * @module
 */

import { hash } from "node:crypto";
import { equalText } from "../../crypto/constant_time.ts";
import { HmacDigest } from "../../crypto/hmac_digest.ts";
import { type Claims, readToken, type Token } from "../../jose/token.ts";
import { EventBody } from "../../../event/event.ts";
import { JsonPointer } from "../../../json/pointer.ts";
import type { RequestToSign } from "../../signature/sign.ts";
import { type CodedScheme, type SignedRequest, utf8 } from "./coded_scheme.ts";
import { hmacToken, TOKEN_LIFETIME } from "./token.ts";

/** Hash functions of HMACs by the names that tokens have for them (RFC 7518, section 3.2). */
const HASHES = { HS256: "sha256", HS384: "sha384", HS512: "sha512" } as const;

type HmacAlgorithm = keyof typeof HASHES;

/** How a provider's tokens are read and judged. */
interface TokenRules {
  readonly header: string;
  /** Stands before the token in the header, such as `Bearer `. */
  readonly word?: string;
  readonly algorithms: readonly HmacAlgorithm[];
  /** Must be there, besides what the claims of the request need. */
  readonly required?: readonly string[];
  readonly issuer?: string;
  /** In seconds. */
  readonly leeway: number;
  readonly needsUrl?: boolean;
  /** Whether the claims are those of the request. */
  fits(claims: Claims, request: SignedRequest): boolean;
  /** Where in the body, whose digest is signed, the event's id stands. */
  readonly id?: JsonPointer;
  /** The claims that fit a request, besides those that every token has. */
  claimsFor(request: RequestToSign): Claims;
}

interface ReadToken {
  readonly token: Token;
  readonly algorithm: HmacAlgorithm;
  readonly id: string | undefined;
}

/** A scheme of such tokens. The secret is a text. */
function tokenSigned(rules: TokenRules): CodedScheme<ReadToken> {
  return {
    headers: [rules.header],
    needsUrl: rules.needsUrl ?? false,
    read: (request, now) => {
      const token = tokenIn(request.headers.get(rules.header) ?? "", rules.word ?? "");
      const algorithm = rules.algorithms.find((name) => name === token?.header.alg);
      if (
        token === undefined || algorithm === undefined || !isTimely(token.claims, rules.leeway, now / 1000)
      ) {
        return undefined;
      }
      const { claims } = token;
      if (rules.required?.some((name) => claims[name] === undefined)) return undefined;
      if (rules.issuer !== undefined && claims["iss"] !== rules.issuer) return undefined;
      if (!rules.fits(claims, request)) return undefined;
      const id = rules.id?.scalarIn(EventBody.fromBytes(request.body))?.text;
      return { token, algorithm, id };
    },
    signed: ({ token: { signed } }) => signed,
    idOf: ({ id }) => id === "" ? undefined : id,
    prepare: (secret, { key }) => {
      const digests = new Map(
        rules.algorithms.map((name) => [name, new HmacDigest(HASHES[name], utf8(secret))]),
      );
      return ({ token: { signed, signature, claims }, algorithm }) => {
        if (key !== undefined && claims["iss"] !== key) return false;
        return equalText(digests.get(algorithm)!.base64url(utf8(signed)), signature);
      };
    },
    sign: (request, secret, { key }) => {
      const { method, url, body, now, id } = request;
      const iat = Math.floor(now / 1000);
      const issuer = rules.issuer ?? key;
      const claims = {
        ...(issuer === undefined ? {} : { iss: issuer }),
        iat,
        nbf: iat,
        exp: iat + TOKEN_LIFETIME,
        jti: id,
        ...rules.claimsFor(request),
      };
      const token = hmacToken(claims, secret);
      return { method, url, body, headers: { [rules.header]: `${rules.word ?? ""}${token}` } };
    },
  };
}

function tokenIn(header: string, word: string): Token | undefined {
  const token = header.startsWith(word) ? readToken(header.slice(word.length)) : "";
  return typeof token === "string" ? undefined : token;
}

/** RFC 7519, sections 4.1.4 and 4.1.5. What is there must be right. */
function isTimely({ exp, nbf }: Claims, leeway: number, now: number): boolean {
  if (exp !== undefined && !(typeof exp === "number" && now < exp + leeway)) return false;
  return nbf === undefined || typeof nbf === "number" && now >= nbf - leeway;
}

function digestOf(data: Uint8Array | string, encoding: "hex" | "base64" | "base64url"): string {
  return hash("sha256", data, encoding);
}

function isDigest(
  claim: unknown,
  data: Uint8Array | string,
  encoding: "hex" | "base64" | "base64url",
): boolean {
  return typeof claim === "string" && equalText(claim, digestOf(data, encoding));
}

/** Upstash QStash (@upstash/qstash 2.12.0). */
export const qstash = tokenSigned({
  header: "Upstash-Signature",
  algorithms: ["HS256"],
  issuer: "Upstash",
  required: ["exp", "nbf"],
  leeway: 0,
  needsUrl: true,
  fits: ({ sub, body: digest }, { url, body }) => {
    // Padding is left out by some.
    const text = typeof digest === "string" ? digest.replace(/=+$/, "") : digest;
    return sub === url && isDigest(text, body, "base64url");
  },
  claimsFor: ({ url, body }) => ({ sub: url, body: digestOf(body, "base64url") }),
});

/** LiveKit (livekit-server-sdk 2.19.2). */
export const livekit = tokenSigned({
  header: "Authorization",
  algorithms: ["HS256"],
  required: ["exp"],
  leeway: 10,
  fits: ({ sha256 }, { body }) => isDigest(sha256, body, "base64"),
  id: JsonPointer.of("id"),
  claimsFor: ({ body }) => ({ sha256: digestOf(body, "base64") }),
});

/** Vonage (@vonage/jwt 1.17.1, which leaves the body to its caller). */
export const vonage = tokenSigned({
  header: "Authorization",
  word: "Bearer ",
  algorithms: ["HS256"],
  leeway: 0,
  fits: ({ payload_hash: digest }, { body }) => isDigest(digest, body, "hex"),
  claimsFor: ({ body }) => ({ payload_hash: digestOf(body, "hex") }),
});

/** MessageBird (messagebird 4.0.1). */
export const messagebird = tokenSigned({
  header: "MessageBird-Signature-JWT",
  algorithms: ["HS256", "HS384", "HS512"],
  issuer: "MessageBird",
  required: ["jti"],
  leeway: 5,
  needsUrl: true,
  fits: ({ url_hash: ofUrl, payload_hash: ofBody }, { url, body }) => {
    const isBody = ofBody === undefined ? body.length === 0 : isDigest(ofBody, body, "hex");
    return isBody && isDigest(ofUrl, url, "hex");
  },
  claimsFor: ({ url, body }) => ({
    url_hash: digestOf(url, "hex"),
    ...(body.length === 0 ? {} : { payload_hash: digestOf(body, "hex") }),
  }),
});

/** FusionAuth, with a shared secret. */
export const fusionauth = tokenSigned({
  header: "X-FusionAuth-Signature-JWT",
  algorithms: ["HS256", "HS384", "HS512"],
  leeway: 0,
  fits: ({ request_body_sha256: digest }, { body }) => isDigest(digest, body, "base64"),
  id: JsonPointer.of("event", "id"),
  claimsFor: ({ body }) => ({ request_body_sha256: digestOf(body, "base64") }),
});

/** Netlify. */
export const netlify = tokenSigned({
  header: "X-Webhook-Signature",
  algorithms: ["HS256"],
  issuer: "netlify",
  leeway: 0,
  fits: ({ sha256 }, { body }) => isDigest(sha256, body, "hex"),
  claimsFor: ({ body }) => ({ sha256: digestOf(body, "hex") }),
});
