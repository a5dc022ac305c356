/**
 * Modules of services that take records in batches: what they have in common.
 *
 * @module
 */

import type { DocumentedModule } from "../../module.ts";
import { type AwsConnection, awsConnectionSchema, awsDestinations } from "../connection.ts";
import type { RecordConfig, RecordService } from "./service.ts";

/** What a module says of itself. */
type Description<Config> = Pick<
  DocumentedModule<Config, AwsConnection>,
  "summary" | "documentation" | "configSchema" | "forWebhook" | "destinations"
>;

/** The module of a service. @param name as a webhook and a connection name it */
export function recordModule<Config extends RecordConfig>(
  name: string,
  description: Description<Config>,
  kind: RecordService<Config>,
): DocumentedModule<Config, AwsConnection> {
  return {
    name,
    ...description,
    connectionTypes: [name],
    connectionSchema: awsConnectionSchema,
    connectionDestinations: (connection) => awsDestinations(connection, kind.service.id),
    acceptance: "durable",
    reads: "bytes",
    maxBatch: kind.maxBatch,
    maxBatchBytes: kind.maxBatchBytes,
    // What is under way when the service falls silent may be there twice afterwards.
    concurrency: 16,
    gathers: 4,
    // What one place asks for is no concern of the others.
    partition: ({ place }) => place,
    destination: ({ place }) => place,
    timeoutMs: ({ timeoutMs }) => timeoutMs,
    open: async (connection, context) => {
      // Loaded when it is needed, since it loads the signer.
      const { RecordOutput } = await import("./output.ts");
      return new RecordOutput(kind, connection, context);
    },
  };
}
