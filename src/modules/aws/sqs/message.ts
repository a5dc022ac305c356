/**
 * An event as a message of SQS: its body as it was received, or in Base64 where SQS would not take it, and attributes
 * that name it.
 *
 * @module
 */

import { hash } from "node:crypto";
import type { Event } from "../../../event/event.ts";
import { type Attribute, attributeBytes, attributesJson, attributesOf, BASE64_MARK } from "./attributes.ts";
import type { SqsConfig } from "./config.ts";
import { takenTextOf } from "./text.ts";

/** What stands for nothing in Base64 (decoders pass over the ends of lines), since SQS takes no empty body. */
const EMPTY = "\n";

/** One message on its way. */
export interface Message {
  /** Which one it is of those that are sent together. */
  readonly index: number;
  /** How much SQS counts for it: its body, and names, types and values of its attributes, in bytes. */
  readonly bytes: number;
  /** Members of a JSON object: all that is sent of it, but for its number in the batch. */
  readonly json: string;
  /** Its body in UTF-8. */
  readonly content: Uint8Array | string;
  /** The same with its body in Base64; `undefined` where it is so already. */
  readonly inBase64: (() => Message) | undefined;
}

/** @throws {DeliveryError} `output_rejected` when the event has no value for a group or deduplication id */
export function messageOf(event: Event, config: SqsConfig, index: number): Message {
  const attributes = attributesOf(event, config.forwardedHeaders);
  const placing = placingOf(event, config);
  const inBase64 = (): Message => {
    const text = event.body.bytes.toBase64() || EMPTY;
    const marked = [...attributes, BASE64_MARK];
    return {
      index,
      bytes: text.length + attributeBytes(marked),
      json: jsonOf(text, marked, placing),
      content: text,
      inBase64: undefined,
    };
  };
  const text = takenTextOf(event.body);
  if (text === undefined) return inBase64();
  const { bytes: content } = event.body;
  return {
    index,
    bytes: content.byteLength + attributeBytes(attributes),
    json: jsonOf(text, attributes, placing),
    content,
    inBase64,
  };
}

/** Whether SQS says that it has stored this body. FIFO queues say it of repetitions that they do not store, too. */
export function hasDigest({ content }: Message, md5: unknown): boolean {
  return md5 === hash("md5", content, "hex");
}

/** @param placing further members */
function jsonOf(body: string, attributes: readonly Attribute[], placing: string): string {
  // A long text is written once: into an object with it, the document would be copied.
  return `"MessageBody":${JSON.stringify(body)},"MessageAttributes":${attributesJson(attributes)}${placing}`;
}

/** Where in the queue it stands; none of it counts. */
function placingOf(event: Event, { groupId, deduplicationId, delaySeconds }: SqsConfig): string {
  let members = "";
  if (groupId !== undefined) members += `,"MessageGroupId":${JSON.stringify(groupId(event))}`;
  if (deduplicationId !== undefined) {
    members += `,"MessageDeduplicationId":${JSON.stringify(deduplicationId(event))}`;
  }
  if (delaySeconds !== undefined) members += `,"DelaySeconds":${delaySeconds}`;
  return members;
}
