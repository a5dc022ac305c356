/**
 * Group ids, deduplication ids and partition keys: texts of at most 128 visible characters of ASCII, which may have
 * values of the event in them, such as `{/order/customer}`.
 *
 * A value can never become more than it stands for: whatever is no letter, digit or one of `-_.!~*'()` is
 * percent-encoded, and its length is bounded by that of the whole.
 *
 * @module
 */

import { z } from "zod";
import { DeliveryError } from "../../errors.ts";
import type { Event } from "../../event/event.ts";
import { type EventValue, fillPattern, findValues, splitPattern } from "../name_pattern.ts";

/** Longest of them, in characters. */
const MAX_TOKEN = 128;

/** What stands around placeholders: visible ASCII, without the braces that belong to them. */
const LITERAL = /^[\x21-\x7a|~]*$/;

const KNOWN: Readonly<Record<string, EventValue>> = {
  event_id: ({ id }) => id,
  event_type: ({ type }) => type,
  namespace: ({ namespace }) => namespace,
  webhook_id: ({ webhook }) => webhook,
};

/** The text for an event. @throws {DeliveryError} `output_rejected` when it cannot be made of the event */
export type TokenOf = (event: Event) => string;

/**
 * Reads a pattern.
 *
 * @param key of the configuration, for messages
 * @returns the function that it stands for, or one sentence about what is wrong with it
 */
export function parseToken(text: string, key: string): TokenOf | { readonly problem: string } {
  const pattern = splitPattern(text);
  const { literals, names } = pattern;
  if (text === "") return { problem: "Must not be empty" };
  if (!literals.every((literal) => LITERAL.test(literal))) {
    return { problem: "Has letters, digits and signs of ASCII alone, and braces around placeholders" };
  }
  if (literals.join("").length > MAX_TOKEN) return { problem: `Is longer than ${MAX_TOKEN} characters` };
  const values = findValues(names, KNOWN);
  if ("problem" in values) return values;
  const encoded = (event: Event, index: number) => encode(values[index]!(event), `{${names[index]}}`, key);
  return (event) => {
    const token = fillPattern(pattern, (index) => encoded(event, index));
    if (token.length <= MAX_TOKEN) return token;
    throw unusable(key, `is longer than ${MAX_TOKEN} characters`);
  };
}

function encode(value: string | undefined, place: string, key: string): string {
  if (value === undefined || value === "") {
    throw unusable(key, `needs ${place}, which is not in the event as a text, a number or a truth value`);
  }
  // What is too long as it is need not be encoded to find that out.
  return value.length > MAX_TOKEN ? value : encodeURIComponent(value.toWellFormed());
}

function unusable(key: string, what: string): DeliveryError {
  return new DeliveryError("output_rejected", `The event's ${key} ${what}`);
}

/** Piece of a schema: such a text, with what it stands for. @param key of the configuration, for messages */
export function tokenField(key: string): z.ZodType<{ readonly text: string; readonly of: TokenOf }, string> {
  return z.string().transform((text, issues) => {
    const of = parseToken(text, key);
    if (typeof of === "function") return { text, of };
    issues.addIssue({ code: "custom", message: of.problem });
    return z.NEVER;
  });
}
