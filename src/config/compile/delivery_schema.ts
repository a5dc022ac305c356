/**
 * What a webhook may say about the delivery of its events.
 *
 * @module
 */

import { z } from "zod";
import { stepPayloadSchema } from "../../filters/payload/schema.ts";
import { JsonPointer } from "../../json/pointer.ts";
import { headerNameField } from "../../schema/header_names.ts";
import { booleanField, integerField, numberField, reportAt } from "../../schema/fields.ts";
import { isConnectionName } from "../../event/names.ts";

/** Steps of a chain, as in the Python original. */
export const MAX_CHAIN = 20;

/** Most attempts of one step at one event. */
const MAX_ATTEMPTS = 1000;

/** The longest pause between two attempts, in seconds: a week. */
const MAX_PAUSE_SECONDS = 604_800;

/** What `retry` says of the formula for pauses, which a `schedule` stands in the place of. */
const FORMULA_KEYS = ["max_attempts", "initial_delay", "max_delay", "backoff_multiplier"] as const;

/** `retry`, of a webhook or of a step of its chain. Times are in seconds, as in the Python original. */
export const retrySchema = z.strictObject({
  enabled: booleanField().default(true).meta({ description: "`false`: one attempt, and no more." }),
  max_attempts: integerField(1, MAX_ATTEMPTS).optional().meta({
    description:
      "Attempts in all. While the sender waits, `DELIVERY_BUDGET_MS` ends them earlier. Default: 20.",
  }),
  initial_delay: numberField(0, 86_400).optional().meta({
    description: "Longest first pause in seconds. Each pause is a random part of its bound. Default: 1.",
  }),
  max_delay: numberField(0, MAX_PAUSE_SECONDS).optional().meta({
    description: "Longest pause in seconds, also of those that `Retry-After` asks for. Default: 3600.",
  }),
  backoff_multiplier: numberField(1, 100).optional().meta({
    description: "What the bound of the pause grows by each time. Default: 2.",
  }),
  schedule: z.array(numberField(0, MAX_PAUSE_SECONDS)).min(1).max(MAX_ATTEMPTS - 1).optional().meta({
    description:
      "Instead of the four keys above: the pauses themselves in seconds, such as `[5, 300, 1800]`. There is one " +
      "attempt more than there are pauses. One is longer if `Retry-After` asks for it, and never shorter.",
  }),
}).superRefine((config, issues) => {
  if (config.schedule === undefined) return;
  for (const key of FORMULA_KEYS) {
    if (config[key] !== undefined) {
      reportAt(issues, key, "Has no meaning beside 'schedule': leave out one of them");
    }
  }
});

/** Bounds of rates, in deliveries a second: one in a little more than a quarter of an hour is the slowest. */
const MIN_RATE = 0.001;
const MAX_RATE = 1_000_000;

/** `limits` of a webhook. */
export const limitsSchema = z.strictObject({
  concurrency: integerField(1, 100_000).optional().meta({
    description: "Deliveries of this webhook under way at once. Default: the output's own bound.",
  }),
  rate: numberField(MIN_RATE, MAX_RATE).optional().meta({
    description:
      "Deliveries of this webhook that begin in a second, such as `5` or `0.5`: more wait. Default: any number.",
  }),
  target_rate: numberField(MIN_RATE, MAX_RATE).optional().meta({
    description:
      "Deliveries that begin in a second at the webhook's target, those of all webhooks with that target together. Of several that webhooks say, the lowest counts. Default: any number.",
  }),
  queue: integerField(0, 1_000_000_000).optional().meta({
    description:
      "Events that may wait: in the journal, or with `delivered` for one of the `concurrency` places or for their turn by `rate`. More get 503 `overloaded`. Default: no bound of its own.",
  }),
});

/** `switch_off` of a webhook. */
export const switchOffSchema = z.strictObject({
  enabled: booleanField().default(true).meta({ description: "`false`: it is never switched off." }),
  after: numberField(1, 31_536_000).optional().meta({
    description:
      "Seconds for which nothing was delivered and attempts failed, three at least. Default: `SWITCH_OFF_AFTER_MS`.",
  }),
  failures: integerField(1, 1_000_000).optional().meta({
    description: "Attempts that failed in a row, whatever the time. Default: any number.",
  }),
  try_every: numberField(0.1, 86_400).optional().meta({
    description: "Longest time between two tries while it is off, in seconds. Default: `60`.",
  }),
});

