/**
 * Signed tokens in the compact form (RFC 7515, section 3.1; RFC 7519), as far as they can be read before their
 * signature is known to be good. What is refused here is refused whatever the key is.
 *
 * Tokens are read and checked here and not by jose 6.2.18, whose WebCrypto takes a promise for each: 106 µs of the
 * processor for a token of HS256 and 418 for one of RS256, where node:crypto takes 12 and 195 for the signature alone.
 * Tokens of other libraries and the examples of the RFCs are tests of it.
 *
 * @module
 */

import { splitMembers } from "../../json/members.ts";

/** Longest token, in characters: as long as all headers of a request together may be with most servers. */
export const MAX_TOKEN = 16 * 1024;

/** Longest name of a key. */
const MAX_KEY_ID = 1024;

/** The three parts, none of which may be empty: a token without a signature is not signed. */
const COMPACT = /^([\w-]+)\.([\w-]+)\.([\w-]+)$/;

/** What a token says of its signature. */
export interface TokenHeader {
  readonly alg: string;
  /** The name of the key; `undefined` where the token has none. */
  readonly kid: string | undefined;
}

/** What a token claims. Not to be believed before the signature is checked. */
export type Claims = Readonly<Record<string, unknown>>;

/** A token that has the form of one. */
export interface Token {
  readonly header: TokenHeader;
  readonly claims: Claims;
  /** What the signature is over. */
  readonly signed: string;
  /** In base64url. */
  readonly signature: string;
}

/** Reads a token. @returns what is wrong with its form, in words that hold nothing of it, when it is not a token */
export function readToken(text: string): Token | string {
  if (text.length > MAX_TOKEN) return `The token is longer than ${MAX_TOKEN} characters`;
  const parts = COMPACT.exec(text);
  if (parts === null) return "The token has not the three parts of a signed one, separated by dots";
  const [, head, payload, signature] = parts as unknown as [string, string, string, string];
  const header = headerOf(head);
  if (typeof header === "string") return header;
  const claims = objectOf(textOf(payload));
  if (claims === undefined) return "The token's claims are not a JSON object";
  return { header, claims, signed: text.slice(0, head.length + 1 + payload.length), signature };
}

/** Most headers that are remembered; past it all are forgotten. Those of one issuer are the same in nearly all tokens. */
const MAX_HEADERS = 100;

/** Headers that were read, and what is wrong with those that are none. */
const headers = new Map<string, TokenHeader | string>();

function headerOf(part: string): TokenHeader | string {
  const known = headers.get(part);
  if (known !== undefined) return known;
  const header = readHeader(part);
  if (headers.size >= MAX_HEADERS) headers.clear();
  headers.set(part, header);
  return header;
}

function readHeader(part: string): TokenHeader | string {
  const text = textOf(part);
  const header = objectOf(text);
  if (text === undefined || header === undefined) return "The token's header is not a JSON object";
  const names = splitMembers(text).map(({ name }) => name);
  if (new Set(names).size < names.length) return "The token's header has a parameter twice";
  const { alg, kid } = header;
  if (typeof alg !== "string") return "The token's header names no algorithm";
  // No extension is known here, and one that is critical must be (RFC 7515, section 4.1.11).
  if (header["crit"] !== undefined) return "The token's header has critical extensions";
  // Without `crit` it has no meaning (RFC 7797, section 6), and whoever sets it expects another payload.
  if (header["b64"] !== undefined) return "The token's header has the parameter 'b64'";
  if (kid === undefined) return { alg, kid };
  if (typeof kid !== "string" || kid.length > MAX_KEY_ID) return "The token's header names no key";
  return { alg, kid };
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const BASE64URL = { alphabet: "base64url" } as const;

/** Bytes that stand for themselves in UTF-8, as nearly all tokens have. */
const ASCII = /^[\0-\x7f]*$/;

/** The text of a part; `undefined` when it is not base64url of UTF-8. */
function textOf(part: string): string | undefined {
  try {
    // A third of the time that reading bytes and decoding them takes.
    const bytes = atob(part.replaceAll("-", "+").replaceAll("_", "/"));
    return ASCII.test(bytes) ? bytes : decoder.decode(Uint8Array.fromBase64(part, BASE64URL));
  } catch {
    return undefined;
  }
}

function objectOf(text: string | undefined): Claims | undefined {
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value as Claims : undefined;
  } catch {
    return undefined;
  }
}
