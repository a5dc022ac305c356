/**
 * Reads messages as each side did when version 1 of the protocol was the only one; frozen.
 *
 * @module
 */

import { z } from "zod";
import { GatewayError } from "../../../../src/errors.ts";
import { eventTypeIn } from "../../../../src/event/event_type.ts";
import { DEFAULT_JSON_BOUNDS, isWithinBounds, JsonScanner } from "../../../../src/json/scan.ts";
import type { ConnectorMessage, GatewayMessage } from "./messages.ts";

const encoder = new TextEncoder();

/** The longest pause that a connector may ask for, in milliseconds. */
const MAX_PAUSE_MS = 300_000;
const MAX_ERROR = 1_000;

// Loose, as every schema here: a later version may add fields, and what is not known is not read.
const ack = z.looseObject({ type: z.literal("ack"), message_id: z.string().min(1).max(200) });
const nack = z.looseObject({
  type: z.literal("nack"),
  message_id: z.string().min(1).max(200),
  retry: z.boolean().default(true),
  delay_ms: z.number().min(0).max(MAX_PAUSE_MS).optional(),
  code: z.enum(["output_rejected", "output_failed", "expired"]).optional(),
  error: z.string().transform((text) => text.slice(0, MAX_ERROR)).optional(),
});
const connectorMessage = z.discriminatedUnion("type", [
  ack,
  nack,
  z.looseObject({ type: z.literal("heartbeat"), timestamp: z.string().optional() }),
  z.looseObject({ type: z.literal("stop") }),
]);
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

/** A message that a connector sends over a WebSocket. @throws {GatewayError} `invalid_message`, `json_too_complex` */
export function parseConnectorMessage(text: string): ConnectorMessage {
  return parseMessage(connectorMessage, text) as ConnectorMessage;
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

const KNOWN_TYPES: ReadonlySet<unknown> = new Set(["webhook", "connected", "heartbeat", "paused", "closing"]);

function isKnown(json: unknown): boolean {
  return KNOWN_TYPES.has((json as { readonly type?: unknown } | null)?.type);
}

function parseMessage<Value>(schema: z.ZodType<Value>, text: string): Value {
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
