/**
 * The wire protocol between a gateway and its connectors, version 1; `PROTOCOL.md` beside this file
 * describes it with an example exchange.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { z } from "zod";
import type { LeasedEvent, Rejection } from "../channels/channel_queues.ts";
import { GatewayError } from "../errors.ts";
import { type Event, EventBody } from "../event/event.ts";
import { DEFAULT_JSON_BOUNDS, isWithinBounds, JsonScanner } from "../json/scan.ts";

/** The versions that this build speaks, best first. */
export const PROTOCOL_VERSIONS: readonly number[] = [1];

/** Request headers of the protocol. */
export const HEADERS = {
  /** The versions that the connector speaks, separated by commas. The answer names the one in use. */
  protocol: "cwm-relay-protocol",
  /** How many unacknowledged messages the connector wants to hold at most. */
  window: "cwm-relay-window",
  /** A name for the connector that stays the same over its restarts. */
  connectorId: "x-connector-id",
  /** Resumes a connection: `{connection_id}.{sequence}` of the last message that arrived. */
  lastEventId: "last-event-id",
} as const;

/** The gateway's first message on every connection. */
export interface ConnectedMessage {
  readonly type: "connected";
  readonly protocol: number;
  readonly connection_id: string;
  readonly channel: string;
  /** Whether the messages of the former connection are still the connector's. */
  readonly resumed: boolean;
  /** How many messages may be unacknowledged at once. */
  readonly window: number;
  readonly heartbeat_interval_ms: number;
  /** How long messages stay the connector's after it was last heard of. */
  readonly ack_timeout_ms: number;
  /** The gateway's version. */
  readonly server: string;
}

/** One event for the connector. */
export interface WebhookMessage {
  readonly type: "webhook";
  /** The same on every delivery of the event in this channel. */
  readonly message_id: string;
  /** Grows by one with each message of the connection. */
  readonly sequence: number;
  /** Which delivery this is, from 1. */
  readonly delivery: number;
  /** The gateway's id of the event, for receivers that remove duplicates. */
  readonly event_id: string;
  readonly namespace: string;
  readonly webhook_id: string;
  /** When the gateway received it, ISO 8601 in UTC. */
  readonly timestamp: string;
  /** The request's headers as received, names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** The exact body where it is valid UTF-8 and not long. */
  readonly body?: string;
  /** The exact body where it is not. */
  readonly body_base64?: string;
}

/** A sign of life. Whoever gets none for three intervals gives the connection up. */
export interface HeartbeatMessage {
  readonly type: "heartbeat";
  readonly timestamp: string;
}

/** The answer to each `nack` with `delay_ms`: the messages up to this one were sent before the pause. */
export interface PausedMessage {
  readonly type: "paused";
  readonly message_id: string;
  readonly sequence: number;
}

/** The gateway's last message: why it ends the connection. */
export interface ClosingMessage {
  readonly type: "closing";
  readonly code: EndCode;
  readonly message: string;
}

/** Everything that a gateway sends. */
export type GatewayMessage =
  | ConnectedMessage
  | WebhookMessage
  | HeartbeatMessage
  | PausedMessage
  | ClosingMessage;

/** Why a gateway ends a connection, and the close code of its WebSocket. */
export const END_CODES = {
  /** The gateway stops. */
  draining: 4001,
  invalid_message: 4400,
  /** The token was taken out of the configuration. */
  unauthorized: 4401,
  /** No webhook of the configuration names the channel any more. */
  channel_not_found: 4404,
  /** Nothing was heard from the connector for three heartbeats. */
  heartbeat_missed: 4408,
  /** The connector resumed this connection with another one. */
  superseded: 4409,
  /** The queue cannot be used. */
  journal_unavailable: 4503,
} as const;

/** A key of {@linkcode END_CODES}. */
export type EndCode = keyof typeof END_CODES;

/** What a connector says became of a message. */
export type Report =
  | { readonly type: "ack"; readonly message_id: string }
  | {
    readonly type: "nack";
    readonly message_id: string;
    /** `true`: hand it out again; `false`: it goes to the dead letters. */
    readonly retry: boolean;
    /** With `retry`: how long the gateway hands out nothing on this connection. */
    readonly delay_ms?: number | undefined;
    /** Without `retry`: why. */
    readonly code?: Rejection["code"] | undefined;
    readonly error?: string | undefined;
  };

