/**
 * Topics with placeholders. A pattern is checked when the configuration is compiled, and what an event puts into it is
 * encoded and bounded, so that no event can reach another level of topics than the pattern says.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { DeliveryError } from "../../errors.ts";
import type { Event } from "../../event/event.ts";
import { JsonPointer } from "../../json/pointer.ts";
import { isMqttText, MAX_MQTT_TEXT } from "./text.ts";

/** Longest value of a placeholder after it was encoded, in bytes. */
export const MAX_TOPIC_VALUE = 255;

/** Most levels of a topic that Mosquitto takes; a deeper one ends the connection. */
const MAX_LEVELS = 200;

/** What a topic that is published to may not hold (MQTT 5.0, section 4.7), and what belongs to placeholders. */
const FORBIDDEN_LITERAL = /[+#{}]/;

/** A value of the event; `undefined` where it has none. */
type ValueSource = (event: Event) => string | undefined;

const NAMED: Readonly<Record<string, ValueSource>> = {
  namespace: ({ namespace }) => namespace,
  webhook_id: ({ webhook }) => webhook,
  event_id: ({ id }) => id,
  event_type: ({ type }) => type,
};

/** Finds the topic of an event. @throws {DeliveryError} `output_rejected` when the event lacks a value for it */
export type TopicOf = (event: Event) => string;

/** The function that a pattern stands for, or one sentence about what is wrong with it. */
export function parseTopicPattern(pattern: string): TopicOf | { readonly problem: string } {
  // Odd parts are the names of placeholders, even ones the text between them.
  const parts = pattern.split(/\{([^{}]*)\}/);
  const literals = parts.filter((_, index) => index % 2 === 0);
  const names = parts.filter((_, index) => index % 2 === 1);
  const problem = problemOf(pattern, literals);
  if (problem !== undefined) return { problem };
  const sources: ValueSource[] = [];
  for (const name of names) {
    const source = sourceOf(name);
    if (source === undefined) return { problem: unknownPlaceholder(name) };
    sources.push(source);
  }
  if (sources.length === 0) return () => pattern;
  return (event) =>
    literals.reduce((topic, literal, index) =>
      topic + valueOf(event, names[index - 1]!, sources[index - 1]!) + literal
    );
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

function sourceOf(name: string): ValueSource | undefined {
  if (Object.hasOwn(NAMED, name)) return NAMED[name];
  const pointer = name.startsWith("/") ? JsonPointer.parse(name) : undefined;
  return pointer === undefined ? undefined : ({ body }) => pointer.scalarIn(body)?.text;
}

function unknownPlaceholder(name: string): string {
  const known = Object.keys(NAMED).map((name) => `{${name}}`).join(", ");
  return `Placeholder {${name}} is not known: use ${known}, or a place in the payload such as {/order/id}`;
}

/** One level of a topic, or a part of one: everything but letters, digits and `-_.!~*'()` is percent-encoded. */
function valueOf(event: Event, name: string, source: ValueSource): string {
  const value = source(event);
  if (value === undefined || value === "") {
    throw new DeliveryError("output_rejected", `The event has nothing for {${name}} of the topic`);
  }
  const encoded = value.length > MAX_TOPIC_VALUE ? value : encodeURIComponent(value.toWellFormed());
  if (encoded.length <= MAX_TOPIC_VALUE) return encoded;
  const message =
    `What the event has for {${name}} of the topic is longer than ${MAX_TOPIC_VALUE} bytes when encoded`;
  throw new DeliveryError("output_rejected", message);
}
