/**
 * How a configured secret becomes the bytes of a key.
 *
 * @module
 */

import { hash } from "node:crypto";
import type { KeyForm, KeyRule, Scheme } from "./scheme.ts";
import { prepareCheck } from "./check.ts";

const encoder = new TextEncoder();

const HEX = /^(?:[0-9A-Fa-f]{2})+$/;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/** The key that a rule makes of a secret; `undefined` where the secret has not the form that the rule names. */
export function keyOf(secret: string, rule: KeyRule): Uint8Array<ArrayBuffer> | undefined {
  if (typeof rule === "string") return formed(secret, rule);
  if (secret.startsWith(rule.strip)) return formed(secret.slice(rule.strip.length), rule.form);
  if (rule.without === "refused") return undefined;
  return formed(secret, rule.without === "text" ? "text" : rule.form);
}

/** Whether a secret has the form that a scheme needs. Cheap for secrets that are texts, as those of most are. */
export function fitsKey(secret: string, { key, algorithm, signature: { encoding } }: Scheme): boolean {
  if (key === "text") return true;
  return [key].flat().some((rule) => {
    if (rule === "text" || rule === "nfkd") return true;
    const bytes = keyOf(secret, rule);
    if (bytes === undefined) return false;
    return algorithm.startsWith("hmac-") || prepareCheck(algorithm, bytes, encoding) !== undefined;
  });
}

function formed(text: string, form: KeyForm): Uint8Array<ArrayBuffer> | undefined {
  switch (form) {
    case "text":
      return encoder.encode(text);
    case "nfkd":
      return encoder.encode(text.normalize("NFKD"));
    case "sha1":
      return Uint8Array.fromHex(hash("sha1", text, "hex"));
    case "hex":
      return HEX.test(text) ? Uint8Array.fromHex(text) : undefined;
    case "base64":
      return decoded(text);
    case "spki":
      return decoded(text.replace(/-----(?:BEGIN|END) PUBLIC KEY-----|\s+/g, ""));
  }
}

/** Padding may be left out. */
function decoded(base64: string): Uint8Array<ArrayBuffer> | undefined {
  if (!BASE64.test(base64)) return undefined;
  const digits = base64.replace(/=+$/, "");
  if (digits.length % 4 === 1) return undefined;
  try {
    return Uint8Array.fromBase64(digits);
  } catch {
    // Bits behind the last byte.
    return undefined;
  }
}
