/**
 * An event as a message of SQS: its body as it was received, or in Base64 where SQS would not take it, and attributes
 * that name it.
 *
 * @module
 */

import { hash } from "node:crypto";
import type { Event } from "../../../event/event.ts";
import { type Attribute, ATTRIBUTE_TYPE, attributeBytes, attributesOf, BASE64_MARK } from "./attributes.ts";
import type { SqsConfig } from "./config.ts";
import { takenTextOf } from "./text.ts";

/** What stands for nothing in Base64 (decoders pass over the ends of lines), since SQS takes no empty body. */
const EMPTY = "\n";

/** One message on its way. */
export interface Message {
  /** Which one it is of those that are sent together. */
  readonly index: number;
  readonly body: string;
  /** How much SQS counts for it: its body, and names, types and values of its attributes, in bytes. */
  readonly bytes: number;
  /** Members of a JSON object: all that is sent of it, but for its number in the batch. */
  readonly json: string;
  /** The same with its body in Base64; `undefined` where it is so already. */
  readonly inBase64: (() => Message) | undefined;
}

/** @throws {DeliveryError} `output_rejected` when the event has no value for a group or deduplication id */
export function messageOf(event: Event, config: SqsConfig, index: number): Message {
  const attributes = attributesOf(event, config.forwardedHeaders);
  const placing = placingOf(event, config);
  const { bytes } = event.body;
  const encoded = () => {
    const text = bytes.toBase64() || EMPTY;
    return compose(index, text, text.length, [...attributes, BASE64_MARK], placing);
  };
  const text = takenTextOf(event.body);
  return text === undefined
    ? encoded()
    : { ...compose(index, text, bytes.byteLength, attributes, placing), inBase64: encoded };
}

/** Whether SQS says that it has stored this body. FIFO queues say it of repetitions that they do not store, too. */
export function hasDigest({ body }: Message, md5: unknown): boolean {
  return md5 === hash("md5", body, "hex");
}

function compose(
  index: number,
  body: string,
  bodyBytes: number,
  attributes: readonly Attribute[],
  placing: Readonly<Record<string, unknown>>,
): Message {
  const MessageAttributes = Object.fromEntries(
    attributes.map(([name, StringValue]) => [name, { DataType: ATTRIBUTE_TYPE, StringValue }]),
  );
  const json = JSON.stringify({ MessageBody: body, MessageAttributes, ...placing }).slice(1, -1);
  return { index, body, bytes: bodyBytes + attributeBytes(attributes), json, inBase64: undefined };
}

/** Where in the queue it stands; none of it counts. */
function placingOf(
  event: Event,
  { groupId, deduplicationId, delaySeconds }: SqsConfig,
): Record<string, unknown> {
  return {
    ...(groupId === undefined ? {} : { MessageGroupId: groupId(event) }),
    ...(deduplicationId === undefined ? {} : { MessageDeduplicationId: deduplicationId(event) }),
    ...(delaySeconds === undefined ? {} : { DelaySeconds: delaySeconds }),
  };
}
