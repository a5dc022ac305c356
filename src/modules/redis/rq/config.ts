/**
 * `module-config` of `redis_rq`: its schema, and its compiled form that jobs are made from.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { z } from "zod";
import { integerField } from "../../../schema/fields.ts";
import { idSuffixOf } from "../../id_suffix.ts";
import { dedupField } from "../mark.ts";
import { hashTagOf, nameField } from "../names.ts";
import { pickleJson } from "./json_pickle.ts";
import { PickleWriter } from "./pickle.ts";
import { refuseFunction } from "./function.ts";

const DEFAULT_QUEUE = "default";
const DEFAULT_KEY_PREFIX = "rq";
/** RQ keeps the ids that workers of a queue are taking under the queue's own name with this behind it. */
const RESERVED_QUEUE_ENDING = ":intermediate";
const MAX_KEY_PREFIX = 255;
const MAX_RETRIES = 1000;
const MAX_RETRY_INTERVALS = 100;
const MAX_META_CHARACTERS = 64 * 1024;
/** RQ's own. */
const DEFAULT_TIMEOUT_SECONDS = 180;
const MAX_SECONDS = 10 * 365 * 24 * 60 * 60;

/** A compiled `module-config`. */
export interface RedisRqConfig {
  readonly function: string;
  /** Names the node of a cluster that has the keys; empty where they lie on any. */
  readonly node: string;
  /** The key of the set that names all queues. */
  readonly queuesKey: string;
  /** Of the list that the ids of jobs wait in. */
  readonly queueKey: string;
  /** Begins the keys of jobs. */
  readonly jobPrefix: string;
  /** Begins the keys that remember what was enqueued. They expire by themselves. */
  readonly markPrefix: string;
  /** Serialized `meta` of every job; `undefined` where jobs have none. */
  readonly meta: Buffer | undefined;
  readonly serializer: "pickle" | "json";
  /** `json`: the function gets the parsed value of the body. `blob`: it gets the bytes. */
  readonly dataType: "json" | "blob";
  /** Ends the ids of jobs, which begin with the event's. */
  readonly idSuffix: string;
  /**
   * What is the same for all jobs, a line each: how long the job may wait in the queue, in seconds, or 0 for
   * ever; how long it is remembered that its event was enqueued, or 0 for as long as it is in Redis; and then
   * names and values of fields in turn.
   */
  readonly lines: string;
}

const fields = z.strictObject({
  function: z.string().trim().superRefine((name, context) => {
    const message = refuseFunction(name);
    if (message !== undefined) context.addIssue({ code: "custom", message });
  }).meta({
    description:
      "Python function that workers call as `function(payload, headers)`, as a path that they can " +
      "import: `shop.tasks.process_order`. Names that could run anything, such as `os.system`, are refused.",
  }),
  queue_name: nameField().refine((name) => !name.endsWith(RESERVED_QUEUE_ENDING), {
    error: `RQ keeps the jobs that workers are taking under names that end in ${RESERVED_QUEUE_ENDING}, ` +
      "and would drop these: choose another name",
  }).default(DEFAULT_QUEUE).meta({
    description: "RQ queue. Names that end in `:intermediate` are RQ's own.",
  }),
  key_prefix: z.string().max(MAX_KEY_PREFIX).regex(/^[A-Za-z0-9_.:{}-]+$/, {
    error: "Not a prefix that RQ takes: letters, digits and _ . : - { }",
  }).default(DEFAULT_KEY_PREFIX).meta({
    description:
      "Begins the keys of RQ in Redis: what the workers have as `RQ_KEY_PREFIX`, which RQ knows from 3.0 " +
      "on. In braces, as `{rq}`, all keys are on one node of a Redis cluster.",
  }),
  serializer: z.enum(["pickle", "json"]).default("pickle").meta({
    description: "How jobs are written. `json` needs `rq worker --serializer rq.serializers.JSONSerializer`.",
  }),
  timeout: integerField(-1, MAX_SECONDS).refine((seconds) => seconds !== 0, {
    error: "A job needs time: give at least 1 second, or -1 for no limit",
  }).default(DEFAULT_TIMEOUT_SECONDS).meta({
    description: "Seconds that a job may run; -1 for no limit.",
  }),
  result_ttl: integerField(-1, MAX_SECONDS).optional().meta({
    description:
      "Seconds that a job and its result are kept after it succeeded; 0 for not at all, -1 for ever. " +
      "Default: the worker's, 500 unless changed.",
  }),
  failure_ttl: integerField(-1, MAX_SECONDS).optional().meta({
    description: "Seconds that a job is kept after it failed; -1 for ever. Default: RQ's, one year.",
  }),
  ttl: integerField(1, MAX_SECONDS).optional().meta({
    description: "Seconds after which a job that no worker has begun is dropped. Default: never.",
  }),
  retries: integerField(0, MAX_RETRIES).default(0).meta({
    description: "How often workers run a job again that failed.",
  }),
  retry_intervals: z.union([
    integerField(0, MAX_SECONDS).transform((seconds) => [seconds]),
    z.array(integerField(0, MAX_SECONDS)).min(1).max(MAX_RETRY_INTERVALS),
  ], { error: "Not a number of seconds or a list of them" }).optional().meta({
    description:
      "Seconds before each of the `retries`, as a number or a list, of which the last counts for all " +
      "further ones; needs a worker with `--with-scheduler`. Default: at once.",
  }),
  meta: z.record(z.string(), z.json()).optional().meta({
    description: "Object that every job has as `job.meta`.",
  }),
  dedup_ttl: dedupField(
    "Seconds for which an event is not enqueued again, should it be tried again after a lost answer, " +
      "even when its job has been run and removed. Takes about 180 bytes of Redis' memory an event. Jobs that are " +
      "still in Redis are never enqueued twice.",
  ),
});

