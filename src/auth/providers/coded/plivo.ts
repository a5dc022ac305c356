/**
 * Plivo signs the URL, the sorted query, the sorted fields of the form and a nonce. No data: which separators stand
 * between them depends on which of them there are.
 *
 * @module
 */

import { equalText } from "../../crypto/constant_time.ts";
import { HmacDigest } from "../../crypto/hmac_digest.ts";
import { type CodedScheme, FORM_TYPE, textOf, textToSign, utf8 } from "./coded_scheme.ts";

/** Most signatures in one header: while a token is changed there are two. */
const MAX_SIGNATURES = 10;

interface PlivoRequest {
  readonly signatures: readonly string[];
  readonly content: string;
}

/** The third version: HMAC-SHA256 in base64 with the auth token (plivo 4.79.0). */
export const plivo: CodedScheme<PlivoRequest> = {
  headers: ["X-Plivo-Signature-V3", "X-Plivo-Signature-V3-Nonce"],
  needsUrl: true,
  read: ({ headers, method, url, body }) => {
    const listed = headers.get("x-plivo-signature-v3") ?? "";
    const signatures = listed.split(",");
    const form = textOf(body);
    // With a space it is two headers, and no list.
    if (listed.includes(" ") || signatures.length > MAX_SIGNATURES || form === undefined) return undefined;
    const nonce = headers.get("x-plivo-signature-v3-nonce") ?? "";
    return { signatures, content: contentOf(method, url, form, nonce) };
  },
  signed: ({ content }) => content,
  prepare: (secret) => {
    const digest = new HmacDigest("sha256", utf8(secret));
    return ({ signatures, content }) => {
      const expected = digest.base64(utf8(content));
      return signatures.some((signature) => equalText(signature, expected));
    };
  },
  sign: ({ method, url, body, id }, secret) => {
    const content = contentOf(method, url, textToSign(body), id);
    const headers = {
      "Content-Type": FORM_TYPE,
      "X-Plivo-Signature-V3": new HmacDigest("sha256", utf8(secret)).base64(utf8(content)),
      "X-Plivo-Signature-V3-Nonce": id,
    };
    return { method, url, body, headers };
  },
};

function contentOf(method: string, url: string, form: string, nonce: string): string {
  const [base = "", ...query] = url.split("?");
  const inQuery = sortedPairs(query.join("?"), "=").join("&");
  const inForm = method === "GET" ? "" : sortedPairs(form, "").join("");
  const mark = inQuery === "" && inForm === "" ? "" : "?";
  const dot = inQuery === "" || inForm === "" ? "" : ".";
  return `${base}${mark}${inQuery}${dot}${inForm}.${nonce}`;
}

function sortedPairs(text: string, between: string): readonly string[] {
  return [...new URLSearchParams(text)]
    .sort(([name, value], [otherName, otherValue]) => compare(name, otherName) || compare(value, otherValue))
    .map(([name, value]) => name + between + value);
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
