/**
 * Reads messages of the protocol from JSON, each side those of the other.
 *
 * @module
 */

import { z } from "zod";
import { GatewayError } from "../../errors.ts";
import { eventTypeIn } from "../../event/event_type.ts";
import { DEFAULT_JSON_BOUNDS, isWithinBounds, JsonScanner } from "../../json/scan.ts";
import type { AckRequest, ConnectorMessage, GatewayMessage, WebhookMessage } from "./messages.ts";

const encoder = new TextEncoder();

/** The longest pause that a connector may ask for, in milliseconds. */
const MAX_PAUSE_MS = 300_000;
const MAX_ERROR = 1_000;

/** Reports in one message. */
const MAX_REPORTS = 10_000;

/** The longest id of a message, in characters. */
const MAX_MESSAGE_ID = 200;

// Loose, as every schema here: a later version may add fields, and what is not known is not read.
const messageId = z.string().min(1).max(MAX_MESSAGE_ID);
const ack = z.looseObject({ type: z.literal("ack"), message_id: messageId });
const nack = z.looseObject({
  type: z.literal("nack"),
  message_id: messageId,
  retry: z.boolean().default(true),
  delay_ms: z.number().min(0).max(MAX_PAUSE_MS).optional(),
  code: z.enum(["output_rejected", "output_failed", "expired"]).optional(),
  error: z.string().transform((text) => text.slice(0, MAX_ERROR)).optional(),
});
const report = z.discriminatedUnion("type", [ack, nack]);
const connectorMessage = z.discriminatedUnion("type", [
  ack,
  nack,
  z.looseObject({
    type: z.literal("reports"),
    acks: z.array(messageId).max(MAX_REPORTS).default([]),
    nacks: z.array(nack).max(MAX_REPORTS).default([]),
  }),
  z.looseObject({ type: z.literal("heartbeat"), timestamp: z.string().optional() }),
  z.looseObject({ type: z.literal("stop") }),
]);
/** What a connector posts to `/connect/ack`. */
export const ackRequest = z.looseObject({
  channel: z.string(),
  connection_id: z.string(),
  messages: z.array(report).max(MAX_REPORTS).default([]),
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
  event_type: z.string().refine((text) => eventTypeIn(text) !== undefined).optional(),
  timestamp: z.iso.datetime(),
  headers: z.record(z.string(), z.string()),
  body: z.string().optional(),
  body_base64: z.base64().optional(),
});
/** What a gateway sends. */
export const gatewayMessage = z.discriminatedUnion("type", [
  webhookMessage,
  z.looseObject({ type: z.literal("webhooks"), webhooks: z.array(webhookMessage) }),
  z.looseObject({
    type: z.literal("connected"),
    protocol: z.number(),
    connection_id: z.string(),
    channel: z.string(),
    resumed: z.boolean(),
    window: z.number(),
    window_bytes: z.number().optional(),
    heartbeat_interval_ms: z.number().positive(),
    ack_timeout_ms: z.number().positive(),
    server: z.string(),
  }),
  z.looseObject({ type: z.literal("heartbeat"), timestamp: z.string() }),
  z.looseObject({
    type: z.literal("paused"),
    message_id: z.string().optional(),
    message_ids: z.array(z.string()).optional(),
    sequence: z.number(),
  }),
  z.looseObject({ type: z.literal("closing"), code: z.string(), message: z.string() }),
]);

/** A message that a connector sends over a WebSocket. @throws {GatewayError} `invalid_message`, `json_too_complex` */
export function parseConnectorMessage(text: string): ConnectorMessage {
  requireSimple(text);
  const json = parseJson(text);
  return isPlainReport(json) ? json : validate(connectorMessage, json) as ConnectorMessage;
}

/** Whether it is an acknowledgement, or a list of them, that {@linkcode connectorMessage} takes as it is. */
function isPlainReport(json: unknown): json is ConnectorMessage {
  if (typeof json !== "object" || json === null) return false;
  const { type, message_id, acks, nacks } = json as Readonly<Record<string, unknown>>;
  if (type === "ack") return isMessageId(message_id);
  return type === "reports" && Array.isArray(nacks) && nacks.length === 0 &&
    Array.isArray(acks) && acks.length <= MAX_REPORTS && acks.every(isMessageId);
}

function isMessageId(value: unknown): boolean {
  return typeof value === "string" && value.length >= 1 && value.length <= MAX_MESSAGE_ID;
}

/** The body of a request to `/connect/ack`. @throws {GatewayError} `invalid_message`, `json_too_complex` */
export function parseAckRequest(text: string): AckRequest {
  return parseMessage(ackRequest, text) as AckRequest;
}

/**
 * A message of the gateway; `undefined` for a type that this version does not know, which is to be ignored.
 *
 * @throws {GatewayError} `invalid_message`
 */
export function parseGatewayMessage(text: string): GatewayMessage | undefined {
  return readGatewayMessage(parseJson(text));
}

/** The messages in the answer to a poll. @throws {GatewayError} `invalid_message` */
export function parseGatewayMessages(json: unknown): readonly GatewayMessage[] {
  const { messages } = validate(z.looseObject({ messages: z.array(z.unknown()) }), json);
  return messages.flatMap((message) => readGatewayMessage(message) ?? []);
}

const KNOWN_TYPES: ReadonlySet<unknown> = new Set([
  ...["webhook", "webhooks", "connected", "heartbeat", "paused", "closing"],
]);

function readGatewayMessage(json: unknown): GatewayMessage | undefined {
  const { type, webhooks } = (json ?? {}) as { readonly type?: unknown; readonly webhooks?: unknown };
  if (!KNOWN_TYPES.has(type)) return undefined;
  // What comes thousands of times a second is not taken apart by a schema, unless something is wrong with it.
  if (type === "webhook" && isPlainWebhook(json)) return json;
  if (type === "webhooks" && Array.isArray(webhooks) && webhooks.every(isPlainWebhook)) {
    return { type, webhooks };
  }
  return validate(gatewayMessage, json) as GatewayMessage;
}

/** RFC 3339 in UTC, as a gateway writes it. */
const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** Whether it is a message with a text as its body that {@linkcode webhookMessage} takes as it is. */
function isPlainWebhook(json: unknown): json is WebhookMessage {
  if (typeof json !== "object" || json === null) return false;
  const one = json as Readonly<Record<string, unknown>>;
  return one["type"] === "webhook" && isName(one["message_id"]) && isName(one["event_id"]) &&
    isName(one["webhook_id"]) && typeof one["namespace"] === "string" &&
    Number.isFinite(one["sequence"]) && Number.isFinite(one["delivery"]) &&
    typeof one["timestamp"] === "string" && TIMESTAMP.test(one["timestamp"]) &&
    !Number.isNaN(Date.parse(one["timestamp"])) && typeof one["body"] === "string" &&
    one["body_base64"] === undefined && isEventType(one["event_type"]) && areTexts(one["headers"]);
}

function isName(value: unknown): boolean {
  return typeof value === "string" && value !== "";
}

function isEventType(value: unknown): boolean {
  return value === undefined || typeof value === "string" && eventTypeIn(value) !== undefined;
}

function areTexts(headers: unknown): boolean {
  if (typeof headers !== "object" || headers === null || Array.isArray(headers)) return false;
  for (const value of Object.values(headers)) if (typeof value !== "string") return false;
  return true;
}

/** What a request to a channel says in its body. @throws {GatewayError} `invalid_message`, `json_too_complex` */
export function parseMessage<Value>(schema: z.ZodType<Value>, text: string): Value {
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
