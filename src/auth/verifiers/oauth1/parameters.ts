/**
 * Parameters of a request as OAuth 1.0 signs them (RFC 5849, sections 3.4.1.3 and 3.6). They are bytes, each shown as
 * one character: what is no UTF-8 stays apart from everything else.
 *
 * @module
 */

import type { Parameter } from "../../parsing/form_body.ts";

/** Everything but the unreserved characters (section 3.6). */
const RESERVED = /[^A-Za-z0-9._~-]/g;

const ESCAPES: readonly string[] = Array.from(
  { length: 256 },
  (_, byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`,
);

/** Escapes bytes as section 3.6 has it. */
export function percentEncode(bytes: string): string {
  return bytes.replace(RESERVED, (character) => ESCAPES[character.charCodeAt(0)]!);
}

/** All parameters as one text: escaped, sorted by name and then by value (section 3.4.1.3.2). */
export function normalizeParameters(parameters: readonly Parameter[]): string {
  return parameters
    .map(([name, value]): Parameter => [percentEncode(name), percentEncode(value)])
    .sort(([name, value], [otherName, otherValue]) => compare(name, otherName) || compare(value, otherValue))
    .map(([name, value]) => `${name}=${value}`)
    .join("&");
}

/** By their characters, which are ASCII. */
function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/**
 * The text that is signed (section 3.4.1.1).
 *
 * @param url of the request as its sender sees it, in bytes; its query is among the parameters
 */
export function signatureBaseString(method: string, url: string, parameters: readonly Parameter[]): string {
  const query = url.indexOf("?");
  const uri = query === -1 ? url : url.slice(0, query);
  // Other characters of parameters are escaped already.
  const escaped = normalizeParameters(parameters).replaceAll("%", "%25").replaceAll("=", "%3D").replaceAll(
    "&",
    "%26",
  );
  return `${percentEncode(method)}&${percentEncode(uri)}&${escaped}`;
}
