/**
 * `gcp_pubsub`: publishes each event to a topic of Google Pub/Sub over its REST interface, with the body as it was
 * received. It counts as delivered when Pub/Sub has answered with the id of its message.
 *
 * @module
 */

import { addressDestination, hostDestination } from "../../policy/destination.ts";
import type { DocumentedModule } from "../module.ts";
import { partitionOf, type PubsubConfig, pubsubConfigSchema } from "./config.ts";
import { type PubsubConnection, pubsubConnectionSchema } from "./connection.ts";
import { MAX_MESSAGES, MAX_REQUEST_BYTES } from "./message.ts";

/** In base64 four characters stand for three bytes; a tenth is left for what stands around them. */
const MAX_BODY_BYTES = Math.floor(MAX_REQUEST_BYTES * 0.75 * 0.9);

/** Publishes events to Pub/Sub. */
export const gcpPubsubModule: DocumentedModule<PubsubConfig, PubsubConnection> = {
  name: "gcp_pubsub",
  summary: "a topic of Google Pub/Sub",
  documentation: () => import("./documentation.ts"),
  connectionTypes: ["gcp_pubsub"],
  configSchema: pubsubConfigSchema,
  connectionSchema: pubsubConnectionSchema,
  destinations: ({ projectId, topic }) => [
    { kind: "topics", name: projectId === undefined ? topic : `${projectId}/${topic}`, key: "topic" },
  ],
  connectionDestinations: ({ emulator, endpoint }) => [
    emulator === undefined
      ? hostDestination(endpoint?.hostname ?? "pubsub.googleapis.com", endpoint?.port ?? 443, "endpoint")
      : addressDestination(emulator, "emulator_host"),
  ],
  acceptance: "durable",
  reads: "bytes",
  maxBatch: MAX_MESSAGES,
  maxBatchBytes: MAX_BODY_BYTES,
  gathers: 4,
  concurrency: 16,
  // A topic that is missing, or that the credentials may not publish to, holds up no other.
  partition: partitionOf,
  destination: ({ topic }) => topic,
  ordered: ({ orderingKey }) => orderingKey !== undefined,
  timeoutMs: ({ timeoutMs }) => timeoutMs,
  open: async (connection, context) => {
    const { PubsubOutput } = await import("./output.ts");
    return new PubsubOutput(connection, context);
  },
};

/** The same module, whose connections lead to an emulator unless they say where they lead. */
export function gcpPubsubWith(emulator: string): DocumentedModule<PubsubConfig, PubsubConnection> {
  return {
    ...gcpPubsubModule,
    connectionSchema: pubsubConnectionSchema.transform((connection) => ({
      ...connection,
      emulator: connection.emulator ?? (connection.endpoint === undefined ? emulator : undefined),
    })),
  };
}
