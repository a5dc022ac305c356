/**
 * What can be told of a JSON text that `JSON.parse` keeps to itself.
 *
 * @module
 */

const QUOTE = 0x22;
const COMMA = 0x2c;
const OPENING_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSING_BRACKET = 0x5d;
const OPENING_BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;

/**
 * Finds the keys that stand more than once at the top level of a JSON object, where `JSON.parse` silently
 * keeps the last value.
 *
 * @param text valid JSON with an object at its top level
 */
export function findDuplicateKeys(text: string): Set<string> {
  const keys = new Set<string>();
  const duplicates = new Set<string>();
  let depth = 0;
  let expectsKey = false;
  for (let index = 0; index < text.length; index++) {
    switch (text.charCodeAt(index)) {
      case OPENING_BRACE:
      case OPENING_BRACKET:
        expectsKey = ++depth === 1;
        break;
      case CLOSING_BRACE:
      case CLOSING_BRACKET:
        depth--;
        break;
      case COMMA:
        expectsKey = depth === 1;
        break;
      case QUOTE: {
        const end = endOfString(text, index);
        if (expectsKey) {
          // Parsed, since "a" and "\u0061" are the same key.
          const key = JSON.parse(text.slice(index, end)) as string;
          if (keys.has(key)) duplicates.add(key);
          keys.add(key);
          expectsKey = false;
        }
        index = end - 1;
      }
    }
  }
  return duplicates;
}

/**
 * Says where a text stopped being JSON: `: error at position 22 (line 2 column 12)`, or nothing where that
 * cannot be told. The text itself is never quoted, since it may hold a secret; V8's message would.
 *
 * @param error what `JSON.parse` threw for the text
 */
export function describeErrorPosition(text: string, error: unknown): string {
  const told = error instanceof Error ? /at position (\d+)/.exec(error.message)?.[1] : undefined;
  const position = told === undefined ? findMissingValue(text) : Number(told);
  if (position === undefined) return "";
  const before = text.slice(0, position);
  const line = before.split("\n").length;
  const column = position - before.lastIndexOf("\n");
  return `: error at position ${position} (line ${line} column ${column})`;
}

/** A mark after which a value begins, and one that cannot begin a value. */
const MISSING_VALUE = /^(?:[,:][\]},:]|\[[},:])$/;

/**
 * Finds the first place where a value should begin and something else stands: the one kind of error for
 * which V8 tells no position.
 */
function findMissingValue(text: string): number | undefined {
  const token = /[\s{}[\],:]|"|(?:true|false|null)\b|-?\d[\d.eE+-]*/y;
  let former = "";
  while (token.lastIndex < text.length) {
    const position = token.lastIndex;
    const found = token.exec(text)?.[0];
    if (found === undefined || MISSING_VALUE.test(former + found)) return position;
    if (found === '"') token.lastIndex = endOfString(text, position);
    if (found.trim() !== "") former = found;
  }
  return undefined;
}

/** The index after the closing quote of the JSON string that begins at `start`. */
function endOfString(text: string, start: number): number {
  let quote = start;
  while (true) {
    quote = text.indexOf('"', quote + 1);
    if (quote === -1) return text.length;
    let backslashes = 0;
    while (text.charCodeAt(quote - 1 - backslashes) === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return quote + 1;
  }
}
