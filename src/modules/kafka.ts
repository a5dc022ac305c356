/**
 * `kafka`: publishes each event to a topic of a Kafka cluster, with the body exactly as it was received.
 *
 * Every record carries the headers `cwm-event-id`, `cwm-namespace`, `cwm-webhook`, `cwm-received-at` and
 * `content-type`. An event may arrive more than once; its id tells. It counts as delivered when all replicas
 * that are in step have it.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { Event } from "../event.ts";
import { forwardedHeaders } from "./http_webhook_headers.ts";
import { type KafkaConfig, kafkaConfigSchema } from "./kafka_config.ts";
import { kafkaConnectionSchema } from "./kafka_connection.ts";
import type { KafkaRecord, RecordProducer } from "./kafka_producer.ts";
import { KafkaSender, type SenderBounds } from "./kafka_sender.ts";
import type { KafkaAddress } from "./kafkajs_client.ts";
import type { Attempt, Delivery, DeliveryResult, Output, OutputModule } from "./module.ts";

const CONCURRENCY = 256;
const MAX_BATCH = 128;

const BOUNDS: SenderBounds = {
  batchRecords: 500,
  batchBytes: 512 * 1024,
  queuedRecords: CONCURRENCY * MAX_BATCH,
  queuedBytes: 64 * 1024 * 1024,
};

/** Publishes the events of all webhooks that use one connection. */
class KafkaOutput implements Output<KafkaConfig> {
  readonly #producer: RecordProducer;
  readonly #sender: KafkaSender;

  constructor(producer: RecordProducer) {
    this.#producer = producer;
    this.#sender = new KafkaSender(producer, BOUNDS);
  }

  deliver(
    batch: readonly Delivery<KafkaConfig>[],
    attempt: Attempt,
  ): Promise<readonly DeliveryResult[]> {
    return this.#sender.submit(batch.map(({ event, config }) => toRecord(event, config)), attempt.signal);
  }

  probe(signal: AbortSignal): Promise<void> {
    return this.#producer.probe(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sender[Symbol.asyncDispose]();
  }
}

function toRecord(event: Event, config: KafkaConfig): KafkaRecord {
  const { bytes } = event.body;
  return {
    topic: config.topic,
    partition: config.partition,
    key: config.key?.(event) ?? null,
    value: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    headers: recordHeaders(event, config),
  };
}

function recordHeaders(event: Event, { forwardsHeaders }: KafkaConfig): KafkaRecord["headers"] {
  const headers: Record<string, string | Buffer> = {
    "cwm-event-id": event.id,
    "cwm-namespace": event.namespace,
    "cwm-webhook": event.webhook,
    "cwm-received-at": new Date(event.receivedAt).toISOString(),
  };
  const contentType = event.headers.get("content-type");
  if (contentType !== null) headers["content-type"] = Buffer.from(contentType, "latin1");
  if (!forwardsHeaders) return headers;
  // A header's characters stand for its bytes.
  for (const [name, value] of forwardedHeaders(event.headers, undefined)) {
    headers[name] = Buffer.from(value, "latin1");
  }
  return headers;
}

/** Publishes events to Kafka; see the top of this file. */
export const kafkaModule: OutputModule<KafkaConfig, KafkaAddress> = {
  name: "kafka",
  connectionTypes: ["kafka"],
  configSchema: kafkaConfigSchema,
  keysWithoutEffect: { bootstrap_servers: "the connection says it" },
  connectionSchema: kafkaConnectionSchema,
  acceptance: "durable",
  reads: "bytes",
  concurrency: CONCURRENCY,
  maxBatch: MAX_BATCH,
  ordered: ({ key, partition }) => key !== undefined || partition !== undefined,
  open: async (connection, { name, logger }) => {
    // Loaded when it is needed: kafkajs takes 19 MiB and 55 ms.
    const { KafkaJsProducer } = await import("./kafkajs_producer.ts");
    return new KafkaOutput(new KafkaJsProducer(connection, name, logger));
  },
};
