/**
 * An event as a message of AMQP: its body as it was received, and properties and headers that name it.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { Options } from "amqplib";
import { DeliveryError } from "../../errors.ts";
import type { Event } from "../../event/event.ts";
import { messageHeaders } from "../../event/event_headers.ts";
import { forEachForwardable } from "../../event/header_policy.ts";
import { headerText } from "../../event/header_text.ts";
import type { QueueDeclaration, RabbitmqConfig } from "./config.ts";

/** Longest short string of AMQP, in bytes. */
const MAX_SHORT_BYTES = 255;

/** The client refuses larger tables of headers, in bytes. */
const MAX_HEADER_BYTES = 60 * 1024;

/** What a header takes besides name and value, in bytes. */
const HEADER_OVERHEAD = 6;

/** What a frame with the properties has besides the headers, in bytes at most. */
const PROPERTIES_BYTES = 1024;

const APP_ID = "core-webhook-module";

/** Headers that RabbitMQ or its plugins act on: they would route, delay or count the message as the sender says. */
const SERVER_HEADER =
  /^(?:b?cc|x-(?:death|delay|first-death-.*|last-death-.*|delivery-(?:count|limit)|received-from|deduplication-.*|match|opt-.*|cache-ttl|recent-history-no-store|stream-filter-value))$/;

/** One message on its way. */
export interface Message {
  readonly id: string;
  /** Empty for the default exchange. */
  readonly exchange: string;
  readonly routingKey: string;
  /** How operators know where it goes. */
  readonly place: string;
  /** The queue that is made where there is none. */
  readonly declares: QueueDeclaration | undefined;
  readonly content: Buffer;
  readonly properties: Options.Publish;
  /** How long the table of headers is, in bytes. */
  readonly headerBytes: number;
}

/** @throws {DeliveryError} `output_rejected` when the event cannot be one */
export function messageOf(event: Event, config: RabbitmqConfig): Message {
  const { bytes } = event.body;
  const contentType = textOf(event.headers.get("content-type"));
  const { headers, headerBytes } = headersOf(event, config.forwardsHeaders);
  return {
    id: event.id,
    exchange: config.exchange.of(event),
    routingKey: config.routingKey.of(event),
    place: config.place,
    declares: config.declares,
    content: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    headerBytes,
    properties: {
      mandatory: true,
      persistent: true,
      messageId: event.id,
      appId: APP_ID,
      timestamp: Math.floor(event.receivedAt / 1000),
      headers,
      ...(isShort(contentType) ? { contentType } : {}),
      ...(isShort(event.type) ? { type: event.type } : {}),
    },
  };
}

/** A message for nobody: it comes back. */
export function probeMessage(): Message {
  const id = `cwm.probe.${crypto.randomUUID()}`;
  return {
    id,
    exchange: "",
    routingKey: id,
    place: "the default exchange",
    declares: undefined,
    content: Buffer.alloc(0),
    headerBytes: 0,
    properties: { mandatory: true, persistent: false, messageId: id, appId: APP_ID },
  };
}

/** Whether the headers fit into a frame. @param frameMax of the connection, in bytes */
export function assertFits({ headerBytes }: Message, frameMax: number): void {
  const limit = Math.min(MAX_HEADER_BYTES, frameMax - PROPERTIES_BYTES);
  if (headerBytes <= limit) return;
  const message =
    `The headers have ${headerBytes} bytes, and a message ${limit} at most: switch forward_headers off`;
  throw new DeliveryError("output_rejected", message);
}

interface HeaderTable {
  readonly headers: Record<string, string>;
  readonly headerBytes: number;
}

function headersOf(event: Event, forwards: boolean): HeaderTable {
  const headers: Record<string, string> = {};
  const names = messageHeaders(event);
  for (let index = 0; index < names.length; index += 2) headers[names[index]!] = names[index + 1]!;
  let headerBytes = MAX_SHORT_BYTES * 2;
  if (!forwards) return { headers, headerBytes };
  forEachForwardable(event.headers, (name, value) => {
    if (name.length > MAX_SHORT_BYTES || SERVER_HEADER.test(name)) return;
    const text = headerText(value);
    headers[name] = text;
    headerBytes += name.length + Buffer.byteLength(text) + HEADER_OVERHEAD;
  });
  return { headers, headerBytes };
}

function textOf(header: string | null): string | undefined {
  return header === null ? undefined : headerText(header);
}

function isShort(text: string | undefined): text is string {
  return typeof text === "string" && Buffer.byteLength(text) <= MAX_SHORT_BYTES;
}
