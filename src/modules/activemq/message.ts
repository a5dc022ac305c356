/**
 * An event as a message of STOMP: its body as it was received, and headers that name it.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { IPublishParams } from "@stomp/stompjs";
import { DeliveryError } from "../../errors.ts";
import type { Event } from "../../event/event.ts";
import { messageHeaders } from "../../event/event_headers.ts";
import { forEachForwardable } from "../../event/header_policy.ts";
import { headerText } from "../../event/header_text.ts";
import type { ActivemqConfig } from "./config.ts";

/** Longest line of a header that brokers take, in bytes; on a longer one they close the connection. */
const MAX_HEADER_LINE = 10_240;

/** What a frame has besides the headers of the message and its body, in bytes at most. */
const FRAME_OVERHEAD = 512;

/** What an escaped character takes more. */
const ESCAPED = /[\\:\r\n]/g;

/** Before the names of forwarded headers: some have a meaning for brokers, such as `expires` and `priority`. */
const FORWARDED = "http-";

const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** One message on its way; its receipt is the connection's to ask for. */
export interface Message extends IPublishParams {
  readonly headers: Record<string, string>;
  /** How long its frame is at most, in bytes. */
  readonly frameBytes: number;
}

/**
 * The message of an event.
 *
 * @param maxFrameBytes longest frame, in bytes
 * @throws {DeliveryError} `output_rejected` when it cannot be one
 */
export function messageOf(event: Event, config: ActivemqConfig, maxFrameBytes: number): Message {
  const { bytes } = event.body;
  const headers: Record<string, string> = Object.create(null); // Senders choose names.
  let frameBytes = FRAME_OVERHEAD + bytes.byteLength;
  const add = (name: string, value: string) => {
    headers[name] = value;
    frameBytes += lineLength(name, value);
  };
  add("persistent", String(config.isPersistent));
  const contentType = event.headers.get("content-type");
  if (contentType !== null) add("content-type", headerText(contentType));
  const names = messageHeaders(event);
  for (let index = 0; index < names.length; index += 2) add(names[index]!, names[index + 1]!);
  if (config.forwardsHeaders) {
    forEachForwardable(event.headers, (name, value) => {
      if (name !== "content-type") add(FORWARDED + name, headerText(value));
    });
  }
  if (frameBytes > maxFrameBytes) {
    throw unusable(
      `The frame has about ${frameBytes} bytes, and the broker takes ${maxFrameBytes}: see max_frame_size`,
    );
  }
  const { destination } = config;
  return config.messageType === "text"
    ? { destination, headers, frameBytes, body: textOf(bytes), skipContentLengthHeader: true }
    : { destination, headers, frameBytes, binaryBody: bytes };
}

/** A message that is taken back at once. */
export function probeMessage(destination: string): Message {
  const headers = { persistent: "true" };
  return { destination, headers, frameBytes: FRAME_OVERHEAD, body: "", skipContentLengthHeader: true };
}

function lineLength(name: string, value: string): number {
  const length = name.length + Buffer.byteLength(value) + (value.match(ESCAPED)?.length ?? 0) + 2;
  if (length <= MAX_HEADER_LINE) return length;
  throw unusable(
    `A header has ${length} bytes, and the broker takes ${MAX_HEADER_LINE}: switch forward_headers off`,
  );
}

/** Without a length, a text ends with the first NUL. */
function textOf(bytes: Uint8Array): string {
  let text: string;
  try {
    text = strictDecoder.decode(bytes);
  } catch (cause) {
    throw unusable("The body is not UTF-8, so it can be no text: set message_type to bytes", cause);
  }
  if (!text.includes("\0")) return text;
  throw unusable("The body has a NUL, so it can be no text: set message_type to bytes");
}

function unusable(message: string, cause?: unknown): DeliveryError {
  return new DeliveryError("output_rejected", message, { cause });
}
