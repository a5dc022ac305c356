/**
 * `module-config` of `task_queue`: its schema, and its compiled form that tasks are made from.
 *
 * @module
 */

import { z } from "zod";
import { integerField, reportAt } from "../../../schema/fields.ts";
import { idSuffixOf } from "../../id_suffix.ts";
import { dedupField } from "../mark.ts";
import { hashTagOf, nameField } from "../names.ts";

const MAX_FUNCTION = 255;
const MAX_KEY_PREFIX = 255;
const MAX_RETRIES = 1000;
const MAX_SECONDS = 10 * 365 * 24 * 60 * 60;

/** Names of keys of arq, which its workers cannot change. */
const ARQ_JOB_PREFIX = "arq:job:";

const PROTOCOLS = ["celery", "dramatiq", "arq", "taskiq"] as const;

/** Whose workers run the tasks. */
export type Protocol = typeof PROTOCOLS[number];

/** What the messages of a protocol can say. */
interface Abilities {
  /** How messages to operators call it. */
  readonly name: string;
  readonly queue: string;
  readonly prefix: string;
  /** The keys that not every protocol has. */
  readonly has: readonly OwnKey[];
}

type OwnKey = "key_prefix" | "serializer" | "queue_type" | "timeout" | "ttl" | "retries";

const ABILITIES: Readonly<Record<Protocol, Abilities>> = {
  celery: { name: "Celery", queue: "celery", prefix: "", has: ["key_prefix", "timeout", "ttl"] },
  dramatiq: {
    name: "Dramatiq",
    queue: "default",
    prefix: "dramatiq",
    has: ["key_prefix", "timeout", "ttl", "retries"],
  },
  arq: { name: "arq", queue: "arq:queue", prefix: "", has: ["serializer", "ttl"] },
  taskiq: { name: "TaskIQ", queue: "taskiq", prefix: "", has: ["queue_type", "timeout", "retries"] },
};

/** A compiled `module-config`. */
export interface TaskQueueConfig {
  readonly protocol: Protocol;
  readonly function: string;
  /** The queue's name as JSON. */
  readonly queueJson: string;
  /** What Dramatiq's messages have as `options` besides the id, or TaskIQ's as `labels`: members of a JSON object. */
  readonly options: string;
  /** Key of the list, the stream or the sorted set that workers take tasks from. */
  readonly queueKey: string;
  /** Key of the hash of Dramatiq's messages, or what begins the keys of arq's jobs; empty for the others. */
  readonly tasksKey: string;
  /** Begins the keys of marks. */
  readonly markPrefix: string;
  /** Seconds that marks are kept, as text; `0` for not at all. */
  readonly dedupTtl: string;
  readonly queueType: "list" | "stream";
  readonly serializer: "pickle" | "json";
  /** Seconds that a task may run; `undefined` for what the workers say. */
  readonly timeout: number | undefined;
  /** Seconds that a task may wait; `undefined` for ever. */
  readonly ttl: number | undefined;
  /** `json`: the function gets the parsed value of the body. `blob`: it gets the bytes, or their Base64. */
  readonly dataType: "json" | "blob";
  /** Ends the ids of tasks, which begin with the event's. */
  readonly idSuffix: string;
  /** Names the node of a cluster that has the keys; empty where they lie on any. */
  readonly node: string;
}

const fields = z.strictObject({
  protocol: z.enum(PROTOCOLS).meta({
    description: "Whose workers run the tasks: those of `celery`, `dramatiq`, `arq` or `taskiq`.",
  }),
  function: z.string().max(MAX_FUNCTION).regex(/^[A-Za-z_][A-Za-z0-9_.:-]*$/, {
    error: "Not a name that workers know a function by, such as shop.tasks.process_order",
  }).refine((name) => !name.startsWith("celery."), {
    error: "Functions of this name are Celery's own: name one of yours",
  }).meta({
    description: "Name that workers know the function by, which they call as `function(payload, headers)`: " +
      "`shop.tasks.process_order` with Celery, `process_order` with Dramatiq and arq, `shop.tasks:process_order` with " +
      "TaskIQ, unless the workers give it another.",
  }),
  queue_name: nameField().optional().meta({
    description: "Queue. Default: that of the workers, `celery`, `default`, `arq:queue` or `taskiq`.",
  }),
  key_prefix: z.string().min(1).max(MAX_KEY_PREFIX).regex(/^[A-Za-z0-9_.:{}-]+$/, {
    error: "Not a prefix: letters, digits and _ . : - { }",
  }).optional().meta({
    description:
      "Begins the keys of the queue: the `global_keyprefix` of Celery's transport (default: none), or the `namespace` " +
      "of Dramatiq's broker (default: `dramatiq`).",
  }),
  serializer: z.enum(["pickle", "json"]).optional().meta({
    description:
      "How arq's jobs are written. `json` needs workers with `job_deserializer = json.loads`. Default: `pickle`. All " +
      "others are JSON.",
  }),
  queue_type: z.enum(["list", "stream"]).optional().meta({
    description:
      "What TaskIQ's workers read: `list` for `ListQueueBroker`, which is the default, `stream` for " +
      "`RedisStreamBroker`.",
  }),
  timeout: integerField(1, MAX_SECONDS).optional().meta({
    description: "Seconds that a task may run (Celery, Dramatiq, TaskIQ). Default: what the workers say.",
  }),
  ttl: integerField(1, MAX_SECONDS).optional().meta({
    description: "Seconds after which a task that no worker has begun is dropped (Celery, Dramatiq, arq). " +
      "Default: never.",
  }),
  retries: integerField(0, MAX_RETRIES).optional().meta({
    description:
      "How often workers run a task again that failed (Dramatiq, and TaskIQ with `SimpleRetryMiddleware`). Default: " +
      "what the workers say.",
  }),
  dedup_ttl: dedupField(
    "Seconds for which an event is not enqueued again, should it be tried again after a lost answer, even when its " +
      "task has been run. Takes about 180 bytes of Redis' memory an event.",
  ),
});

