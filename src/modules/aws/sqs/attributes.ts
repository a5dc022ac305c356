/**
 * Attributes of messages: what SQS takes as one, and how much each counts towards the size of its message. SQS refuses
 * a message with more than ten.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { Event } from "../../../event/event.ts";
import { namingHeaders } from "../../../event/event_headers.ts";
import { forwardedHeaders } from "../../../event/header_policy.ts";
import { isTakenText } from "./text.ts";

/** A name and a text. */
export type Attribute = readonly [name: string, value: string];

/** Most attributes of a message. */
const MAX_ATTRIBUTES = 10;

/** Those that name the event, its type among them, and the one that says how the body is encoded. */
const OWN_ATTRIBUTES = 6;

/** Most received headers that can go along. */
export const MAX_FORWARDED = MAX_ATTRIBUTES - OWN_ATTRIBUTES;

/** Says that the body is not as it was received. */
export const BASE64_MARK: Attribute = ["cwm-body-encoding", "base64"];

/** The type of all of them. */
const ATTRIBUTE_TYPE = "String";

const MAX_NAME = 256;

/** Letters, digits, `_`, `-`, and dots that stand neither at an end nor beside another; not of AWS' own. */
const NAME = /^(?!(?:aws|amazon)\.)[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*$/i;

/** Whether SQS takes an attribute of this name. */
export function isAttributeName(name: string): boolean {
  return name.length <= MAX_NAME && NAME.test(name);
}

const NONE_TAKEN: ReadonlySet<string> = new Set();

/** The attributes of an event. @param forwarded names of received headers, in lower case, at most four */
export function attributesOf(event: Event, forwarded: readonly string[]): Attribute[] {
  const naming = namingHeaders(event);
  const attributes: Attribute[] = [];
  for (let index = 0; index < naming.length; index += 2) {
    attributes.push([naming[index]!, naming[index + 1]!]);
  }
  if (forwarded.length === 0) return attributes;
  for (const [name, value] of forwardedHeaders(event.headers, forwarded, NONE_TAKEN)) {
    if (value !== "" && isTakenText(value)) attributes.push([name, value]);
  }
  return attributes;
}

/** What attributes count, in bytes. */
export function attributeBytes(attributes: readonly Attribute[]): number {
  let bytes = 0;
  for (const [name, value] of attributes) {
    bytes += name.length + ATTRIBUTE_TYPE.length + Buffer.byteLength(value);
  }
  return bytes;
}

/** Attributes as they stand in a request. Names have no character that JSON would escape. */
export function attributesJson(attributes: readonly Attribute[]): string {
  const members = attributes.map(([name, value]) =>
    `"${name}":{"DataType":"${ATTRIBUTE_TYPE}","StringValue":${JSON.stringify(value)}}`
  );
  return `{${members.join(",")}}`;
}
