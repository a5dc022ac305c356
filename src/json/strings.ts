const BACKSLASH = 0x5c;

/**
 * The index after the closing quote of the string that begins at `start` of a JSON text; the length of a text that
 * ends before it. It looks from quote to quote, which the engine does many characters at a time.
 */
export function endOfString(json: string, start: number): number {
  for (let quote = json.indexOf('"', start + 1); quote !== -1; quote = json.indexOf('"', quote + 1)) {
    let backslashes = 0;
    while (json.charCodeAt(quote - 1 - backslashes) === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return quote + 1;
  }
  return json.length;
}
