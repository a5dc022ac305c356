/**
 * Finds the signatures of a request, and what else their header holds, such as a time.
 *
 * @module
 */

import type { Scheme } from "./scheme.ts";

/** Most signatures that are tried: more are refused, since each costs a comparison with each secret. */
const MAX_SIGNATURES = 10;

/** How signatures are written in a text. */
type SignatureForm = Pick<
  Scheme["signature"],
  "prefix" | "items" | "trim" | "pair" | "name" | "bare" | "timeFirst"
>;

/** What a text holds. */
export interface FoundSignatures {
  /** As they are written. */
  readonly signatures: readonly string[];
  /** The value of the field that was asked for; `undefined` where it is missing or doubled. */
  readonly field: string | undefined;
}

/**
 * Reads the value of a header.
 *
 * @param field name of another piece that is wanted
 * @returns `undefined` when it has no signature of this form
 */
export function readSignatures(
  value: string,
  form: SignatureForm,
  field?: string,
): FoundSignatures | undefined {
  const { items, pair } = form;
  // Two headers of one name arrive joined like this; only forms that allow for white space are lists by themselves.
  if (!form.trim && value.includes(", ")) return undefined;
  if (items === undefined && pair === undefined) {
    const signature = withoutPrefix(value, form.prefix);
    return signature === undefined ? undefined : { signatures: [signature], field: undefined };
  }
  const signatures: string[] = [];
  const fields: string[] = [];
  const pieces = items === undefined ? [value] : value.split(items);
  if (form.timeFirst) fields.push(pieces.shift() ?? "");
  for (const piece of pieces) {
    const item = form.trim ? piece.trim() : piece;
    const { name, text } = cut(item, pair);
    if (!form.timeFirst && field !== undefined && name === field) fields.push(text);
    if (form.name !== undefined && name !== form.name && !(form.bare && name === "")) continue;
    const signature = withoutPrefix(text, form.prefix);
    if (signature !== undefined) signatures.push(signature);
  }
  if (signatures.length === 0 || signatures.length > MAX_SIGNATURES) return undefined;
  return { signatures, field: fields.length === 1 ? fields[0] : undefined };
}

function cut(item: string, pair: string | undefined): { readonly name: string; readonly text: string } {
  const at = pair === undefined ? -1 : item.indexOf(pair);
  return at === -1 ? { name: "", text: item } : { name: item.slice(0, at), text: item.slice(at + 1) };
}

function withoutPrefix(text: string, prefix: string | undefined): string | undefined {
  const signature = prefix === undefined
    ? text
    : text.startsWith(prefix)
    ? text.slice(prefix.length)
    : undefined;
  return signature === "" ? undefined : signature;
}
