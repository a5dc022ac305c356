/**
 * `redis_rq`: makes each event a job of RQ (Redis Queue), which a Python worker runs as
 * `function(payload, headers)`.
 *
 * @module
 */

import { permittedFunctions } from "../../../settings/output_bounds.ts";
import { suffixInForm } from "../../id_suffix.ts";
import type { DocumentedModule } from "../../module.ts";
import { type RedisConnection, redisConnectionSchema, redisDestinations } from "../connection.ts";
import { touchCommand } from "../mark.ts";
import { REDIS_BATCHES, type RedisDialect, RedisOutput } from "../output.ts";
import { type RedisRqConfig, redisRqConfigSchema } from "./config.ts";
import { ENQUEUE, ENQUEUE_SCRIPT, enqueueCommand, PROBE, PROBE_SCRIPT, probeCommand } from "./job.ts";

/** The queue as workers know it; with another prefix than theirs, its whole key. */
function queueNameOf({ queueKey }: RedisRqConfig): string {
  return queueKey.startsWith(USUAL_KEY) ? queueKey.slice(USUAL_KEY.length) : queueKey;
}

const USUAL_KEY = "rq:queue:";

/** Enqueues jobs. */
export const redisRqModule: DocumentedModule<RedisRqConfig, RedisConnection> = {
  name: "redis_rq",
  summary: "a job of RQ, for Python workers",
  documentation: () => import("./documentation.ts"),
  connectionTypes: ["redis-rq"],
  namedConnectionTypes: ["redis"],
  configSchema: redisRqConfigSchema,
  connectionSchema: redisConnectionSchema,
  destinations: (config) => [
    { kind: "functions", name: config.function, key: "function" },
    { kind: "queues", name: queueNameOf(config), key: "queue_name" },
  ],
  connectionDestinations: redisDestinations,
  acceptance: "durable",
  reads: "text",
  ...REDIS_BATCHES,
  partition: ({ node }) => node,
  forWebhook: (config, { dataType, form }) => ({
    ...config,
    dataType,
    idSuffix: suffixInForm(config.idSuffix, form),
  }),
  open: async (connection, context) => {
    // Loaded when it is needed: ioredis takes 8 MiB and 35 ms.
    const { RedisClient } = await import("../client.ts");
    const scripts = { [ENQUEUE]: ENQUEUE_SCRIPT, [PROBE]: PROBE_SCRIPT };
    const client = new RedisClient(connection, context, scripts);
    const dialect: RedisDialect<RedisRqConfig> = {
      probe: (last) => touchCommand(last?.markPrefix ?? "cwm:rq:"),
      probeFor: probeCommand,
      usesScripts: true,
      command: enqueueCommand,
    };
    return new RedisOutput(client, dialect);
  },
};

/** The same module for an operator who lets jobs call certain functions only. */
export function redisRqWithin(patterns: readonly string[]): DocumentedModule {
  const permitted = permittedFunctions(patterns);
  const configSchema = redisRqConfigSchema.superRefine((config, issues) => {
    if (permitted(config.function) !== undefined) return;
    const message = "The function is not among those that the operator permits with RQ_FUNCTIONS";
    issues.addIssue({ code: "custom", path: ["function"], message });
  });
  return { ...redisRqModule, configSchema } as DocumentedModule;
}