type Fields = z.output<typeof fields>;

/** Strict schema that ends in the compiled form. */
export const taskQueueConfigSchema: z.ZodType<TaskQueueConfig> = fields.transform((input, issues) => {
  const { protocol } = input;
  const { queue, prefix: usualPrefix } = ABILITIES[protocol];
  reportUnknown(input, issues);
  const queueName = input.queue_name ?? queue;
  if (protocol === "dramatiq") reportQueueOfDramatiq(queueName, issues);
  const prefix = input.key_prefix ?? usualPrefix;
  const queueKey = protocol === "dramatiq" ? `${prefix}:${queueName}` : prefix + queueName;
  const node = hashTagOf(queueKey);
  return {
    protocol,
    function: input.function,
    queueJson: JSON.stringify(queueName),
    options: JSON.stringify(protocol === "dramatiq" ? optionsOf(input) : labelsOf(input)).slice(1, -1),
    queueKey,
    tasksKey: protocol === "dramatiq" ? `${queueKey}.msgs` : protocol === "arq" ? ARQ_JOB_PREFIX : "",
    // In the slot of the other keys, where braces say which one that is.
    markPrefix: node === "" ? "cwm:task:" : `cwm:task:{${node}}:`,
    dedupTtl: String(input.dedup_ttl),
    queueType: input.queue_type ?? "list",
    serializer: input.serializer ?? (protocol === "arq" ? "pickle" : "json"),
    timeout: input.timeout,
    ttl: input.ttl,
    dataType: "json",
    idSuffix: idSuffixOf([protocol, queueKey, input.function, ...ownOptions(input)]),
    node,
  };
});

function optionsOf({ timeout, ttl, retries }: Fields): object {
  return {
    time_limit: timeout === undefined ? undefined : timeout * 1000,
    max_age: ttl === undefined ? undefined : ttl * 1000,
    max_retries: retries,
  };
}

/** TaskIQ counts all runs, not the repetitions alone. */
function labelsOf({ timeout, retries }: Fields): object {
  const repeats = retries === undefined ? {} : { retry_on_error: retries > 0, max_retries: retries + 1 };
  return { timeout, ...repeats };
}

/** By what a task differs from others of its function and queue: nothing where all is left to the workers. */
function ownOptions({ serializer, timeout, ttl, retries }: Fields): readonly unknown[] {
  return Object.entries({ serializer, timeout, ttl, retries }).filter(([, value]) => value !== undefined);
}

/** Reports keys that the messages of the protocol have no place for. */
function reportUnknown(input: Fields, issues: z.RefinementCtx): void {
  const { name, has } = ABILITIES[input.protocol];
  for (const key of ["key_prefix", "serializer", "queue_type", "timeout", "ttl", "retries"] as const) {
    if (input[key] === undefined || has.includes(key) || input[key] === "json") continue;
    reportAt(
      issues,
      key,
      `Messages of ${name} do not say this: leave it out, and set up its workers instead`,
    );
  }
}

function reportQueueOfDramatiq(name: string, issues: z.RefinementCtx): void {
  if (!/^[A-Za-z_][A-Za-z0-9._-]*$/.test(name)) {
    reportAt(
      issues,
      "queue_name",
      "Not a name that Dramatiq takes: letters, digits and . _ -, no digit first",
    );
  } else if (/\.(?:DQ|XQ|msgs)$/.test(name)) {
    reportAt(
      issues,
      "queue_name",
      "Names that end in .DQ, .XQ and .msgs are Dramatiq's own: choose another name",
    );
  }
}
