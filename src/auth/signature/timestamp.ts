/**
 * Times that requests carry, and whether they are fresh.
 *
 * @module
 */

import type { Scheme, TimeUnit } from "./scheme.ts";

type TimeRule = NonNullable<Scheme["timestamp"]>;

/** More digits than the milliseconds of any year that the gateway will see. */
const DIGITS = /^\d{1,15}$/;

/** RFC 3339, section 5.6, with any number of digits behind the second. */
const RFC_3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/;

/** An HTTP date in the form of today (RFC 9110, section 5.6.7). */
const HTTP_DATE = /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/;

/**
 * What is wrong with a time, as a part of a sentence; `undefined` when it is fresh.
 *
 * @param text as the request has it
 * @param now in milliseconds since 1970
 */
export function judgeTime(text: string, rule: TimeRule, now: number): string | undefined {
  const time = readTime(text, rule.unit);
  if (time === undefined) return "is not written as it should be";
  if (rule.window === undefined || rule.unit === "text") return undefined;
  if (now - time > rule.window * 1000) return `is older than ${rule.window} s`;
  if (time - now > rule.future * 1000) return `is more than ${rule.future} s in the future`;
  return undefined;
}

/** In milliseconds since 1970; `undefined` where the text is none. */
export function readTime(text: string, unit: TimeUnit): number | undefined {
  switch (unit) {
    case "s":
      return DIGITS.test(text) ? Number(text) * 1000 : undefined;
    case "ms":
      return DIGITS.test(text) ? Number(text) : undefined;
    case "rfc3339":
      return RFC_3339.test(text) ? parsed(text.toUpperCase()) : undefined;
    case "http-date":
      return HTTP_DATE.test(text) ? parsed(text) : undefined;
    case "text":
      return text === "" ? undefined : 0;
  }
}

function parsed(text: string): number | undefined {
  const time = Date.parse(text);
  return Number.isNaN(time) ? undefined : time;
}
