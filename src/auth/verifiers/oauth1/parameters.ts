/**
 * Parameters of a request as OAuth 1.0 signs them (RFC 5849, sections 3.4.1.3 and 3.6). They are bytes, each shown as
 * one character: what is no UTF-8 stays apart from everything else.
 *
 * @module
 */

/** A name and a value, both with escapes undone, in bytes. */
export type Parameter = readonly [name: string, value: string];

/** What may stand in a form or in a query behind a percent sign, or in any other place. */
const ESCAPE = /%([0-9A-Fa-f]{2})?/g;

/** Everything but the unreserved characters (section 3.6). */
const RESERVED = /[^A-Za-z0-9._~-]/g;

const ESCAPES: readonly string[] = Array.from(
  { length: 256 },
  (_, byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`,
);

/** Escapes bytes as section 3.6 has it. */
export function percentEncode(bytes: string): string {
  return bytes.replace(RESERVED, (character) => ESCAPES[character.charCodeAt(0)]!);
}

/** Undoes escapes; `undefined` where a percent sign begins none, which could be read in several ways. */
export function percentDecode(text: string): string | undefined {
  if (!text.includes("%")) return text;
  let isValid = true;
  const bytes = text.replace(ESCAPE, (_, digits: string | undefined) => {
    if (digits !== undefined) return String.fromCharCode(Number.parseInt(digits, 16));
    isValid = false;
    return "";
  });
  return isValid ? bytes : undefined;
}

/**
 * The parameters of a form or a query, in their order, with every value that a name has. `undefined` where an escape is
 * none, or when there are too many.
 *
 * @param text in bytes
 */
export function parseForm(text: string, most: number): readonly Parameter[] | undefined {
  const parameters: Parameter[] = [];
  for (let start = 0; start < text.length;) {
    const ampersand = text.indexOf("&", start);
    const end = ampersand === -1 ? text.length : ampersand;
    if (end > start) {
      const parameter = parsePair(text.slice(start, end).replaceAll("+", " "));
      if (parameter === undefined || parameters.length === most) return undefined;
      parameters.push(parameter);
    }
    start = end + 1;
  }
  return parameters;
}

function parsePair(pair: string): Parameter | undefined {
  const equals = pair.indexOf("=");
  const name = percentDecode(equals === -1 ? pair : pair.slice(0, equals));
  const value = equals === -1 ? "" : percentDecode(pair.slice(equals + 1));
  return name === undefined || value === undefined ? undefined : [name, value];
}

/** All parameters as one text: escaped, sorted by name and then by value (section 3.4.1.3.2). */
export function normalizeParameters(parameters: readonly Parameter[]): string {
  return parameters
    .map(([name, value]): Parameter => [percentEncode(name), percentEncode(value)])
    .sort(([name, value], [otherName, otherValue]) => compare(name, otherName) || compare(value, otherValue))
    .map(([name, value]) => `${name}=${value}`)
    .join("&");
}

/** By their characters, which are ASCII. */
function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/**
 * The text that is signed (section 3.4.1.1).
 *
 * @param url of the request as its sender sees it, in bytes; its query is among the parameters
 */
export function signatureBaseString(method: string, url: string, parameters: readonly Parameter[]): string {
  const query = url.indexOf("?");
  const uri = query === -1 ? url : url.slice(0, query);
  return [method, uri, normalizeParameters(parameters)].map(percentEncode).join("&");
}
