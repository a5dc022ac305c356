/**
 * `webhook_connect`: puts each event into a channel, a durable queue that connectors in private networks
 * drain over connections which they open themselves. See `src/relay/PROTOCOL.md`.
 *
 * @module
 */

import { z } from "zod";
import { secretFingerprint, secretMatcher } from "../../auth/crypto/constant_time.ts";
import { DeliveryError, GatewayError } from "../../errors.ts";
import { timeoutField } from "../../schema/connection_fields.ts";
import { integerField, secretField } from "../../schema/fields.ts";
import type { ChannelWriter, Delivery, DeliveryResult, DocumentedModule, Output } from "../module.ts";

const CHANNEL_NAME = /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,127}$/;
/** What an `Authorization` header can carry: visible ASCII without spaces. */
const TOKEN = /^[\x21-\x7e]{1,512}$/;
const DAY_SECONDS = 24 * 60 * 60;
const YEAR_SECONDS = 365 * DAY_SECONDS;
const HOUR_SECONDS = 60 * 60;

/** Largest body that can be relayed, in bytes: with base64 it must fit into one message of a WebSocket. */
const MAX_BODY = 40 * 1024 * 1024;

/** A compiled `module-config`. Times are in milliseconds. */
export interface ChannelConfig {
  readonly channel: string;
  /** One matcher a token; several are valid at once while tokens are changed. */
  readonly tokens: readonly ((presented: string) => boolean)[];
  /** Tell whether two webhooks have a token in common. */
  readonly tokenFingerprints: readonly string[];
  readonly ttlMs: number;
  readonly maxQueueSize: number;
  readonly maxConnections: number;
  readonly maxInFlight: number;
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
  ack_timeout_seconds: timeoutField(HOUR_SECONDS).default(30).meta({
    description: "How long messages stay a connector's after it was last heard of, in seconds.",
  }),
  heartbeat_interval_seconds: timeoutField(HOUR_SECONDS).default(15).meta({
    description: "Time between two signs of life, in seconds; three that are missing end a connection.",
  }),
});

/** Strict schema that ends in the compiled form, which holds no token. */
const configSchema: z.ZodType<ChannelConfig> = fields.transform((config) => ({
  channel: config.channel,
  tokens: [config.channel_token].flat().map(secretMatcher),
  tokenFingerprints: [config.channel_token].flat().map(secretFingerprint),
  ttlMs: config.ttl_seconds * 1000,
  maxQueueSize: config.max_queue_size,
  maxConnections: config.max_connections,
  maxInFlight: config.max_in_flight,
  ackTimeoutMs: config.ack_timeout_seconds * 1000,
  heartbeatIntervalMs: config.heartbeat_interval_seconds * 1000,
}));

/** Queues events for connectors; it needs no connection. */
export const webhookConnectModule: DocumentedModule<ChannelConfig, undefined> = {
  name: "webhook_connect",
  summary: "a connector in a private network",
  documentation: () => import("./documentation.ts"),
  connectionTypes: [],
  configSchema,
  // The confirmation is a commit already: with `durable` every event would be written twice.
  acceptance: "delivered",
  // Bytes, so that a provider's signature can be verified again on the private side.
  reads: "bytes",
  // Waiting events are bounded by the queue, and many at once are what group commit is for.
  concurrency: 10_000,
  maxBatch: 100,
  ordered: () => true,
  open: (_connection, { channels }) =>
    channels === undefined
      ? Promise.reject(new DeliveryError("output_rejected", "There are no channels here"))
      : Promise.resolve(new WebhookConnectOutput(channels)),
};

class WebhookConnectOutput implements Output<ChannelConfig> {
  readonly #channels: ChannelWriter;

  constructor(channels: ChannelWriter) {
    this.#channels = channels;
  }

  /** Enqueues all without waiting in between: they keep their order and share a commit. */
  deliver(batch: readonly Delivery<ChannelConfig>[]): Promise<readonly DeliveryResult[]> {
    return Promise.all(batch.map((delivery) => this.#enqueue(delivery)));
  }

  probe(): Promise<void> {
    return Promise.resolve();
  }

  /** The queues belong to the gateway. */
  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  async #enqueue({ event, config }: Delivery<ChannelConfig>): Promise<DeliveryResult> {
    if (event.body.bytes.byteLength > MAX_BODY) {
      return new DeliveryError("output_rejected", "The body is larger than the 40 MiB that can be relayed");
    }
    try {
      const { channel, ttlMs, maxQueueSize } = config;
      await this.#channels.enqueue(channel, event, { ttlMs, maxSize: maxQueueSize });
      return "delivered";
    } catch (error) {
      if (error instanceof DeliveryError) return error;
      if (!(error instanceof GatewayError)) throw error;
      return new DeliveryError("output_unavailable", `Channel ${config.channel}: ${error.message}`, {
        cause: error,
        retryAfterSeconds: error.retryAfterSeconds ?? 1,
      });
    }
  }
}
