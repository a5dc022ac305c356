/**
 * Schema fields for values that may come out of `{$VAR}` substitution, which always yields text: a number
 * may be written `30` or `"{$HTTP_TIMEOUT:30}"`.
 *
 * @module
 */

import { z } from "zod";

/** White space around it is what a variable read from a file often has. */
function toNumber(value: unknown): unknown {
  return typeof value === "string" && /^\s*-?\d+(\.\d+)?\s*$/.test(value) ? Number(value) : value;
}

/** Python's text of a truth value begins with a capital. */
function toBoolean(value: unknown): unknown {
  if (typeof value !== "string") return value;
  const text = value.trim().toLowerCase();
  if (text === "true") return true;
  return text === "false" ? false : value;
}

/** A whole number from `minimum` to `maximum`, or its decimal text. */
export function integerField(minimum: number, maximum: number): z.ZodType<number> {
  return z.preprocess(toNumber, z.int().min(minimum).max(maximum));
}

/** A number from `minimum` to `maximum`, or its decimal text. */
export function numberField(minimum: number, maximum: number): z.ZodType<number> {
  return z.preprocess(toNumber, z.number().min(minimum).max(maximum));
}

/** One of these numbers, or its decimal text. */
export function oneOfField(values: readonly number[]): z.ZodType<number> {
  return z.preprocess(toNumber, z.literal(values));
}

/** `true` or `false`, or their text in any case. */
export function booleanField(): z.ZodType<boolean> {
  return z.preprocess(toBoolean, z.boolean());
}

/** What is wrong with a secret that has white space at an end, most often the line end of a file. */
export const OUTER_WHITE_SPACE = "Begins or ends with white space, such as the line end of a file: remove it";

/**
 * A credential: a text that is not empty, without white space at its ends. Every field that holds one is made
 * of this. Of several things that are wrong the first is reported.
 *
 * @param pattern what it must look like, besides
 * @param error what to say of a text that does not
 */
export function secretField(pattern = /^/, error = ""): z.ZodString {
  return z.string().superRefine((text, context) => {
    if (text === "") context.addIssue({ code: "custom", message: "Must not be empty" });
    else if (!hasNoOuterWhiteSpace(text)) context.addIssue({ code: "custom", message: OUTER_WHITE_SPACE });
    else if (!pattern.test(text)) context.addIssue({ code: "custom", message: error });
  });
}

/** Whether a text is free of white space at its ends. */
export function hasNoOuterWhiteSpace(text: string): boolean {
  return text.trim() === text;
}

/**
 * Reports what is wrong with one key of a schema, for checks that look at several of them.
 *
 * @param path the key, or the keys down to it
 * @param message shows no value: it may hold a secret
 */
export function reportAt(
  issues: z.RefinementCtx,
  path: string | readonly (string | number)[],
  message: string,
): void {
  issues.addIssue({ code: "custom", path: typeof path === "string" ? [path] : [...path], message });
}
