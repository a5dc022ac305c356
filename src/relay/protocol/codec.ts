/**
 * Puts an event into the message that carries it, and takes it out again, to the byte.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { LeasedEvent } from "../../channels/channel_queues.ts";
import { type Event, EventBody } from "../../event/event.ts";
import { receivedAtText } from "../../event/event_headers.ts";
import type { WebhookMessage } from "./messages.ts";

/**
 * Longest body that travels as text. Escapes can make a text six times as long, base64 grows by a third: so
 * the largest body of a channel stays within the 64 MiB that a WebSocket message of this runtime may have.
 */
const MAX_TEXT = 1024 * 1024;

/** Refuses what is not UTF-8 and keeps a byte order mark, so that text and bytes are the same. */
const exactDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The message that carries a leased event. */
export function encodeEvent({ tag, event, delivery }: LeasedEvent, sequence: number): WebhookMessage {
  const headers: Record<string, string> = {};
  // Iterating with for-of takes three times as long.
  event.headers.forEach((value, name) => headers[name] = value);
  if (event.trace !== undefined) Object.assign(headers, event.trace);
  return {
    type: "webhook",
    message_id: tag,
    sequence,
    delivery,
    event_id: event.id,
    namespace: event.namespace,
    webhook_id: event.webhook,
    event_type: event.type,
    timestamp: receivedAtText(event),
    headers,
    ...encodeBody(event.body.stored),
  };
}

/** The event that a message carries, as the gateway received it. */
export function decodeEvent(message: WebhookMessage): Event {
  return {
    id: message.event_id,
    namespace: message.namespace,
    webhook: message.webhook_id,
    type: message.event_type,
    receivedAt: Date.parse(message.timestamp),
    headers: new Headers({ ...message.headers }),
    body: message.body_base64 === undefined
      ? EventBody.fromText(message.body ?? "")
      : EventBody.fromBytes(new Uint8Array(Buffer.from(message.body_base64, "base64"))),
  };
}

/** The body as text where it is UTF-8 and not too long, otherwise in base64; both are exact. */
export function encodeBody(body: Uint8Array | string): Pick<WebhookMessage, "body" | "body_base64"> {
  if (body.length > MAX_TEXT) return { body_base64: Buffer.from(body).toString("base64") };
  if (typeof body === "string") return { body };
  try {
    return { body: exactDecoder.decode(body) };
  } catch {
    return { body_base64: Buffer.from(body).toString("base64") };
  }
}
