/**
 * The one list of names whose values are credentials, and what removes such values before anything is
 * printed.
 *
 * @module
 */

import { endOfString } from "../json/strings.ts";

/** What stands in the place of a credential. */
export const REDACTED = "[REDACTED]";

/** What stands in the place of a value that was not searched. */
export const NOT_SEARCHED = "[TOO DEEP OR TOO LARGE TO SHOW]";

/** Deepest nesting that {@linkcode redactJson} searches; it bounds the stack. */
const MAX_DEPTH = 64;
/** Most values that {@linkcode redactJson} copies: objects that refer to each other would have no end. */
const MAX_VALUES = 10_000;

/**
 * A name is sensitive when one of these occurs in it, in any case. A space stands for any separator or
 * none: `api key` covers `api_key`, `X-Api-Key` and `apiKey`. Signatures are among them because whoever
 * reads one together with its body can send both again.
 */
const SENSITIVE_WORDS = [
  "pass word",
  "pass wd",
  "pass phrase",
  "pwd",
  "secret",
  "token",
  "api key",
  "private key",
  // `authorization` and `authenticated`, but not the `author` of a commit or an `authority`.
  "auth(?!or(?!i[sz]))",
  "credential",
  "session",
  "cookie",
  "signature",
  "hmac",
  "credit card",
  // Not the end of one word and the beginning of the next, as in `businessName` and `class_node`.
  "(?<![aeiou])ssn|(?-i:Ssn|SSN)",
  "database url",
  "db url",
  "connection string",
  "conn string",
];

const SENSITIVE = SENSITIVE_WORDS.join("|").replaceAll(" ", "[\\W_]*");
const SENSITIVE_NAME = new RegExp(SENSITIVE, "i");

/** Whether a value of this name may be a credential. Costs about 20 ns, so answers are not cached. */
export function isSensitiveName(name: string): boolean {
  return SENSITIVE_NAME.test(name);
}

/**
 * Whether a JSON text may hold a sensitive name. It errs on the side of `true`: a value that mentions one
 * counts, and so does every escape that could spell a letter of one or stand where a name has a separator.
 */
export function mayHoldSensitiveName(json: string): boolean {
  return SENSITIVE_NAME.test(json) || (json.includes("\\") && LETTER_ESCAPE.test(json));
}

const LETTER_ESCAPE = /\\[a-z]/;

/**
 * Copies a value as JSON, with the values of sensitive names replaced. A list or object below the 64th
 * level, or that brings the number of values above 10,000, is replaced by a note: nothing is shown that
 * was not searched.
 *
 * @param describe turns values that JSON does not know (an Error, a Map) into ones that it does
 */
export function redactJson(value: unknown, describe: (value: unknown) => unknown = (same) => same): unknown {
  let left = MAX_VALUES;
  function redact(value: unknown, depth: number): unknown {
    const json = describe(value);
    if (typeof json !== "object" || json === null) return json;
    const entries = Object.entries(json);
    left -= entries.length;
    if (depth > MAX_DEPTH || left < 0) return NOT_SEARCHED;
    if (Array.isArray(json)) return json.map((item) => redact(item, depth + 1));
    return Object.fromEntries(
      entries.map(([name, item]) => [name, isSensitiveName(name) ? REDACTED : redact(item, depth + 1)]),
    );
  }
  return redact(value, 1);
}

/**
 * Replaces the values of sensitive names in a JSON text and leaves every other character as it is. One
 * pass without a stack: nesting depth is unlimited.
 *
 * @param json valid JSON, or the beginning of it
 */
export function redactJsonText(json: string): string {
  let redacted = "";
  let copiedTo = 0;
  for (let start = json.indexOf('"'); start !== -1;) {
    let next = endOfString(json, start);
    const colon = skipSpace(json, next);
    if (json[colon] === ":" && isSensitiveKey(json.slice(start, next))) {
      const valueStart = skipSpace(json, colon + 1);
      redacted += json.slice(copiedTo, valueStart) + `"${REDACTED}"`;
      copiedTo = next = endOfValue(json, valueStart);
    }
    start = json.indexOf('"', next);
  }
  return redacted + json.slice(copiedTo);
}

/** @param quoted a JSON string; the quotes do no harm to the search */
function isSensitiveKey(quoted: string): boolean {
  if (!quoted.includes("\\")) return isSensitiveName(quoted);
  try {
    return isSensitiveName(JSON.parse(quoted));
  } catch {
    return true; // Nobody can say what name this spells.
  }
}

function skipSpace(json: string, from: number): number {
  let index = from;
  while (json.charCodeAt(index) <= SPACE) index++;
  return index;
}

/** Index after the value, or the length of a text that ends before it. */
function endOfValue(json: string, start: number): number {
  let depth = 0;
  let index = start;
  while (index < json.length) {
    const character = json[index] as string;
    if (character === '"') {
      index = endOfString(json, index);
      if (depth === 0) return index;
      continue;
    }
    if (character === "{" || character === "[") depth++;
    else if (character === "}" || character === "]") {
      if (depth === 0) return index;
      if (--depth === 0) return index + 1;
    } else if (depth === 0 && (character === "," || character <= " ")) return index;
    index++;
  }
  return json.length;
}

const SPACE = 0x20;

/**
 * A sensitive name with its value in text that is not JSON: `name=value`, `name: value`,
 * `"name": "value"`, `<name …>value</name>` and the part of a multipart form. Repetitions are bounded, so
 * that hostile text cannot make the search slow. An unquoted value goes on to the end of its line, since
 * `Authorization: Bearer …` and cookies have spaces and semicolons in them.
 */
const ASSIGNMENT = new RegExp(
  `((?:${SENSITIVE})[\\w.-]{0,64}` +
    `(?:["']?\\s{0,8}[=:>]\\s{0,8}|\\s[^<>\\r\\n]{0,200}>\\s{0,8}|["']?\\r?\\n\\r?\\n))` +
    `("(?:[^"\\\\\\r\\n]|\\\\.)*"|'[^'\\r\\n]*'|(?!</)[^&\\r\\n]+?(?=[&\\r\\n]|</|$))`,
  "gi",
);

/** An ASCII letter, digit, `_`, `-` or `.` in the spelling of a form or of JSON. */
const SPELLED_LETTER = /(?:%|\\u00)(2[de]|3\d|[46][1-9a-f]|[57][0-9a]|5f)/gi;

/**
 * Replaces what looks like the value of a sensitive name in text of unknown format. A best effort that
 * would rather remove too much; where a format is known, use its own function.
 */
export function redactText(text: string): string {
  const plain = text.replace(
    SPELLED_LETTER,
    (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)),
  );
  return SENSITIVE_NAME.test(plain) ? plain.replace(ASSIGNMENT, `$1${REDACTED}`) : text;
}
