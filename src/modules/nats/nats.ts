/**
 * `nats`: publishes each event to a subject. It counts as delivered when a stream of JetStream has confirmed it, or with
 * `unconfirmed: true` when the server has read it.
 *
 * @module
 */

import { hostDestination } from "../../policy/destination.ts";
import { destinationName } from "../name_pattern.ts";
import { suffixInForm } from "../id_suffix.ts";
import type { DocumentedModule } from "../module.ts";
import { type NatsConfig, natsConfigSchema } from "./config.ts";
import { natsConnectionSchema, type NatsSettings } from "./connection.ts";

/** The protocol knows no batches: what is handed over together shares a write, and an answer's wait. */
const MAX_BATCH = 64;
const MAX_BATCH_BYTES = 1024 * 1024;

/** Publishes events to NATS. */
export const natsModule: DocumentedModule<NatsConfig, NatsSettings> = {
  name: "nats",
  summary: "a subject of NATS, stored by JetStream",
  documentation: () => import("./documentation.ts"),
  connectionTypes: ["nats"],
  configSchema: natsConfigSchema,
  connectionSchema: natsConnectionSchema,
  forWebhook: (config, { form }) =>
    form === undefined ? config : { ...config, idSuffix: suffixInForm(config.idSuffix, form) },
  destinations: (
    { subject: { text } },
  ) => [{ kind: "subjects", name: destinationName(text), key: "subject" }],
  connectionDestinations: ({ servers }) =>
    servers.map(({ host, port }) => hostDestination(host, port, "servers")),
  acceptance: "durable",
  reads: "bytes",
  maxBatch: MAX_BATCH,
  maxBatchBytes: MAX_BATCH_BYTES,
  gathers: 4,
  concurrency: 16,
  batchKey: ({ target }) => target,
  open: async (connection, context) => {
    const { NatsOutput } = await import("./output.ts"); // The client takes 73 ms to load.
    return new NatsOutput(connection, context);
  },
};
