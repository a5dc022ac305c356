/**
 * Contentful signs the headers that it names. No data: the list of headers is in the request.
 *
 * @module
 */

import { equalText } from "../../crypto/constant_time.ts";
import { HmacDigest } from "../../crypto/hmac_digest.ts";
import { requestTarget } from "../../public_url.ts";
import { type CodedScheme, textOf, textToSign, utf8 } from "./coded_scheme.ts";

/** A secret has this many characters. */
const SECRET_CHARACTERS = 64;

interface ContentfulRequest {
  readonly signature: string;
  readonly content: string;
}

const SIGNED_HEADERS = "x-contentful-signed-headers";
const TIMESTAMP = "x-contentful-timestamp";

/** HMAC-SHA256 in hexadecimal (@contentful/node-apps-toolkit 3.16.1). */
export const contentful: CodedScheme<ContentfulRequest> = {
  headers: ["X-Contentful-Signature", SIGNED_HEADERS, TIMESTAMP],
  needsUrl: true,
  timestamp: { in: (headers) => headers.get(TIMESTAMP) ?? undefined, unit: "ms", window: 30, future: 60 },
  read: ({ headers, method, url, body }) => {
    const names = (headers.get(SIGNED_HEADERS) ?? "").split(",").map((name) => name.trim().toLowerCase());
    const text = textOf(body);
    // A list without itself or the time could be taken from another request.
    if (text === undefined || !names.includes(SIGNED_HEADERS) || !names.includes(TIMESTAMP)) return undefined;
    const signed = names.map((name) => `${name}:${(headerOf(headers, name) ?? "").trim()}`);
    return {
      signature: headers.get("x-contentful-signature") ?? "",
      content: contentOf(method, url, signed, text),
    };
  },
  fits: (secret) => secret.length === SECRET_CHARACTERS,
  signed: ({ content }) => content,
  prepare: (secret) => {
    const digest = new HmacDigest("sha256", utf8(secret));
    return ({ signature, content }) => equalText(digest.hex(utf8(content)), signature);
  },
  sign: ({ method, url, body, now }, secret) => {
    const headers = {
      [SIGNED_HEADERS]: [SIGNED_HEADERS, TIMESTAMP].join(","),
      [TIMESTAMP]: String(Math.floor(now)),
    };
    const signed = Object.entries(headers).map(([name, value]) => `${name}:${value}`);
    const content = utf8(contentOf(method, url, signed, textToSign(body)));
    const signature = new HmacDigest("sha256", utf8(secret)).hex(content);
    return { method, url, body, headers: { ...headers, "x-contentful-signature": signature } };
  },
};

/** @param signed headers, each as `name:value` */
function contentOf(method: string, url: string, signed: readonly string[], text: string): string {
  return [method, encodedTarget(url), signed.join(";"), text].join("\n");
}

/** A name that no header can have names none. */
function headerOf(headers: Headers, name: string): string | null {
  return /^[a-z0-9-]+$/.test(name) ? headers.get(name) : null;
}

/** The path percent-encoded, and the query twice, as the provider's library does it. */
function encodedTarget(url: string): string {
  const [path = "", ...query] = requestTarget(url).split("?");
  const encoded = encodeURI(path);
  return query.length === 0 ? encoded : `${encoded}?${encodeURI(encodeURIComponent(query.join("?")))}`;
}
