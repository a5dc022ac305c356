/**
 * `kafka`: publishes each event to a topic of a Kafka cluster, with the body exactly as it was received.
 *
 * Every record carries the headers `cwm-event-id`, `cwm-namespace`, `cwm-webhook`, `cwm-received-at` and
 * `content-type`. An event may arrive more than once; its id tells. It counts as delivered when all replicas
 * that are in step have it.
 *
 * @module
 */

import { addressDestination } from "../../policy/destination.ts";
import type { Event } from "../../event/event.ts";
import { ReportLimiter } from "../../observability/report_limiter.ts";
import { messageHeaders } from "../../event/event_headers.ts";
import { forEachForwardable } from "../../event/header_policy.ts";
import type { KafkaProducer, ProducerEvents } from "./producer/producer.ts";
import type { KafkaRecord } from "./protocol/record.ts";
import { type KafkaConfig, kafkaConfigSchema } from "./config.ts";
import { type KafkaConnection, kafkaConnectionSchema } from "./connection.ts";
import type {
  Attempt,
  Delivery,
  DeliveryResult,
  DocumentedModule,
  ModuleContext,
  Output,
} from "../module.ts";

/** Calls under way. An event that waits for its broker holds one, and must leave some for the others. */
const CONCURRENCY = 4096;
const MAX_BATCH = 128;

const BOUNDS = { records: 32_768, bytes: 64 * 1024 * 1024 };

/**
 * How long an attempt may take when no sender waits, in milliseconds. A broker is replaced after 9 seconds of
 * silence, unless configured: until then an event that it may have keeps its number, so that it is not stored twice.
 */
const JOURNAL_TIMEOUT_MS = 30_000;

/** Publishes the events of all webhooks that share connections. */
class KafkaOutput implements Output<KafkaConfig> {
  readonly #producer: KafkaProducer;

  constructor(producer: KafkaProducer) {
    this.#producer = producer;
  }

  deliver(
    batch: readonly Delivery<KafkaConfig>[],
    attempt: Attempt,
  ): Promise<readonly DeliveryResult[]> {
    return this.#producer.submit(batch.map(({ event, config }) => toRecord(event, config)), attempt.signal);
  }

  probe(signal: AbortSignal): Promise<void> {
    return this.#producer.probe(signal);
  }

  probeFor(config: KafkaConfig, signal: AbortSignal): Promise<void> {
    return this.#producer.probeTopic(config, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#producer[Symbol.asyncDispose]();
  }
}

function toRecord(event: Event, config: KafkaConfig): KafkaRecord {
  return {
    topic: config.topic,
    partition: config.partition,
    key: config.key?.(event) ?? null,
    value: event.body.bytes,
    headers: recordHeaders(event, config),
  };
}

function recordHeaders(event: Event, { forwardsHeaders }: KafkaConfig): readonly string[] {
  const headers = messageHeaders(event);
  const contentType = event.headers.get("content-type");
  if (contentType !== null) headers.push("content-type", contentType);
  if (forwardsHeaders) {
    forEachForwardable(event.headers, (name, value) => {
      if (name !== "content-type") headers.push(name, value);
    });
  }
  return headers;
}

/** Puts into words what an operator wants to know. It repeats with each try. */
function reportTo({ name, logger, throttled, health }: ModuleContext): ProducerEvents {
  const reports = new ReportLimiter();
  return {
    log: { name, logger, health },
    throttled: (broker, milliseconds) => {
      throttled?.(milliseconds);
      reports.run(`throttled by ${broker}`, (suppressed) => {
        logger.warning("Kafka broker {broker} takes nothing from {connection} for {milliseconds} ms: quota", {
          connection: name,
          broker,
          milliseconds,
          suppressed,
        });
      });
    },
    unidentified: (error) =>
      reports.run("no producer id", (suppressed) => {
        logger.warning("Events of {connection} may be stored twice when they are tried again: {detail}", {
          connection: name,
          detail: error.message,
          suppressed,
        });
      }),
  };
}

async function open(connection: KafkaConnection, context: ModuleContext): Promise<Output<KafkaConfig>> {
  const { openProducer } = await import("./record_producer.ts"); // Not for those who do not use Kafka.
  return new KafkaOutput(openProducer(connection, BOUNDS, reportTo(context)));
}

/** Publishes events to Kafka. */
export const kafkaModule: DocumentedModule<KafkaConfig, KafkaConnection> = {
  name: "kafka",
  summary: "a topic of Apache Kafka",
  documentation: () => import("./documentation.ts"),
  connectionTypes: ["kafka"],
  configSchema: kafkaConfigSchema,
  keysWithoutEffect: { bootstrap_servers: "the connection says it" },
  connectionSchema: kafkaConnectionSchema,
  destinations: ({ topic }) => [{ kind: "topics", name: topic, key: "topic" }],
  connectionDestinations: ({ brokers }) =>
    brokers.map((broker) => addressDestination(broker, "bootstrap_servers")),
  acceptance: "durable",
  reads: "bytes",
  concurrency: CONCURRENCY,
  maxBatch: MAX_BATCH,
  ordered: ({ key, partition }) => key !== undefined || partition !== undefined,
  partition: ({ connectionGroup }) => connectionGroup,
  batchKey: ({ topic }) => topic,
  timeoutMs: ({ timeoutMs }) => timeoutMs,
  triesUntilTimeout: true,
  journalTimeoutMs: ({ timeoutMs }) => Math.max(timeoutMs, JOURNAL_TIMEOUT_MS),
  open,
};