const eventIdHeader = headerNameField("Not a valid header name");

const eventIdPointer = z.string().transform((text, issues) => {
  const pointer = JsonPointer.parse(text);
  if (pointer !== undefined) return pointer;
  issues.addIssue({ code: "custom", message: "Not a JSON Pointer, such as /id" });
  return z.NEVER;
});

/** Where one part of an event's id stands. */
const eventIdPartSchema = z.strictObject({
  header: eventIdHeader.optional(),
  json_pointer: eventIdPointer.optional(),
}).refine((value) => (value.header === undefined) !== (value.json_pointer === undefined), {
  error: "Expected either 'header' or 'json_pointer'",
});

/** Most parts that an event's id can have. */
const MAX_EVENT_ID_PARTS = 16;

/** `idempotency` of a webhook. */
export const idempotencySchema = z.strictObject({
  header: eventIdHeader.optional().meta({
    description: "The request header that tells events apart, for example `X-GitHub-Delivery`.",
  }),
  json_pointer: eventIdPointer.optional().meta({
    description:
      "Instead of a header: where in the JSON body the event's id stands, for example `/id` (RFC 6901).",
    // It points to the whole body.
    emptyIsValue: true,
  }),
  of: z.array(eventIdPartSchema).min(1).max(MAX_EVENT_ID_PARTS).optional().meta({
    description: "Instead of both: what the event's id is made of, all parts together, for example " +
      '`[{"header": "X-Shop"}, {"json_pointer": "/id"}]`.',
  }),
  ttl: numberField(1, 31_536_000).default(86_400).meta({
    description: "How long an event is remembered, in seconds.",
  }),
}).refine(
  ({ header, json_pointer: pointer, of }) =>
    [header, pointer, of].filter((source) => source !== undefined).length === 1,
  { error: "Expected one of 'header', 'json_pointer' and 'of'" },
);

/** `chain-config` of a webhook. */
export const chainConfigSchema = z.strictObject({
  execution: z.enum(["sequential", "parallel"]).default("sequential").meta({
    description: "`sequential`: one output after the other. `parallel`: all at once.",
  }),
  continue_on_error: booleanField().default(true).meta({
    description: "Whether the outputs after one that failed for good get the event.",
  }),
  route: z.enum(["all", "first"]).default("all").meta({
    description:
      "`all`: an event goes to every output whose `when` is met. `first`: to the first one of them alone.",
  }),
  timeout: numberField(0.1, 86_400).default(30).meta({
    description:
      "Seconds after which no further output is begun. With `durable` the rest follows as a retry, with `delivered` the answer is 504.",
  }),
});

/** A step of a `chain`. */
export const chainItemSchema = z.strictObject({
  module: z.string().min(1).meta({ description: "The output module." }),
  name: z.string().min(1).max(100).optional().meta({
    description: "What `response` calls the step. Default: its module, where no other step has the same.",
  }),
  connection: z.string().refine(isConnectionName, { error: "Not a valid connection name" }).optional().meta({
    description: "Name of the connection. Default: the webhook's `connection`, if its type fits.",
  }),
  redis: z.record(z.string(), z.unknown()).optional().meta({
    description: "As for a webhook. Default: the webhook's, where the step names no connection.",
  }),
  "module-config": z.record(z.string(), z.unknown()).default({}).meta({
    description: "Settings of the module, over those of the webhook's `module-config`.",
  }),
  retry: retrySchema.optional().meta({ description: "As for a webhook, for this step alone." }),
  when: z.string().optional().meta({
    description:
      "The condition of events that the output gets, see [filters](../filters/README.md). Default: all.",
    emptyIsValue: true,
  }),
  otherwise: booleanField().optional().meta({
    description: "`true`: the output gets what no other step takes.",
  }),
  payload: stepPayloadSchema.optional().meta({
    description: "What the output gets of an event, after the webhook's `payload`.",
  }),
});

export type RetryConfig = z.infer<typeof retrySchema>;
export type SwitchOffConfig = z.infer<typeof switchOffSchema>;
export type ChainItemConfig = z.infer<typeof chainItemSchema>;
export type IdempotencyConfig = z.infer<typeof idempotencySchema>;
export type EventIdPartConfig = z.infer<typeof eventIdPartSchema>;
