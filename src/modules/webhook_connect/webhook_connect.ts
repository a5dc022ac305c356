/**
 * `webhook_connect`: puts each event into a channel, a durable queue that connectors in private networks
 * drain over connections which they open themselves. See `src/relay/PROTOCOL.md`.
 *
 * @module
 */

import { DeliveryError, GatewayError } from "../../errors.ts";
import type { ChannelWriter, Delivery, DeliveryResult, DocumentedModule, Output } from "../module.ts";
import { type ChannelConfig, configSchema } from "./config.ts";

export type { ChannelConfig, ChannelToken } from "./config.ts";

/** Largest body that can be relayed, in bytes: with base64 it must fit into one message of a WebSocket. */
const MAX_BODY = 40 * 1024 * 1024;

/** Queues events for connectors; it needs no connection. */
export const webhookConnectModule: DocumentedModule<ChannelConfig, undefined> = {
  name: "webhook_connect",
  summary: "a connector in a private network",
  documentation: () => import("./documentation.ts"),
  connectionTypes: [],
  configSchema,
  // The confirmation is a commit already: with `durable` every event would be written twice.
  destinations: ({ channel }) => [{ kind: "channels", name: channel, key: "channel" }],
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
