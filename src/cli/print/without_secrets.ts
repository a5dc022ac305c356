/**
 * Takes secrets out of a configuration that is shown. References stay as they are written.
 *
 * @module
 */

import { isSensitiveName, REDACTED } from "../../observability/redaction.ts";

/** Names of settings of a secret, which are none themselves. */
const ABOUT_SECRETS =
  /(?:^auth|_(?:header|headers|prefix|url|uri|endpoint|type|algorithm|algorithms|encoding|format|field|path|file|name|mechanism|claim|in))$/i;

/** What identifies somebody, and is as good as a secret beside one. */
const CREDENTIAL_PART = /(?:^|_)(?:key|keys|password|bearer)$/i;

const REFERENCE = /(\{\$[^{}]*\})/;
/** The part before the default of a reference: of one that begins with a source, behind the name that follows it. */
const DEFAULT = /^(\{\$(?:(?:env|file|vault):[^:{}]+|(?!(?:env|file|vault):)[^:{}]+):)[^{}]+\}$/;
const URL_PASSWORD = /(:\/\/[^\s/@:]*:)[^\s/@]+@/g;
const URL_QUERY = /([?&](?:[^=&#\s]*))=([^&#\s]+)/g;

/** A value without its secrets: texts of names that say so, private keys, and passwords in URLs. */
export function withoutSecrets(value: unknown): unknown {
  return shown(value, "", false);
}

/**
 * @param name of the value; of an element the name of its list
 * @param isBeside whether it stands in something whose name speaks of secrets
 */
function shown(value: unknown, name: string, isBeside: boolean): unknown {
  if (typeof value === "string") return isSecret(name, isBeside) ? withoutText(value) : withoutParts(value);
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => shown(item, name, isBeside));
  const isInside = isBeside || isSensitiveName(name);
  return Object.fromEntries(
    Object.entries(value).map(([key, child]) => [key, shown(child, key, isInside)]),
  );
}

function isSecret(name: string, isBeside: boolean): boolean {
  if (ABOUT_SECRETS.test(name)) return false;
  return isSensitiveName(name) || (isBeside && CREDENTIAL_PART.test(name));
}

/** References stay, and the word before one, such as `Bearer`; what would stand in for them does not. */
function withoutText(text: string): string {
  if (text === "") return text;
  const parts = text.split(REFERENCE);
  return parts.map((part, index) => {
    if (index % 2 === 1) return withoutDefault(part);
    const isScheme = index === 0 && parts.length > 1 && /^[A-Za-z]+ $/.test(part);
    return part === "" || isScheme ? part : REDACTED;
  }).join("");
}

function withoutDefault(reference: string): string {
  return reference.replace(DEFAULT, `$1${REDACTED}}`);
}

function withoutParts(text: string): string {
  if (text.includes("PRIVATE KEY-----")) return REDACTED;
  const written = text.split(REFERENCE)
    .map((part, index) => index % 2 === 1 ? withoutDefault(part) : part).join("");
  if (!written.includes("://")) return written;
  return written.replace(URL_PASSWORD, (all, before: string) => {
    const password = all.slice(before.length, -1);
    return `${before}${withoutText(password)}@`;
  }).replace(
    URL_QUERY,
    (all, before: string, value: string) => isSensitiveName(before) ? `${before}=${withoutText(value)}` : all,
  );
}
