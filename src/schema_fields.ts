/**
 * Schema fields for values that may come out of `{$VAR}` substitution, which always yields text: a number
 * may be written `30` or `"{$HTTP_TIMEOUT:30}"`.
 *
 * @module
 */

import { z } from "zod";

function toNumber(value: unknown): unknown {
  return typeof value === "string" && /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value;
}

function toBoolean(value: unknown): unknown {
  if (value === "true") return true;
  return value === "false" ? false : value;
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

/** `true` or `false`, or their text. */
export function booleanField(): z.ZodType<boolean> {
  return z.preprocess(toBoolean, z.boolean());
}
