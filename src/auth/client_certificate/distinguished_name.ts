/**
 * Distinguished names as texts (RFC 4514), and how two of them are compared.
 *
 * @module
 */

import type { NameAttribute } from "./x509.ts";

/** Types of attributes by the names that RFC 4514, OpenSSL and Envoy write them with, in upper case. */
const TYPES: Readonly<Record<string, string>> = {
  CN: "2.5.4.3",
  SN: "2.5.4.4",
  SERIALNUMBER: "2.5.4.5",
  C: "2.5.4.6",
  L: "2.5.4.7",
  ST: "2.5.4.8",
  S: "2.5.4.8",
  STREET: "2.5.4.9",
  O: "2.5.4.10",
  OU: "2.5.4.11",
  TITLE: "2.5.4.12",
  GN: "2.5.4.42",
  DNQUALIFIER: "2.5.4.46",
  ORGANIZATIONIDENTIFIER: "2.5.4.97",
  UID: "0.9.2342.19200300.100.1.1",
  DC: "0.9.2342.19200300.100.1.25",
  EMAILADDRESS: "1.2.840.113549.1.9.1",
  E: "1.2.840.113549.1.9.1",
};

const DOTTED = /^\d+(?:\.\d+)+$/;

/** An attribute: its type, `=`, and characters, those with a meaning behind a backslash. */
const ATTRIBUTE =
  / *([A-Za-z][\w-]*|\d+(?:\.\d+)+) *= *((?:[^\\,+;"<>]|\\[0-9A-Fa-f]{2}|\\[^0-9A-Fa-f])*)(?:[,+;]|$)/y;

/**
 * The attributes of a name such as `CN=billing,O=Acme\, Inc.,C=DE`.
 *
 * @returns `undefined` when the text is no such name, or has a type that is not known by name
 */
export function parseName(text: string): readonly NameAttribute[] | undefined {
  const attributes: NameAttribute[] = [];
  ATTRIBUTE.lastIndex = 0;
  while (ATTRIBUTE.lastIndex < text.length) {
    const [whole, type = "", value = ""] = ATTRIBUTE.exec(text) ?? [];
    if (whole === undefined) return undefined;
    const oid = DOTTED.test(type) ? type : TYPES[type.toUpperCase()];
    const unescaped = unescape(value);
    if (oid === undefined || unescaped === undefined) return undefined;
    attributes.push([oid, unescaped]);
  }
  return attributes.length === 0 || /[,+;] *$/.test(text.replace(/\\./g, "")) ? undefined : attributes;
}

/**
 * A name as a text that is equal for equal names. The order of attributes does not count: proxies write it in both
 * directions.
 */
export function canonicalName(attributes: readonly NameAttribute[]): string {
  return JSON.stringify(attributes.map(([oid, value]) => `${oid}=${value}`).sort());
}

/** Pairs of hexadecimal digits are bytes of UTF-8. A space at the end needs a backslash (RFC 4514, section 2.4). */
function unescape(value: string): string | undefined {
  if (/(?<!\\) $/.test(value)) return undefined;
  if (!value.includes("\\")) return value;
  const bytes: number[] = [];
  const encoder = new TextEncoder();
  for (const [, pair, escaped, plain] of value.matchAll(/\\([0-9A-Fa-f]{2})|\\([^])|([^\\]+)/g)) {
    if (pair === undefined) bytes.push(...encoder.encode(escaped ?? plain));
    else bytes.push(parseInt(pair, 16));
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(bytes));
  } catch {
    return undefined; // Bytes that are no text are no name that a configuration can say.
  }
}
