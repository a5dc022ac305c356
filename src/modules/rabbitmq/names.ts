/**
 * Names of exchanges and routing keys, which may have values of the event in them: `orders.{/order/country}`.
 *
 * A value can never become more than it stands for: whatever is no letter, digit, `-` or `_` is percent-encoded, the
 * dot between the words of a routing key too, and its length is bounded.
 *
 * @module
 */

import { ANY_TEXT, nameWithPlaces } from "../../policy/destination.ts";
import { Buffer } from "node:buffer";
import { DeliveryError } from "../../errors.ts";
import type { Event } from "../../event/event.ts";
import type { JsonPointer } from "../../json/pointer.ts";
import { type EventValue, fillPattern, findValues, splitPattern } from "../name_pattern.ts";

/** Longest name in AMQP, in bytes (0-9-1, section 4.2.5.3: a short string). */
export const MAX_NAME_BYTES = 255;

/** Longest value of an event in a name, encoded, in bytes. */
const MAX_VALUE_BYTES = 128;

/** What is known of each event, by the placeholder that stands for it. */
const KNOWN: Readonly<Record<string, EventValue>> = {
  event_type: ({ type }) => type,
  namespace: ({ namespace }) => namespace,
  webhook_id: ({ webhook }) => webhook,
};

/** A name that is known, or made of each event. */
export interface Name {
  /** The name itself; `undefined` where it depends on the event. */
  readonly literal: string | undefined;
  /** What operators are shown: the name as it is configured, and nothing of an event. */
  readonly text: string;
  /** As policies know it. */
  readonly destination: string;
  /**
   * The event's name, of 1 to 255 bytes unless the literal is empty.
   *
   * @throws {DeliveryError} `output_rejected` when the event has no value for it, or one that is too long
   */
  of(event: Event): string;
}

/** The same name for every event. */
export function literalName(literal: string): Name {
  return { literal, text: literal, destination: literal, of: () => literal };
}

/** A value of the payload is the whole name, as it is. @param key of the configuration, for messages */
export function payloadName(key: string, pointer: JsonPointer, place: string): Name {
  return {
    literal: undefined,
    text: place,
    destination: ANY_TEXT,
    of: ({ body }) => {
      const name = found(pointer.scalarIn(body)?.text, key, place);
      if (/\p{Cc}/u.test(name)) throw unusable(key, "has control characters");
      return notTooLong(name, key);
    },
  };
}

/**
 * Reads a name with placeholders in braces.
 *
 * @param key of the configuration, for messages
 * @returns the name, or one sentence about what is wrong with it
 */
export function parseName(text: string, key: string): Name | { readonly problem: string } {
  if (/\p{Cc}/u.test(text)) return { problem: "A name cannot contain control characters" };
  const pattern = splitPattern(text);
  const { literals, names } = pattern;
  if (literals.some((literal) => /[{}]/.test(literal))) {
    return { problem: "Braces stand around a place in the payload, such as {/order/country}" };
  }
  const values = findValues(names, KNOWN);
  if ("problem" in values) return values;
  if (Buffer.byteLength(literals.join("")) > MAX_NAME_BYTES) {
    return { problem: `The name is longer than ${MAX_NAME_BYTES} bytes` };
  }
  if (values.length === 0) return literalName(text);
  return {
    literal: undefined,
    text,
    destination: nameWithPlaces(literals, names),
    of: (event) => {
      const value = (index: number) => found(values[index]!(event), key, `{${names[index]}}`);
      return notTooLong(fillPattern(pattern, (index) => encoded(value(index), key)), key);
    },
  };
}

function found(value: string | undefined, key: string, place: string): string {
  if (value !== undefined && value !== "") return value;
  throw unusable(key, `needs ${place}, which is not in the event as a text, a number or a truth value`);
}

function encoded(value: string, key: string): string {
  const text = value.replaceAll(/[^A-Za-z0-9_-]/gu, percentEncoded);
  if (text.length > MAX_VALUE_BYTES) throw unusable(key, `has a value of more than ${MAX_VALUE_BYTES} bytes`);
  return text;
}

function percentEncoded(character: string): string {
  return Array.from(Buffer.from(character), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`)
    .join("");
}

function notTooLong(name: string, key: string): string {
  if (Buffer.byteLength(name) > MAX_NAME_BYTES) throw unusable(key, `is longer than ${MAX_NAME_BYTES} bytes`);
  return name;
}

function unusable(key: string, what: string): DeliveryError {
  return new DeliveryError("output_rejected", `The event's ${key} ${what}`);
}
