/**
 * `task_queue`: makes each event a task of Celery, Dramatiq, arq or TaskIQ, which a Python worker runs as
 * `function(payload, headers)`.
 *
 * @module
 */

import { permittedFunctions } from "../../../settings/output_bounds.ts";
import { suffixInForm } from "../../id_suffix.ts";
import type { DocumentedModule } from "../../module.ts";
import { type RedisConnection, redisConnectionSchema, redisDestinations } from "../connection.ts";
import { touchCommand } from "../mark.ts";
import { REDIS_BATCHES, RedisOutput } from "../output.ts";
import { enqueueCommand, probeCommand, TASK_SCRIPTS } from "./commands.ts";
import { type TaskQueueConfig, taskQueueConfigSchema } from "./config.ts";

/** The queue as workers know it; with another prefix than theirs, its whole key. */
function queueNameOf({ protocol, queueKey }: TaskQueueConfig): string {
  const usual = protocol === "dramatiq" ? "dramatiq:" : "";
  return queueKey.startsWith(usual) ? queueKey.slice(usual.length) : queueKey;
}

/** Enqueues tasks. */
export const taskQueueModule: DocumentedModule<TaskQueueConfig, RedisConnection> = {
  name: "task_queue",
  summary: "a task of Celery, Dramatiq, arq or TaskIQ, for Python workers",
  documentation: () => import("./documentation.ts"),
  connectionTypes: ["redis-rq"],
  namedConnectionTypes: ["redis"],
  configSchema: taskQueueConfigSchema,
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
    return new RedisOutput(new RedisClient(connection, context, TASK_SCRIPTS), {
      probe: (last) => touchCommand(last?.markPrefix ?? "cwm:task:"),
      probeFor: probeCommand,
      usesScripts: true,
      command: enqueueCommand,
    });
  },
};

/** The same module for an operator who lets tasks call certain functions only. */
export function taskQueueWithin(patterns: readonly string[]): DocumentedModule {
  const permitted = permittedFunctions(patterns);
  const configSchema = taskQueueConfigSchema.superRefine((config, issues) => {
    if (permitted(config.function) !== undefined) return;
    const message = "The function is not among those that the operator permits with TASK_FUNCTIONS";
    issues.addIssue({ code: "custom", path: ["function"], message });
  });
  return { ...taskQueueModule, configSchema } as DocumentedModule;
}