type Fields = z.output<typeof fields>;

/** Strict schema that ends in the compiled form. */
export const redisRqConfigSchema: z.ZodType<RedisRqConfig> = fields.transform((input, issues) => {
  if (input.retry_intervals !== undefined && input.retries === 0) {
    const message = "Intervals are of no use without retries: set retries";
    issues.addIssue({ code: "custom", path: ["retry_intervals"], message });
  }
  const { key_prefix: prefix } = input;
  return {
    function: input.function,
    node: hashTagOf(prefix),
    queuesKey: `${prefix}:queues`,
    queueKey: `${prefix}:queue:${input.queue_name}`,
    jobPrefix: `${prefix}:job:`,
    // Under the prefix, if it is a user's own, so that braces keep the mark in the slot of the other keys.
    markPrefix: prefix === DEFAULT_KEY_PREFIX ? "cwm:rq:" : `${prefix}:cwm:`,
    meta: metaOf(input, issues),
    serializer: input.serializer,
    dataType: "json",
    idSuffix: idSuffixOf([input.queue_name, input.function, ...ownOptions(input)]),
    lines: linesOf(input),
  };
});

/** By what a job differs from others of its function and queue: nothing where all is left to the defaults. */
function ownOptions(input: Fields): readonly unknown[] {
  const { dedup_ttl: _, ...defaults } = fields.parse({
    function: input.function,
    queue_name: input.queue_name,
  });
  const usual = new Map(Object.entries(defaults).map(([key, value]) => [key, JSON.stringify(value)]));
  const { dedup_ttl: _ttl, key_prefix: _prefix, ...options } = input;
  return Object.entries(options).filter(([key, value]) => usual.get(key) !== JSON.stringify(value));
}

function linesOf(input: Fields): string {
  const optional = (name: string, value: number | undefined) =>
    value === undefined ? [] : [name, String(value)];
  return [
    ...[String(input.ttl ?? 0), String(input.dedup_ttl)],
    ...["status", "queued"],
    ...["origin", input.queue_name],
    ...["timeout", String(input.timeout)],
    ...optional("result_ttl", input.result_ttl),
    ...optional("failure_ttl", input.failure_ttl),
    ...optional("ttl", input.ttl),
    ...(input.retries === 0 ? [] : ["retries_left", String(input.retries)]),
    ...(input.retry_intervals === undefined
      ? []
      : ["retry_intervals", JSON.stringify(intervalsOf(input.retry_intervals, input.retries))]),
  ].join("\n");
}

/** Workers count from the end of a list how many retries are left, so it has one for each; one alone counts for all. */
function intervalsOf(intervals: readonly number[], retries: number): readonly number[] {
  if (intervals.length === 1) return intervals;
  return Array.from({ length: retries }, (_, index) => intervals[Math.min(index, intervals.length - 1)]!);
}

function metaOf({ meta, serializer }: Fields, issues: z.RefinementCtx): Buffer | undefined {
  if (meta === undefined) return undefined;
  const json = JSON.stringify(meta);
  if (json.length > MAX_META_CHARACTERS) {
    const message = `Longer than ${MAX_META_CHARACTERS} characters as JSON, and every job would hold it`;
    issues.addIssue({ code: "custom", path: ["meta"], message });
    return undefined;
  }
  if (serializer === "json") return Buffer.from(json);
  const writer = new PickleWriter();
  pickleJson(json, writer);
  return Buffer.from(writer.finish());
}
