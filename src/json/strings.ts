/**
 * What scanners of JSON texts ask for every few characters, and where strings end: they look from quote to quote, which
 * the engine does many characters at a time.
 *
 * @module
 */

const BACKSLASH = 0x5c;

/**
 * Methods of texts as functions of their own, for loops over characters. Once any library has a class that extends
 * `String`, as the client of Redis has one, V8 looks the methods up at each call: `text.charCodeAt(index)` then takes
 * six times as long in the whole process, and these take no longer.
 */
function uncurried<Name extends "charCodeAt" | "indexOf" | "slice">(
  name: Name,
): (text: string, ...rest: Parameters<string[Name]>) => ReturnType<string[Name]> {
  return Function.prototype.call.bind(String.prototype[name]);
}

/** `text.charCodeAt(index)` at the same speed in every process. */
export const codeAt: (text: string, index: number) => number = uncurried("charCodeAt");

/** `text.indexOf(searched, from)` at the same speed in every process. */
export const indexIn: (text: string, searched: string, from: number) => number = uncurried("indexOf");

/** `text.slice(start, end)` at the same speed in every process. */
export const sliceOf: (text: string, start: number, end?: number) => string = uncurried("slice");

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
  for (let quote = indexIn(json, '"', from); quote !== -1; quote = indexIn(json, '"', quote + 1)) {
    if (codeAt(json, quote - 1) !== BACKSLASH) return quote + 1;
    let backslashes = 1;
    while (codeAt(json, quote - 1 - backslashes) === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return quote + 1;
    if (quote >= until) return ~(quote + 1);
  }
  return json.length;
}
