/**
 * `module-config` of `redis_rq`: its schema, and its compiled form that jobs are made from.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { z } from "zod";
import { integerField } from "../schema_fields.ts";
import { refuseFunction } from "./redis_rq_function.ts";

const DEFAULT_QUEUE = "default";
const LONGEST_QUEUE_NAME = 255;
/** RQ's own. */
const DEFAULT_TIMEOUT_SECONDS = 180;
/** After an outage the next attempt may come as late as the outage took: this covers half an hour of it. */
const DEFAULT_DEDUP_SECONDS = 3600;
const LONGEST_SECONDS = 10 * 365 * 24 * 60 * 60;
const LONGEST_DEDUP_SECONDS = 30 * 24 * 60 * 60;

/** How much of the hash stands in a job's id. */
const HASH_CHARACTERS = 8;

/** A compiled `module-config`. */
export interface RedisRqConfig {
  readonly function: string;
  /** Of the list that the ids of jobs wait in. */
  readonly queueKey: string;
  readonly serializer: "pickle" | "json";
  /** `json`: the function gets the parsed value of the body. `blob`: it gets the bytes. */
  readonly dataType: "json" | "blob";
  /**
   * Ends the ids of jobs, which begin with the event's. Steps of a chain make several jobs of one event, and
   * none must be taken for a repetition of another.
   */
  readonly idSuffix: string;
  /**
   * What is the same for all jobs, a line each: how long the job may wait in the queue, in seconds, or 0 for
   * ever; how long it is remembered that its event was enqueued, or 0 for as long as it is in Redis; and then
   * names and values of fields in turn.
   */
  readonly lines: string;
}

const nameField = z.string().min(1).max(LONGEST_QUEUE_NAME).refine((name) => !/\p{Cc}/u.test(name), {
  error: "A name cannot contain control characters",
});

const fields = z.strictObject({
  function: z.string().trim().superRefine((name, context) => {
    const message = refuseFunction(name);
    if (message !== undefined) context.addIssue({ code: "custom", message });
  }).meta({
    description:
      "Python function that workers call as `function(payload, headers)`, as a path that they can " +
      "import: `shop.tasks.process_order`. Names that could run anything, such as `os.system`, are refused.",
  }),
  queue_name: nameField.default(DEFAULT_QUEUE).meta({ description: "RQ queue." }),
  serializer: z.enum(["pickle", "json"]).default("pickle").meta({
    description: "How jobs are written. `json` needs `rq worker --serializer rq.serializers.JSONSerializer`.",
  }),
  timeout: integerField(-1, LONGEST_SECONDS).refine((seconds) => seconds !== 0, {
    error: "A job needs time: give at least 1 second, or -1 for no limit",
  }).default(DEFAULT_TIMEOUT_SECONDS).meta({
    description: "Seconds that a job may run; -1 for no limit.",
  }),
  result_ttl: integerField(-1, LONGEST_SECONDS).optional().meta({
    description:
      "Seconds that a job and its result are kept after it succeeded; 0 for not at all, -1 for ever. " +
      "Default: the worker's, 500 unless changed.",
  }),
  failure_ttl: integerField(-1, LONGEST_SECONDS).optional().meta({
    description: "Seconds that a job is kept after it failed; -1 for ever. Default: RQ's, one year.",
  }),
  ttl: integerField(1, LONGEST_SECONDS).optional().meta({
    description: "Seconds after which a job that no worker has begun is dropped. Default: never.",
  }),
  dedup_ttl: integerField(0, LONGEST_DEDUP_SECONDS).default(DEFAULT_DEDUP_SECONDS).meta({
    description:
      "Seconds for which an event is not enqueued again, should it be tried again after a lost answer, " +
      "even when its job has been run and removed. Takes about 180 bytes of Redis' memory an event. Jobs that are " +
      "still in Redis are never enqueued twice.",
  }),
});

/** Strict schema that ends in the compiled form. */
export const redisRqConfigSchema: z.ZodType<RedisRqConfig> = fields.transform((input) => ({
  function: input.function,
  queueKey: `rq:queue:${input.queue_name}`,
  serializer: input.serializer,
  dataType: "json",
  idSuffix: idSuffixOf(input.queue_name, input.function),
  lines: [
    ...[String(input.ttl ?? 0), String(input.dedup_ttl)],
    ...["status", "queued"],
    ...["origin", input.queue_name],
    ...["timeout", String(input.timeout)],
    ...(input.result_ttl === undefined ? [] : ["result_ttl", String(input.result_ttl)]),
    ...(input.failure_ttl === undefined ? [] : ["failure_ttl", String(input.failure_ttl)]),
    ...(input.ttl === undefined ? [] : ["ttl", String(input.ttl)]),
  ].join("\n"),
}));

function idSuffixOf(queueName: string, functionName: string): string {
  const hash = createHash("sha256").update(JSON.stringify([queueName, functionName])).digest("hex");
  return `-${hash.slice(0, HASH_CHARACTERS)}`;
}
