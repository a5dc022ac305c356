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

/** A name with a port behind it; an IPv6 address has more colons than one. */
const HOST_AND_PORT = /^([^:]*|\[[^\]]*\]):\d*$/;

/** Without what could belong to a URL, a path or no name at all; perhaps in brackets. */
const HOST_ALONE = /^(\[[^\s\p{Cc}[\]/?#@]+\]|[^\s\p{Cc}[\]/?#@]+)$/u;

/**
 * A host name or an IP address with nothing around it. IPv6 addresses may stand in brackets, which are taken
 * off. Whether the host exists shows when it is connected to.
 *
 * @param forUrl what to do with a URL. @default the keys `host` and `port`
 */
export function hostField(
  forUrl = "give the host name alone, and the port as 'port'",
): z.ZodType<string, string> {
  return z.string().superRefine((host, context) => {
    const error = refuseHost(host, forUrl);
    if (error !== undefined) context.addIssue({ code: "custom", message: error });
  }).transform((host) => host.startsWith("[") ? host.slice(1, -1) : host);
}

function refuseHost(host: string, forUrl: string): string | undefined {
  if (host === "") return "Must not be empty";
  if (host.includes("://")) return `This is a URL: ${forUrl}`;
  if (HOST_AND_PORT.test(host)) return "This names a port too: give the host alone, and the port as 'port'";
  return HOST_ALONE.test(host) ? undefined : "Not a host name or IP address with nothing around it";
}
