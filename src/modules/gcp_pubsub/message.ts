/**
 * Events as messages of Pub/Sub, written as JSON, and requests of as many of them as Pub/Sub takes at once.
 *
 * @see https://cloud.google.com/pubsub/quotas#resource_limits
 * @module
 */

import { Buffer } from "node:buffer";
import { DeliveryError } from "../../errors.ts";
import type { Event } from "../../event/event.ts";
import { messageHeaders } from "../../event/event_headers.ts";
import { forEachForwardable } from "../../event/header_policy.ts";
import { headerText } from "../../event/header_text.ts";
import { ATTRIBUTE_LIMITS, refuseAttribute } from "./attributes.ts";
import type { PubsubConfig } from "./config.ts";

/** Most messages of a request. */
export const MAX_MESSAGES = 1_000;

/** Longest request, and longest message, in bytes. */
export const MAX_REQUEST_BYTES = 10_000_000;

const BEGINNING = '{"messages":[';
const END = "]}";

/** One message. */
export interface Message {
  /** Its JSON, which is ASCII but for attributes and key. */
  readonly json: string;
  /** How long that is in UTF-8. */
  readonly bytes: number;
}

/** The message of an event. @throws {DeliveryError} `output_rejected` when it cannot be one */
export function messageOf(event: Event, config: PubsubConfig): Message {
  const key = config.orderingKey?.(event);
  const ordering = key === undefined ? "" : `,"orderingKey":${JSON.stringify(key)}`;
  const attributes = JSON.stringify(attributesOf(event, config));
  const rest = `","attributes":${attributes}${ordering}}`;
  const data = event.body.bytes.toBase64();
  const json = `{"data":"${data}${rest}`;
  const bytes = json.length - rest.length + Buffer.byteLength(rest);
  if (BEGINNING.length + bytes + END.length <= MAX_REQUEST_BYTES) return { json, bytes };
  const message = `The request has ${bytes} bytes in base64, and Pub/Sub takes ${MAX_REQUEST_BYTES}`;
  throw new DeliveryError("output_rejected", message);
}

/** The body of a request. */
export function requestOf(messages: readonly Message[]): Uint8Array {
  return Buffer.from(BEGINNING + messages.map(({ json }) => json).join(",") + END);
}

/** Parts of messages that Pub/Sub takes in one request each, in their order. */
export function packMessages<Item extends { readonly message: Message }>(items: readonly Item[]): Item[][] {
  const packs: Item[][] = [];
  let pack: Item[] = [];
  let bytes = 0;
  for (const item of items) {
    const more = item.message.bytes + 1; // The comma.
    const isFull = bytes + more > MAX_REQUEST_BYTES - BEGINNING.length - END.length;
    if (pack.length === 0 || isFull || pack.length >= MAX_MESSAGES) {
      packs.push(pack = []);
      bytes = 0;
    }
    pack.push(item);
    bytes += more;
  }
  return packs;
}

/** Configured ones come last: nothing that was received takes their place. */
function attributesOf(event: Event, config: PubsubConfig): Record<string, string> {
  const attributes: Record<string, string> = Object.create(null); // Senders choose names.
  let room = ATTRIBUTE_LIMITS.count - config.attributes.length;
  const add = (name: string, received: string) => {
    const value = received.toWellFormed();
    if (room === 0 || refuseAttribute(name, value) !== undefined) return;
    attributes[name] = value;
    room--;
  };
  const names = messageHeaders(event);
  for (let index = 0; index < names.length; index += 2) add(names[index]!, names[index + 1]!);
  const contentType = event.headers.get("content-type");
  if (contentType !== null) add("content-type", headerText(contentType));
  if (config.forwardsHeaders) {
    forEachForwardable(event.headers, (name, value) => {
      if (name !== "content-type") add(name, headerText(value));
    });
  }
  for (const [name, value] of config.attributes) attributes[name] = value;
  return attributes;
}
