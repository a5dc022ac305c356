/**
 * Text from outside, made safe to print. A payload must not be able to end a line, move the cursor of a
 * terminal or reorder what a person reads, or it could forge what the gateway seems to say.
 *
 * @module
 */

/**
 * Control characters (C0, DEL, C1), line and paragraph separators, bidirectional controls and the byte
 * order mark: everything that changes how the text around it is split or shown.
 */
const UNSAFE = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\ufeff]/u;
const ALL_UNSAFE = new RegExp(UNSAFE, "gu");

/** Whatever may not stand between quotes as it is; wider than necessary, since this test is the cheap one. */
const NEEDS_QUOTING = /[^ -~]|["\\]/;

/** Replaces unsafe characters by their JSON escapes, for example a newline by `\u000a`. */
export function escapeUnsafe(text: string): string {
  return UNSAFE.test(text) ? text.replace(ALL_UNSAFE, escaped) : text;
}

/** Writes a text as a JSON string that holds no unsafe character. */
export function quoteJson(text: string): string {
  return NEEDS_QUOTING.test(text) ? escapeUnsafe(JSON.stringify(text)) : `"${text}"`;
}

/**
 * Puts a JSON document on one safe line, without parsing it: numbers keep every digit and objects keep
 * the order and the duplicates of their keys.
 *
 * @param json valid JSON: C0 characters can then only be white space between the tokens
 */
export function flattenJson(json: string): string {
  if (!UNSAFE.test(json)) return json;
  return json.replace(ALL_UNSAFE, (character) => character < " " ? " " : escaped(character));
}

function escaped(character: string): string {
  return "\\u" + character.charCodeAt(0).toString(16).padStart(4, "0");
}
