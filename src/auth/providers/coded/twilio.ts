/**
 * Twilio signs the URL and the sorted fields of the form. No data: fields are sorted and joined, and the URL may have
 * been signed with its port or without.
 *
 * @module
 */

import { hash } from "node:crypto";
import { equalText } from "../../crypto/constant_time.ts";
import { HmacDigest } from "../../crypto/hmac_digest.ts";
import { type CodedScheme, FORM_TYPE, textOf, textToSign, utf8 } from "./coded_scheme.ts";

/** The query parameter that holds the digest of a body that is no form. */
const DIGEST_PARAMETER = "bodySHA256";

interface TwilioRequest {
  readonly signature: string;
  /** The same however the port was written. */
  readonly portless: string;
  /** What may have been signed. */
  readonly contents: readonly string[];
}

/** HMAC-SHA1 in base64 with the auth token (twilio 6.2.0). */
export const twilio: CodedScheme<TwilioRequest> = {
  headers: ["X-Twilio-Signature"],
  needsUrl: true,
  read: ({ headers, url, body }) => {
    const signature = headers.get("x-twilio-signature") ?? "";
    const digest = URL.parse(url)?.searchParams.get(DIGEST_PARAMETER) ?? undefined;
    if (digest !== undefined) {
      return equalText(digest, hash("sha256", body, "hex"))
        ? { signature, portless: withoutPort(url), contents: spellings(url) }
        : undefined;
    }
    const form = textOf(body);
    if (form === undefined) return undefined;
    const fields = sortedFields(form);
    const contents = spellings(url).map((spelling) => spelling + fields);
    return { signature, portless: withoutPort(url) + fields, contents };
  },
  signed: ({ portless }) => portless,
  prepare: (secret) => {
    const digest = new HmacDigest("sha1", utf8(secret));
    return ({ signature, contents }) => {
      return contents.some((content) => equalText(digest.base64(utf8(content)), signature));
    };
  },
  // A body that is JSON is bound to the URL, and otherwise the fields of the form are signed.
  sign: ({ method, url, body }, secret) => {
    const text = textToSign(body);
    const isJson = /^\s*[{[]/.test(text);
    const mark = url.includes("?") ? "&" : "?";
    const signed = isJson ? `${url}${mark}${DIGEST_PARAMETER}=${hash("sha256", body, "hex")}` : url;
    const content = isJson ? signed : signed + sortedFields(text);
    const signature = new HmacDigest("sha1", utf8(secret)).base64(utf8(content));
    const type = isJson ? "application/json" : FORM_TYPE;
    return { method, url: signed, body, headers: { "Content-Type": type, "X-Twilio-Signature": signature } };
  },
};

/** Each name with its values; equal values of one name count once. */
function sortedFields(form: string): string {
  const fields = new Map<string, Set<string>>();
  for (const [name, value] of new URLSearchParams(form)) {
    const values = fields.get(name);
    if (values === undefined) fields.set(name, new Set([value]));
    else values.add(value);
  }
  return [...fields.keys()].sort().flatMap((name) => {
    return [...fields.get(name)!].sort().map((value) => name + value);
  }).join("");
}

const URL_PARTS = /^(https?):\/\/([^/?#]*?)(?::\d+)?([/?#].*)?$/;

function withoutPort(url: string): string {
  return url.replace(URL_PARTS, "$1://$2$3");
}

/** The URL as it was received, without its port, and with the port of its scheme. */
function spellings(url: string): readonly string[] {
  const parts = URL_PARTS.exec(url);
  if (parts === null) return [url];
  const [, scheme, host, rest = ""] = parts;
  const port = scheme === "https" ? 443 : 80;
  return [...new Set([url, `${scheme}://${host}${rest}`, `${scheme}://${host}:${port}${rest}`])];
}
