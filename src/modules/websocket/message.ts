/**
 * Messages: what is sent for an event.
 *
 * @module
 */

import { Buffer, isUtf8 } from "node:buffer";
import { DeliveryError } from "../../errors.ts";
import { envelopeOf } from "../../event/envelope.ts";
import type { Event } from "../../event/event.ts";
import { eventHeadersJson } from "../../event/event_headers.ts";
import { jsonText } from "../../event/json_body.ts";
import type { WebsocketConfig } from "./config.ts";

/** A message of one event. */
export interface Message {
  readonly id: string;
  readonly data: Buffer;
  readonly isBinary: boolean;
}

/** The message of an event. @throws {DeliveryError} `output_rejected` when it has none for this configuration */
export function messageOf(event: Event, config: WebsocketConfig): Message {
  const isBinary = config.format === "raw" && config.isBlob;
  const data = dataOf(event, config);
  if (data.byteLength <= config.maxMessageBytes) return { id: event.id, data, isBinary };
  const message = `The message has ${data.byteLength} bytes, more than max_message_bytes allows`;
  throw new DeliveryError("output_rejected", message);
}

function dataOf(event: Event, config: WebsocketConfig): Buffer {
  const { format, isBlob, forwardsHeaders } = config;
  switch (format) {
    case "raw": {
      const { bytes } = event.body;
      // A text that is none ends the connection for all.
      if (!isBlob && !isUtf8(bytes)) throw new DeliveryError("output_rejected", "The body is not UTF-8");
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    case "envelope":
      return Buffer.from(
        envelopeOf(event, forwardsHeaders ? eventHeadersJson(event) : "{}", isBlob ? "base64" : "json"),
      );
    case "json":
      return Buffer.from(payloadText(event, config));
  }
}

/** As the Python service has it, but for the id of those that are to be acknowledged. */
function payloadText(event: Event, { isBlob, forwardsHeaders, confirmation }: WebsocketConfig): string {
  const id = typeof confirmation === "object" ? `"event_id":${JSON.stringify(event.id)},` : "";
  const payload = isBlob
    ? `"payload_base64":"${event.body.bytes.toBase64()}"`
    : `"payload":${jsonText(event.body)}`;
  const headers = forwardsHeaders ? `,"headers":${eventHeadersJson(event)}` : "";
  return `{${id}${payload}${headers}}`;
}
