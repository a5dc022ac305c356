/**
 * What `module-config` says of a channel.
 *
 * @module
 */

import { z } from "zod";
import { secretFingerprint, secretMatcher } from "../../auth/crypto/constant_time.ts";
import { HmacDigest } from "../../auth/crypto/hmac_digest.ts";
import { timeoutField } from "../../schema/connection_fields.ts";
import { integerField, secretField } from "../../schema/fields.ts";

const CHANNEL_NAME = /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,127}$/;
/** What an `Authorization` header can carry: visible ASCII without spaces. */
const TOKEN = /^[\x21-\x7e]{1,512}$/;
const DAY_SECONDS = 24 * 60 * 60;
const YEAR_SECONDS = 365 * DAY_SECONDS;
const HOUR_SECONDS = 60 * 60;
const MEBIBYTE = 1024 * 1024;

const encoder = new TextEncoder();

/** A token as it is compiled: it can be compared with, and signs what only who has it can have signed. */
export interface ChannelToken {
  readonly matches: (presented: string) => boolean;
  /** The code of a text by HMAC-SHA256, in base64url. */
  readonly sign: (text: string) => string;
}

/** A compiled `module-config`. Times are in milliseconds. */
export interface ChannelConfig {
  readonly channel: string;
  /** Several are valid at once while tokens are changed. */
  readonly tokens: readonly ChannelToken[];
  /** Tell whether two webhooks have a token in common. */
  readonly tokenFingerprints: readonly string[];
  readonly ttlMs: number;
  readonly maxQueueSize: number;
  readonly maxConnections: number;
  readonly maxInFlight: number;
  /** Bodies that one connector may hold unacknowledged, in bytes. */
  readonly maxInFlightBytes: number;
  /** Polls that may wait at one gateway. */
  readonly maxPolls: number;
  /** Hand-outs of an event after which it is a dead letter; `Infinity` for any number. */
  readonly maxDeliveries: number;
  readonly ackTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
}

const token = secretField(TOKEN, "A token has 1 to 512 visible ASCII characters, no spaces");

const fields = z.strictObject({
  channel: z.string().regex(CHANNEL_NAME, {
    error: "A channel name has 1 to 128 characters of a-z A-Z 0-9 . _ - and begins with a letter or digit",
  }).meta({ description: "Name of the channel. Webhooks that name the same one share its queue." }),
  channel_token: z.union([token, z.array(token).min(1).max(2)]).meta({
    description:
      "The token that connectors present, or a list of two, both valid, while tokens are changed. " +
      "Webhooks that share a channel must have a token in common, and only such a token is taken: one that has " +
      "none in common with those made before it is a problem, and answers 503.",
  }),
  ttl_seconds: integerField(1, YEAR_SECONDS).default(DAY_SECONDS).meta({
    description: "How long an event may wait, in seconds. After that it is a dead letter `expired`.",
  }),
  max_queue_size: integerField(1, 100_000_000).default(10_000).meta({
    description: "Events that may stand in the channel. When it is full, senders get 503 `overloaded`.",
  }),
  max_connections: integerField(1, 10_000).default(10).meta({
    description: "Connectors that may be connected to one gateway at once.",
  }),
  max_in_flight: integerField(1, 10_000).default(100).meta({
    description: "Messages that one connector may hold unacknowledged.",
  }),
  max_in_flight_bytes: integerField(1, 1024 * MEBIBYTE).default(8 * MEBIBYTE).meta({
    description:
      "Bodies that one connector may hold unacknowledged, in bytes; one message it may always hold.",
  }),
  max_polls: integerField(1, 10_000).default(100).meta({
    description: "Polls of [pulling](../../relay/PULL.md) consumers that may wait at one gateway at once.",
  }),
  max_deliveries: integerField(1, 1_000_000).optional().meta({
    description:
      "How often an event is handed out, to connectors and pulling consumers together. One that was not acknowledged " +
      "by then is a dead letter `output_failed`. Default: as often as `ttl_seconds` allows.",
  }),
  ack_timeout_seconds: timeoutField(HOUR_SECONDS).default(30).meta({
    description:
      "How long messages stay a connector's after it was last heard of, or a pulling consumer's that does not say " +
      "for how long, in seconds.",
  }),
  heartbeat_interval_seconds: timeoutField(HOUR_SECONDS).default(15).meta({
    description: "Time between two signs of life, in seconds; three that are missing end a connection.",
  }),
});

function compileToken(token: string): ChannelToken {
  let digest: HmacDigest | undefined;
  const sign = (text: string) => {
    // Few channels are ever pulled from.
    digest ??= new HmacDigest("sha256", encoder.encode(token));
    return digest.base64url(encoder.encode(text));
  };
  return { matches: secretMatcher(token), sign };
}

/** Strict schema that ends in the compiled form, which shows no token. */
export const configSchema: z.ZodType<ChannelConfig> = fields.transform((config) => ({
  channel: config.channel,
  tokens: [config.channel_token].flat().map(compileToken),
  tokenFingerprints: [config.channel_token].flat().map(secretFingerprint),
  ttlMs: config.ttl_seconds * 1000,
  maxQueueSize: config.max_queue_size,
  maxConnections: config.max_connections,
  maxInFlight: config.max_in_flight,
  maxInFlightBytes: config.max_in_flight_bytes,
  maxPolls: config.max_polls,
  maxDeliveries: config.max_deliveries ?? Infinity,
  ackTimeoutMs: config.ack_timeout_seconds * 1000,
  heartbeatIntervalMs: config.heartbeat_interval_seconds * 1000,
}));
