/**
 * Whose a certificate is: the subject and the alternative names of an X.509 certificate (RFC 5280), read from its bytes.
 *
 * The texts that runtimes and proxies make of them are not used: most leave out the escapes, so that a name with a comma
 * in it reads like two names, one of which may be somebody else's.
 *
 * @module
 */

import { parseAddress } from "../../io/address.ts";

/** A part of a distinguished name: the object identifier of its type, and its value. */
export type NameAttribute = readonly [oid: string, value: string];

/** An alternative name, as {@linkcode alternativeName} writes it. */
export type AlternativeName = string;

/** Who a certificate was issued to. */
export interface CertificateIdentity {
  readonly subject: readonly NameAttribute[];
  readonly alternativeNames: readonly AlternativeName[];
}

/** Bytes that are no certificate. */
export class CertificateSyntaxError extends Error {
  override readonly name = "CertificateSyntaxError";
}

const SEQUENCE = 0x30;
const SET = 0x31;
const OBJECT_IDENTIFIER = 0x06;
const OCTET_STRING = 0x04;
const BMP_STRING = 0x1e;
/** `version [0]` and `extensions [3]` of a `TBSCertificate`. */
const VERSION = 0xa0;
const EXTENSIONS = 0xa3;

/** What stands before the subject of a `TBSCertificate`: serial number, signature, issuer and validity. */
const BEFORE_SUBJECT = 4;

const SUBJECT_ALTERNATIVE_NAME = "2.5.29.17";

/** Kinds of a `GeneralName` that are compared, by their tags; the others say nothing that a configuration can name. */
const GENERAL_NAMES: Readonly<Record<number, "email" | "dns" | "uri" | "ip">> = {
  0x81: "email",
  0x82: "dns",
  0x86: "uri",
  0x87: "ip",
};

/** One element of DER: its tag and its content. */
interface Element {
  readonly tag: number;
  readonly content: Uint8Array;
}

/**
 * Reads a certificate.
 *
 * @param der its bytes
 * @throws {CertificateSyntaxError}
 */
export function identityOf(der: Uint8Array): CertificateIdentity {
  const [certificate] = elementsIn(der);
  const [toBeSigned] = elementsIn(contentOf(certificate, SEQUENCE));
  const fields = elementsIn(contentOf(toBeSigned, SEQUENCE)).filter(({ tag }) => tag !== VERSION);
  const extensions = fields.find(({ tag }) => tag === EXTENSIONS);
  return {
    subject: attributesIn(contentOf(fields[BEFORE_SUBJECT], SEQUENCE)),
    alternativeNames: extensions === undefined ? [] : alternativeNamesIn(extensions.content),
  };
}

/**
 * An alternative name in the form that is compared, with what kind it is: names of hosts and addresses have one spelling.
 */
export function alternativeName(kind: "email" | "dns" | "uri" | "ip", value: string): AlternativeName {
  if (kind === "ip") return `ip:${parseAddress(value)?.toString() ?? value}`;
  return `${kind}:${kind === "dns" ? value.toLowerCase() : value}`;
}

function attributesIn(name: Uint8Array): NameAttribute[] {
  return elementsIn(name).flatMap((set) => elementsIn(contentOf(set, SET))).map((attribute) => {
    const [type, value] = elementsIn(contentOf(attribute, SEQUENCE));
    if (value === undefined) throw new CertificateSyntaxError("A name has no value");
    return [identifierIn(contentOf(type, OBJECT_IDENTIFIER)), textOf(value)];
  });
}

function alternativeNamesIn(extensions: Uint8Array): AlternativeName[] {
  for (const extension of elementsIn(contentOf(elementsIn(extensions)[0], SEQUENCE))) {
    const [type, ...rest] = elementsIn(contentOf(extension, SEQUENCE));
    if (identifierIn(contentOf(type, OBJECT_IDENTIFIER)) !== SUBJECT_ALTERNATIVE_NAME) continue;
    const [names] = elementsIn(contentOf(rest.at(-1), OCTET_STRING));
    return elementsIn(contentOf(names, SEQUENCE)).flatMap(({ tag, content }) => {
      const kind = GENERAL_NAMES[tag];
      if (kind === undefined) return [];
      return alternativeName(kind, kind === "ip" ? addressIn(content) : decode(content));
    });
  }
  return [];
}

function addressIn(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  const groups = Array.from(
    { length: bytes.length / 2 },
    (_, index) => ((bytes[2 * index]! << 8) | bytes[2 * index + 1]!).toString(16),
  );
  return groups.join(":");
}

/** The text of a `DirectoryString`: all forms but one are read as UTF-8, which those of ASCII are part of. */
function textOf({ tag, content }: Element): string {
  if (tag !== BMP_STRING) return decode(content);
  return new TextDecoder("utf-16be", { fatal: true }).decode(content);
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new CertificateSyntaxError("A name is not text", { cause });
  }
}

/** An object identifier in dots (X.690, section 8.19). */
function identifierIn(bytes: Uint8Array): string {
  const numbers: number[] = [];
  let number = 0;
  for (const byte of bytes) {
    number = number * 128 + (byte & 0x7f);
    if ((byte & 0x80) !== 0) continue;
    numbers.push(number);
    number = 0;
  }
  const [first = 0, ...others] = numbers;
  const root = Math.min(2, Math.floor(first / 40));
  return [root, first - 40 * root, ...others].join(".");
}

/** The elements that follow each other in bytes (X.690, section 8.1). */
function elementsIn(bytes: Uint8Array): Element[] {
  const elements: Element[] = [];
  for (let at = 0; at < bytes.length;) {
    const tag = bytes[at++]!;
    let length = bytes[at++] ?? Infinity;
    if (length >= 0x80) {
      const digits = length & 0x7f;
      length = digits === 0 || digits > 4 ? Infinity : 0;
      for (let digit = 0; digit < digits; digit++) length = length * 256 + (bytes[at++] ?? Infinity);
    }
    if (!(at + length <= bytes.length)) throw new CertificateSyntaxError("It ends too early");
    elements.push({ tag, content: bytes.subarray(at, at + length) });
    at += length;
  }
  return elements;
}

function contentOf(element: Element | undefined, tag: number): Uint8Array {
  if (element?.tag !== tag) throw new CertificateSyntaxError("It is not a certificate");
  return element.content;
}
