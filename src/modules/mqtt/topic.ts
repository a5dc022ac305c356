/**
 * Topics with placeholders. A pattern is checked when the configuration is compiled, and what an event puts into it is
 * encoded and bounded, so that no event can reach another level of topics than the pattern says.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { DeliveryError } from "../../errors.ts";
import type { Event } from "../../event/event.ts";
import { type EventValue, fillPattern, findValues, splitPattern } from "../name_pattern.ts";
import { isMqttText, MAX_MQTT_TEXT } from "./text.ts";

/** Longest value of a placeholder after it was encoded, in bytes. */
export const MAX_TOPIC_VALUE = 255;

/** Most levels of a topic that Mosquitto takes; a deeper one ends the connection. */
const MAX_LEVELS = 200;

/** What a topic that is published to may not hold (MQTT 5.0, section 4.7), and what belongs to placeholders. */
const FORBIDDEN_LITERAL = /[+#{}]/;

const KNOWN: Readonly<Record<string, EventValue>> = {
  namespace: ({ namespace }) => namespace,
  webhook_id: ({ webhook }) => webhook,
  event_id: ({ id }) => id,
  event_type: ({ type }) => type,
};

/** Finds the topic of an event. @throws {DeliveryError} `output_rejected` when the event lacks a value for it */
export type TopicOf = (event: Event) => string;

/** The function that a pattern stands for, or one sentence about what is wrong with it. */
export function parseTopicPattern(text: string): TopicOf | { readonly problem: string } {
  const pattern = splitPattern(text);
  const { literals, names } = pattern;
  const problem = problemOf(text, literals);
  if (problem !== undefined) return { problem };
  const values = findValues(names, KNOWN);
  if ("problem" in values) return values;
  if (values.length === 0) return () => text;
  return (event) => fillPattern(pattern, (index) => encoded(values[index]!(event), names[index]!));
}

function problemOf(pattern: string, literals: readonly string[]): string | undefined {
  if (pattern === "") return "A topic cannot be empty";
  if (pattern.startsWith("$")) return "Topics that begin with '$' belong to the broker";
  if (literals.some((literal) => FORBIDDEN_LITERAL.test(literal))) {
    return "A topic to publish to cannot contain '+', '#' or single braces";
  }
  if (!isMqttText(pattern)) return "A topic cannot contain control characters";
  if (pattern.split("/").length > MAX_LEVELS) return `A topic has at most ${MAX_LEVELS} levels`;
  const longest = Buffer.byteLength(literals.join("")) + (literals.length - 1) * MAX_TOPIC_VALUE;
  return longest > MAX_MQTT_TEXT ? `The topic could become longer than ${MAX_MQTT_TEXT} bytes` : undefined;
}

/** One level of a topic, or a part of one: everything but letters, digits and `-_.!~*'()` is percent-encoded. */
function encoded(value: string | undefined, name: string): string {
  if (value === undefined || value === "") {
    throw new DeliveryError("output_rejected", `The event has nothing for {${name}} of the topic`);
  }
  const text = value.length > MAX_TOPIC_VALUE ? value : encodeURIComponent(value.toWellFormed());
  if (text.length <= MAX_TOPIC_VALUE) return text;
  const message =
    `What the event has for {${name}} of the topic is longer than ${MAX_TOPIC_VALUE} bytes when encoded`;
  throw new DeliveryError("output_rejected", message);
}
