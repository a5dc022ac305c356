/**
 * `mqtt`: publishes each event to a topic of a broker, with MQTT 5 or 3.1.1. It counts as delivered when the broker has
 * confirmed it, or with `qos: 0` when it is written to the connection.
 *
 * @module
 */

import { hostDestination } from "../../policy/destination.ts";
import { destinationName } from "../name_pattern.ts";
import type { DocumentedModule } from "../module.ts";
import { type MqttConfig, mqttConfigSchema } from "./config.ts";
import { type MqttConnection, mqttConnectionSchema } from "./connection.ts";

/** The protocol knows no batches: what is handed over together only shares a write. */
const MAX_BATCH = 64;
const MAX_BATCH_BYTES = 1024 * 1024;

/** Publishes events to MQTT brokers. */
export const mqttModule: DocumentedModule<MqttConfig, MqttConnection> = {
  name: "mqtt",
  summary: "a topic of an MQTT broker",
  documentation: () => import("./documentation.ts"),
  connectionTypes: ["mqtt"],
  configSchema: mqttConfigSchema,
  connectionSchema: mqttConnectionSchema,
  forWebhook: (config, { dataType }) => ({ ...config, dataType }),
  destinations: ({ topic }) => [{ kind: "topics", name: destinationName(topic), key: "topic" }],
  connectionDestinations: ({ host, port }) => [hostDestination(host, port, "host")],
  acceptance: "durable",
  reads: "bytes",
  maxBatch: MAX_BATCH,
  maxBatchBytes: MAX_BATCH_BYTES,
  gathers: 4,
  concurrency: 16,
  open: async (connection, context) => {
    const { MqttOutput } = await import("./output.ts"); // The client takes 56 ms to load.
    return new MqttOutput(connection, context);
  },
};
