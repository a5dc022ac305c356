/**
 * `aws_sqs`: sends each event as a message to a queue of Amazon SQS, or of a server that speaks like it. It counts as
 * delivered when SQS has said that it has stored the message, with the digest of its body.
 *
 * @module
 */

import { queueDestinations } from "./queue_address.ts";
import type { DocumentedModule } from "../../module.ts";
import { type AwsConnection, awsConnectionSchema, awsDestinations } from "../connection.ts";
import { MAX_BATCH, MAX_BYTES } from "./batches.ts";
import { inForm, type SqsConfig, sqsConfigSchema } from "./config.ts";

/** Sends events to SQS. */
export const awsSqsModule: DocumentedModule<SqsConfig, AwsConnection> = {
  name: "aws_sqs",
  summary: "a queue of Amazon SQS",
  documentation: () => import("./documentation.ts"),
  connectionTypes: ["aws_sqs"],
  configSchema: sqsConfigSchema,
  connectionSchema: awsConnectionSchema,
  forWebhook: (config, { form }) => inForm(config, form),
  destinations: ({ queue }) => queueDestinations(queue),
  connectionDestinations: (connection) => awsDestinations(connection, "sqs"),
  acceptance: "durable",
  reads: "bytes",
  maxBatch: MAX_BATCH,
  maxBatchBytes: MAX_BYTES,
  // What is under way when SQS falls silent may be there twice afterwards.
  concurrency: 16,
  gathers: 8,
  batchKey: ({ target }) => target,
  ordered: ({ queue }) => queue.isFifo,
  timeoutMs: ({ timeoutMs }) => timeoutMs,
  open: async (connection, context) => {
    // Loaded when it is needed, since it loads the signer.
    const { SqsOutput } = await import("./output.ts");
    return new SqsOutput(connection, context);
  },
};
