/**
 * Where strings of JSON texts end. It looks from quote to quote, which the engine does many characters at a time.
 *
 * @module
 */

const BACKSLASH = 0x5c;

/**
 * The index after the closing quote of the string that begins at `start` of a JSON text; the length of a text that
 * ends before it.
 */
export function endOfString(json: string, start: number): number {
  return endOfStringWithin(json, start + 1, Infinity);
}

/**
 * As {@linkcode endOfString}, for strings of any length: the search stops behind the first escaped quote past `until`,
 * since millions of them may stand in one string.
 *
 * @param from an index within the string, behind a quote
 * @returns where the search has stopped, the complement (`~`) of the index to go on from
 */
export function endOfStringWithin(json: string, from: number, until: number): number {
  for (let quote = json.indexOf('"', from); quote !== -1; quote = json.indexOf('"', quote + 1)) {
    if (json.charCodeAt(quote - 1) !== BACKSLASH) return quote + 1;
    let backslashes = 1;
    while (json.charCodeAt(quote - 1 - backslashes) === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return quote + 1;
    if (quote >= until) return ~(quote + 1);
  }
  return json.length;
}
