/**
 * Forms and queries, read from their bytes, each shown as one character: two texts that are no UTF-8 stay two.
 *
 * @module
 */

import { Buffer } from "node:buffer";

/** A name and a value, both with escapes undone, in bytes. */
export type Parameter = readonly [name: string, value: string];

const FORM = /^application\/x-www-form-urlencoded[ \t]*(;|$)/i;

const ESCAPE = /%([0-9A-Fa-f]{2})?/g;

/** Whether a body with these headers is a form. */
export function isForm(headers: Headers): boolean {
  return FORM.test(headers.get("content-type") ?? "");
}

/** A body as {@linkcode parseForm} reads it. */
export function formText(body: Uint8Array<ArrayBuffer>): string {
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("latin1");
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
