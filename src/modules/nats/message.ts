/**
 * Messages: what is published for an event.
 *
 * @module
 */

import { MsgHdrsImpl } from "@nats-io/nats-core/internal";
import type { Event } from "../../event/event.ts";
import { messageHeaders } from "../../event/event_headers.ts";
import { forEachForwardable } from "../../event/header_policy.ts";
import { headerText } from "../../event/header_text.ts";
import type { NatsConfig } from "./config.ts";

/** Headers that the server acts on: with one of them a sender could have a stream deleted up to its message. */
const SERVER_PREFIX = "nats-";

/** What would end a header, or means nothing in one. */
const CONTROL = /\p{Cc}/u;
const ALL_CONTROL = new RegExp(CONTROL, "gu");

const encoder = new TextEncoder();

/** One message. */
export interface NatsMessage {
  readonly subject: string;
  readonly body: Uint8Array<ArrayBuffer>;
  readonly headers: EncodedHeaders;
  /** Whether a stream has to confirm it. */
  readonly isConfirmed: boolean;
  /** The stream that has to take it; `undefined` for whichever does. */
  readonly stream: string | undefined;
}

/** Headers as they are written: the library would look at every character of each name again. */
export class EncodedHeaders extends MsgHdrsImpl {
  readonly #bytes: Uint8Array<ArrayBuffer>;

  /** @param lines each with its end */
  constructor(lines: string) {
    super();
    this.#bytes = encoder.encode(`NATS/1.0\r\n${lines}\r\n`);
  }

  /** In bytes. */
  get length(): number {
    return this.#bytes.length;
  }

  override encode(): Uint8Array<ArrayBuffer> {
    return this.#bytes;
  }
}

/**
 * The message of an event.
 *
 * @throws {DeliveryError} `output_rejected` when it has none for this configuration
 */
export function messageOf(event: Event, config: NatsConfig): NatsMessage {
  const { isConfirmed, stream } = config;
  return {
    subject: config.subject.of(event),
    body: event.body.bytes,
    headers: new EncodedHeaders(headerLines(event, config)),
    isConfirmed,
    stream,
  };
}

function headerLines(event: Event, config: NatsConfig): string {
  const { messageId, idSuffix, stream, isConfirmed, forwardsHeaders } = config;
  let lines = "";
  if (isConfirmed) lines += `Nats-Msg-Id: ${messageId?.of(event) ?? event.id + idSuffix}\r\n`;
  if (stream !== undefined) lines += `Nats-Expected-Stream: ${stream}\r\n`;
  const naming = messageHeaders(event);
  for (let index = 0; index < naming.length; index += 2) {
    lines += `${naming[index]}: ${cleaned(naming[index + 1]!)}\r\n`;
  }
  const contentType = event.headers.get("content-type");
  if (contentType !== null) lines += headerLine("content-type", contentType);
  if (!forwardsHeaders) return lines;
  forEachForwardable(event.headers, (name, value) => {
    if (name !== "content-type" && !name.startsWith(SERVER_PREFIX)) lines += headerLine(name, value);
  });
  return lines;
}

function headerLine(name: string, value: string): string {
  return `${name}: ${cleaned(headerText(value))}\r\n`;
}

function cleaned(value: string): string {
  return CONTROL.test(value) ? value.replace(ALL_CONTROL, "\ufffd") : value;
}