/** What a connector sends over a WebSocket. */
export type ConnectorMessage =
  | Report
  | { readonly type: "heartbeat"; readonly timestamp?: string | undefined }
  /** Hand out nothing more: the connector finishes what it holds and ends. */
  | { readonly type: "stop" };

/** What a connector posts to `/connect/ack`, where the stream goes one way only. */
export interface AckRequest {
  readonly channel: string;
  readonly connection_id: string;
  readonly messages: readonly Report[];
  readonly stop?: boolean | undefined;
  /** The connection ends, and what is unacknowledged goes back to the queue. */
  readonly end?: boolean | undefined;
}

/** The longest pause that a connector may ask for, in milliseconds. */
const LONGEST_PAUSE_MS = 300_000;
const LONGEST_ERROR = 1_000;

// Loose, as every schema here: a later version may add fields, and what is not known is not read.
const ack = z.looseObject({ type: z.literal("ack"), message_id: z.string().min(1).max(200) });
const nack = z.looseObject({
  type: z.literal("nack"),
  message_id: z.string().min(1).max(200),
  retry: z.boolean().default(true),
  delay_ms: z.number().min(0).max(LONGEST_PAUSE_MS).optional(),
  code: z.enum(["output_rejected", "output_failed", "expired"]).optional(),
  error: z.string().transform((text) => text.slice(0, LONGEST_ERROR)).optional(),
});
const report = z.discriminatedUnion("type", [ack, nack]);
const connectorMessage = z.discriminatedUnion("type", [
  ack,
  nack,
  z.looseObject({ type: z.literal("heartbeat"), timestamp: z.string().optional() }),
  z.looseObject({ type: z.literal("stop") }),
]);
const ackRequest = z.looseObject({
  channel: z.string(),
  connection_id: z.string(),
  messages: z.array(report).max(10_000).default([]),
  stop: z.boolean().optional(),
  end: z.boolean().optional(),
});
const webhookMessage = z.looseObject({
  type: z.literal("webhook"),
  message_id: z.string().min(1),
  sequence: z.number(),
  delivery: z.number(),
  event_id: z.string().min(1),
  namespace: z.string(),
  webhook_id: z.string().min(1),
  timestamp: z.iso.datetime(),
  headers: z.record(z.string(), z.string()),
  body: z.string().optional(),
  body_base64: z.base64().optional(),
});
const gatewayMessage = z.discriminatedUnion("type", [
  webhookMessage,
  z.looseObject({
    type: z.literal("connected"),
    protocol: z.number(),
    connection_id: z.string(),
    channel: z.string(),
    resumed: z.boolean(),
    window: z.number(),
    heartbeat_interval_ms: z.number().positive(),
    ack_timeout_ms: z.number().positive(),
    server: z.string(),
  }),
  z.looseObject({ type: z.literal("heartbeat"), timestamp: z.string() }),
  z.looseObject({ type: z.literal("paused"), message_id: z.string(), sequence: z.number() }),
  z.looseObject({ type: z.literal("closing"), code: z.string(), message: z.string() }),
]);

/**
 * Chooses the protocol version for a connection.
 *
 * @param header the connector's versions, as its header says them
 * @throws {GatewayError} `unsupported_protocol` when there is none that both speak
 */
export function negotiateProtocol(header: string | null): number {
  const spoken = `This gateway speaks version ${PROTOCOL_VERSIONS.join(", ")}`;
  if (header === null) {
    throw new GatewayError(
      "unsupported_protocol",
      `The header ${HEADERS.protocol} is missing: send the versions that the connector speaks. ${spoken}`,
    );
  }
  const offered = header.split(",").map((version) => Number(version.trim()));
  const chosen = PROTOCOL_VERSIONS.find((version) => offered.includes(version));
  if (chosen !== undefined) return chosen;
  throw new GatewayError(
    "unsupported_protocol",
    `No protocol version in common: the connector speaks ${
      JSON.stringify(header.slice(0, 40))
    }. ${spoken}: update the older side`,
  );
}

/** @throws {GatewayError} `invalid_message`, `json_too_complex` */
export function parseConnectorMessage(text: string): ConnectorMessage {
  return parse(connectorMessage, text) as ConnectorMessage;
}

/** @throws {GatewayError} `invalid_message`, `json_too_complex` */
export function parseAckRequest(text: string): AckRequest {
  return parse(ackRequest, text) as AckRequest;
}

/**
 * A message of the gateway; `undefined` for a type that this version does not know, which is to be ignored.
 *
 * @throws {GatewayError} `invalid_message`
 */
