/**
 * How a signature is spelled: how long it is, and in which alphabet.
 *
 * @module
 */

import type { SchemeAlgorithm, SignatureEncoding } from "../../auth/signature/scheme.ts";

/** How long what an algorithm makes is, in bytes; `undefined` where that differs. */
const BYTES: Partial<Record<SchemeAlgorithm, number>> = {
  "hmac-sha256": 32,
  "hmac-sha1": 20,
  "hmac-sha384": 48,
  "hmac-sha512": 64,
  "sha256": 32,
  "sha1": 20,
  "ed25519": 64,
};

/** The alphabets, the one of a narrower set first. */
const SPELLINGS: readonly (readonly [name: string, pattern: RegExp])[] = [
  ["hex", /^[0-9a-f]+$/],
  ["hex in capitals", /^[0-9A-F]+$/],
  ["hex in both cases", /^[0-9A-Fa-f]+$/],
  ["base64", /^[A-Za-z0-9+/]+={0,2}$/],
  ["base64url", /^[A-Za-z0-9_-]+={0,2}$/],
];

/** Whether a signature is written as a provider's are, and the first thing that is not so. */
export function spellingOf(
  text: string,
  encoding: SignatureEncoding,
  algorithm: SchemeAlgorithm,
): { readonly isRight: boolean; readonly text: string } {
  const bytes = BYTES[algorithm];
  const length = bytes === undefined ? undefined : lengthOf(bytes, encoding);
  const spelling = nameOf(text, encoding);
  if (length !== undefined && text.length !== length) {
    const other = spelling === encoding ? "" : `, which looks like ${spelling}`;
    return {
      isRight: false,
      text: `The signature has ${text.length} characters${other}: ${algorithm} in ${encoding} has ${length}`,
    };
  }
  if (spelling !== encoding) {
    const at = firstForeign(text, encoding);
    const where = at === -1 ? "" : `, from character ${at + 1} on`;
    return { isRight: false, text: `The signature is ${spelling}${where}: ${encoding} is wanted` };
  }
  return { isRight: true, text: `${text.length} characters of ${encoding}` };
}

function lengthOf(bytes: number, encoding: SignatureEncoding): number {
  if (encoding === "hex") return bytes * 2;
  return encoding === "base64" ? Math.ceil(bytes / 3) * 4 : Math.ceil(bytes * 4 / 3);
}

/** The encoding that was wanted where the text is that, and otherwise the first that it is. */
function nameOf(text: string, wanted: SignatureEncoding): string {
  const [, pattern] = SPELLINGS.find(([name]) => name === wanted)!;
  const isPadded = text.endsWith("=");
  if (pattern.test(text) && !(wanted === "base64url" && isPadded)) return wanted;
  return SPELLINGS.find(([, each]) => each.test(text))?.[0] ?? "none of hex, base64 and base64url";
}

function firstForeign(text: string, wanted: SignatureEncoding): number {
  const alphabet = wanted === "hex" ? /[0-9a-f]/ : wanted === "base64" ? /[A-Za-z0-9+/=]/ : /[A-Za-z0-9_-]/;
  return [...text].findIndex((character) => !alphabet.test(character));
}
