/**
 * Subjects and message ids with placeholders. A pattern is checked when the configuration is compiled, and what an
 * event puts into it is encoded and bounded, so that no event can add a token or a wildcard.
 *
 * @module
 */

import { DeliveryError } from "../../errors.ts";
import type { Event } from "../../event/event.ts";
import { type EventValue, fillPattern, findValues, splitPattern } from "../name_pattern.ts";

/** Longest value of a placeholder after it was encoded, in bytes. */
export const MAX_SUBJECT_VALUE = 255;

/** Longest subject, in bytes: a server closes the connection on a line of more than 4096, which has more in it. */
const MAX_SUBJECT = 3_800;

/** Longest message id, in bytes: servers keep those of the last minutes in memory. */
const MAX_MESSAGE_ID = 8_192;

/** What no token may hold: wildcards, what ends a token or a line, and what belongs to placeholders. */
const FORBIDDEN_LITERAL = /[*>{}]|[^\x21-\x7e]/;

/** Of what `encodeURIComponent` leaves as it is, what means something in a subject. */
const SEPARATORS = /[.*]/g;

const KNOWN: Readonly<Record<string, EventValue>> = {
  namespace: ({ namespace }) => namespace,
  webhook_id: ({ webhook }) => webhook,
  event_id: ({ id }) => id,
  event_type: ({ type }) => type,
};

/** Makes a text of an event. */
export interface TextOf {
  /** @throws {DeliveryError} `output_rejected` when the event lacks a value for it */
  (event: Event): string;
}

/** A pattern that is in order. */
export interface NatsPattern {
  /** As it is configured. */
  readonly text: string;
  /** Whether it is the same for all events. */
  readonly isConstant: boolean;
  readonly of: TextOf;
}

/** A subject's pattern, or one sentence about what is wrong with it. */
export function parseSubject(text: string): NatsPattern | { readonly problem: string } {
  const { literals, names } = splitPattern(text);
  const tokens = literals.join("x").split(".");
  if (text === "") return { problem: "A subject cannot be empty" };
  if (text.startsWith("$")) return { problem: "Subjects that begin with '$' belong to the server" };
  if (literals.some((literal) => FORBIDDEN_LITERAL.test(literal))) {
    return {
      problem: "A subject to publish to has printable ASCII characters, without '*', '>' and single braces",
    };
  }
  if (tokens.includes("")) return { problem: "A subject has no empty part between its dots" };
  const longest = text.length + names.length * MAX_SUBJECT_VALUE;
  if (longest > MAX_SUBJECT) return { problem: `The subject could become longer than ${MAX_SUBJECT} bytes` };
  return compile(text, "subject");
}

/** A message id's pattern, or one sentence about what is wrong with it. */
export function parseMessageId(text: string): NatsPattern | { readonly problem: string } {
  const { literals, names } = splitPattern(text);
  if (literals.some((literal) => FORBIDDEN_LITERAL.test(literal))) {
    return { problem: "A message id has printable ASCII characters, without '*', '>' and single braces" };
  }
  if (names.length === 0) return { problem: "All events would be one: name a value, such as {event_id}" };
  const longest = text.length + names.length * MAX_SUBJECT_VALUE;
  if (longest > MAX_MESSAGE_ID) return { problem: `The id could become longer than ${MAX_MESSAGE_ID} bytes` };
  return compile(text, "message id");
}

function compile(text: string, what: string): NatsPattern | { readonly problem: string } {
  const pattern = splitPattern(text);
  const { names } = pattern;
  const values = findValues(names, KNOWN);
  if ("problem" in values) return values;
  if (names.length === 0) return { text, isConstant: true, of: () => text };
  const of = (event: Event) =>
    fillPattern(pattern, (index) => encoded(values[index]!(event), names[index]!, what));
  return { text, isConstant: false, of };
}

/** A token, or a part of one: everything but letters, digits and `-_!~'()` is percent-encoded. */
function encoded(value: string | undefined, name: string, what: string): string {
  if (value === undefined || value === "") {
    throw new DeliveryError("output_rejected", `The event has nothing for {${name}} of the ${what}`);
  }
  const text = value.length > MAX_SUBJECT_VALUE ? value : encodeToken(value);
  if (text.length <= MAX_SUBJECT_VALUE) return text;
  const message =
    `What the event has for {${name}} of the ${what} is longer than ${MAX_SUBJECT_VALUE} bytes when encoded`;
  throw new DeliveryError("output_rejected", message);
}

function encodeToken(value: string): string {
  return encodeURIComponent(value.toWellFormed())
    .replace(SEPARATORS, (separator) => (separator === "." ? "%2E" : "%2A"));
}
