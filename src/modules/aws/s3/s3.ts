/**
 * `s3`: stores each event as an object of S3 or of what speaks like it, with the body exactly as it was received, or
 * several events as the lines of one.
 *
 * Keys say which events are in an object, and nothing is overwritten: an event that is tried again meets its own object,
 * and is delivered.
 *
 * @module
 */

import type { DocumentedModule } from "../../module.ts";
import { awsDestinations } from "../connection.ts";
import { type S3Config, s3ConfigSchema } from "./config.ts";
import { type S3Connection, s3ConnectionSchema } from "./connection.ts";

/** Stores events in buckets. */
export const s3Module: DocumentedModule<S3Config, S3Connection> = {
  name: "s3",
  summary: "an object of S3 and what speaks like it",
  documentation: () => import("./documentation.ts"),
  connectionTypes: ["s3"],
  configSchema: s3ConfigSchema,
  connectionSchema: s3ConnectionSchema,
  destinations: (
    { bucket, key },
  ) => [{ kind: "buckets", name: `${bucket}/${key.destination}`, key: "bucket" }],
  connectionDestinations: (connection) => awsDestinations(connection, "s3"),
  acceptance: "durable",
  reads: "bytes",
  forWebhook: (config, { dataType }) =>
    dataType === "json" ? config : { ...config, isBlob: true, identity: `blob ${config.identity}` },
  // What one bucket, or one part of it, refuses is no concern of the others.
  partition: ({ bucket, key, batch, identity }) =>
    batch === undefined ? `${bucket} ${key.start}` : `${bucket} ${identity}`,
  destination: ({ bucket }) => bucket,
  gathers: 32,
  batches: (_, { batch }) =>
    batch === undefined
      ? { maxBatch: 1 }
      : { maxBatch: batch.maxEvents, maxBatchBytes: batch.maxBytes, lingerMs: batch.waitMs },
  timeoutMs: ({ timeoutMs, batch }) => timeoutMs + (batch?.waitMs ?? 0),
  journalTimeoutMs: ({ timeoutMs }) => timeoutMs,
  open: async (connection, context) => {
    const { S3Output } = await import("./output.ts"); // Not for those who do not use S3: it loads the signer.
    return new S3Output(connection, context);
  },
};