export function parseGatewayMessage(text: string): GatewayMessage | undefined {
  const json = parseJson(text);
  return isKnown(json) ? validate(gatewayMessage, json) as GatewayMessage : undefined;
}

/** The messages in the answer to a poll. @throws {GatewayError} `invalid_message` */
export function parseGatewayMessages(json: unknown): readonly GatewayMessage[] {
  const { messages } = validate(z.looseObject({ messages: z.array(z.unknown()) }), json);
  return messages.filter(isKnown).map((message) => validate(gatewayMessage, message) as GatewayMessage);
}

const KNOWN_TYPES: ReadonlySet<unknown> = new Set(["webhook", "connected", "heartbeat", "paused", "closing"]);

function isKnown(json: unknown): boolean {
  return KNOWN_TYPES.has((json as { readonly type?: unknown } | null)?.type);
}

function parse(schema: z.ZodType, text: string): unknown {
  requireSimple(text);
  return validate(schema, parseJson(text));
}

/** What a connector sends is parsed to values, which take many times the memory of the text. */
function requireSimple(text: string): void {
  if (isWithinBounds(text.length, DEFAULT_JSON_BOUNDS)) return;
  const verdict = new JsonScanner(encoder.encode(text), DEFAULT_JSON_BOUNDS).advance(Infinity);
  if (verdict === "too_complex") throw new GatewayError("json_too_complex");
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new GatewayError("invalid_message", "The message is not valid JSON", { cause });
  }
}

function validate<Value>(schema: z.ZodType<Value>, json: unknown): Value {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue === undefined || issue.path.length === 0 ? "" : ` at ${issue.path.join(".")}`;
  throw new GatewayError("invalid_message", `The message is not valid${where}: ${issue?.message}`);
}

/**
 * Longest body that travels as text. Escapes can make a text six times as long, base64 grows by a third: so
 * the largest body of a channel stays within the 64 MiB that a WebSocket message of this runtime may have.
 */
const LONGEST_TEXT = 1024 * 1024;

const encoder = new TextEncoder();

/** Refuses what is not UTF-8 and keeps a byte order mark, so that text and bytes are the same. */
const exactDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The message that carries a leased event. */
export function webhookMessageOf({ tag, event, delivery }: LeasedEvent, sequence: number): WebhookMessage {
  return {
    type: "webhook",
    message_id: tag,
    sequence,
    delivery,
    event_id: event.id,
    namespace: event.namespace,
    webhook_id: event.webhook,
    timestamp: new Date(event.receivedAt).toISOString(),
    headers: Object.fromEntries(event.headers),
    ...encodeBody(event.body.stored),
  };
}

/** The event that a message carries, as the gateway received it. */
export function eventOf(message: WebhookMessage): Event {
  return {
    id: message.event_id,
    namespace: message.namespace,
    webhook: message.webhook_id,
    receivedAt: Date.parse(message.timestamp),
    headers: new Headers({ ...message.headers }),
    body: message.body_base64 === undefined
      ? EventBody.fromText(message.body ?? "")
      : EventBody.fromBytes(new Uint8Array(Buffer.from(message.body_base64, "base64"))),
  };
}

function encodeBody(body: Uint8Array | string): Pick<WebhookMessage, "body" | "body_base64"> {
  if (body.length > LONGEST_TEXT) return { body_base64: Buffer.from(body).toString("base64") };
  if (typeof body === "string") return { body };
  try {
    return { body: exactDecoder.decode(body) };
  } catch {
    return { body_base64: Buffer.from(body).toString("base64") };
  }
}

/** What a connection resumes: the former connection, and the last message of it that arrived. */
export interface ResumePoint {
  readonly connectionId: string;
  readonly sequence: number;
}

/** The value of `Last-Event-ID`, and the `id` of each Server-Sent Event. */
export function formatResumePoint({ connectionId, sequence }: ResumePoint): string {
  return `${connectionId}.${sequence}`;
}

/** `undefined` when there is nothing to resume, or it names nothing of ours: a new connection is as good. */
export function parseResumePoint(header: string | null): ResumePoint | undefined {
  const [, connectionId, sequence] = /^([a-zA-Z0-9-]{1,64})\.(\d{1,15})$/.exec(header ?? "") ?? [];
  return connectionId === undefined ? undefined : { connectionId, sequence: Number(sequence) };
}

/** How a connector may be connected. */
export const TRANSPORT_NAMES = ["websocket", "sse", "long_poll"] as const;
