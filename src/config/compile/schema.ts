/**
 * What a webhook and a connection may say. Every key is known: a misspelt one is a problem of the entry,
 * never ignored, since most keys guard something.
 *
 * @module
 */

import { z } from "zod";
import { challengeSchema } from "../../auth/challenges/webhook_challenge.ts";
import { verifierKinds } from "../../auth/registry.ts";
import { filterSchema } from "../../filters/filter.ts";
import { payloadSchema } from "../../filters/payload/schema.ts";
import { hostField } from "../../schema/connection_fields.ts";
import { booleanField, integerField } from "../../schema/fields.ts";
import {
  chainConfigSchema,
  chainItemSchema,
  idempotencySchema,
  limitsSchema,
  MAX_CHAIN,
  retrySchema,
  switchOffSchema,
} from "./delivery_schema.ts";
import { isConnectionName } from "../../event/names.ts";
import { notifySchema } from "../../notices/settings.ts";
import { ruleFields } from "../../rules/rules.ts";
import { FROM_OUTPUT, responseSchema, spelledOut } from "./response_schema.ts";

/** Methods that a webhook may accept. Others have no body, or a meaning of their own. */
export const METHODS = ["POST", "PUT", "PATCH"] as const;

/** Largest `max_body_bytes`: a body is held in memory while it is verified and handed on. */
const MAX_ALLOWED_BODY_BYTES = 256 * 1024 * 1024;

const webhookFields = {
  data_type: z.enum(["json", "blob", "form"]).optional().meta({
    description:
      "`json`: the body must be a JSON document, whatever its Content-Type says. `blob`: any bytes. `form`: `application/x-www-form-urlencoded`, which becomes a JSON document, see below. Default: `json`; with a `signature` whose provider sends forms as well, as the Content-Type says.",
  }),
  form_field: z.string().min(1).max(200).optional().meta({
    description:
      "With `form`: the name of the field that holds the event as JSON, for example `payload`. Default: all fields as an object.",
  }),
  empty_body: z.enum(["accept", "refuse"]).optional().meta({
    description:
      "Whether a request without a body is an event: the document `null` with `json` and with `form_field`, `{}` with `form`, no bytes with `blob`. Default: `refuse`, with `blob` `accept`.",
  }),
  module: z.string().min(1).optional().meta({
    description: "The output module, for example `log`. Required, unless there is a `chain`.",
  }),
  connection: z.string().refine(isConnectionName, { error: "Not a valid connection name" }).optional().meta({
    description:
      "Name of the connection. May be left out when exactly one connection of a type that the module accepts exists.",
  }),
  redis: z.record(z.string(), z.unknown()).optional().meta({
    description:
      "Instead of `connection`: a connection of the webhook's own, for `redis_publish`, see below.",
  }),
  "module-config": z.record(z.string(), z.unknown()).default({}).meta({
    description:
      "Settings of the output module, see below. One that a webhook has no key of its own for may also stand beside it.",
  }),
  chain: z.array(z.union([z.string().min(1), chainItemSchema])).min(1).max(MAX_CHAIN).optional().meta({
    description:
      "Several outputs instead of one `module`: names of modules, or objects with the keys of the table below.",
  }),
  "chain-config": chainConfigSchema.optional().meta({ description: "How the chain is run, see below." }),
  accept: z.enum(["delivered", "durable"]).optional().meta({
    description:
      "When the sender gets its 200. `delivered`: after the output confirmed the event. `durable`: after the event was written to the journal. Default: the module's, see below.",
  }),
  retry: retrySchema.optional().meta({
    description: "How often a failed delivery is tried again, see below.",
  }),
  filter: filterSchema.optional().meta({
    description:
      "The condition of events that are taken: an expression, or an object with `when` and `on_error`, see [filters](../filters/README.md). Default: all.",
    emptyIsValue: true,
  }),
  payload: payloadSchema.optional().meta({
    description:
      "What outputs get of an event in the place of what was sent, see [filters](../filters/README.md).",
  }),
  limits: limitsSchema.optional().meta({
    description: "Bounds of one webhook, see below.",
  }),
  switch_off: switchOffSchema.optional().meta({
    description: "When a webhook is switched off whose target has failed for long, see below.",
  }),
  idempotency: idempotencySchema.optional().meta({
    description: "Takes an event that is sent repeatedly only once, see below.",
  }),
  methods: z.array(z.enum(METHODS)).min(1).default(["POST"]).meta({
    description: "HTTP methods that are accepted.",
  }),
  probes: booleanField().default(false).meta({
    description:
      "`true`: HEAD, GET and OPTIONS are answered with an empty 200, for senders that try a URL before they use it. Nothing is authenticated, and there is no event. `false`: 405.",
  }),
  trust_traceparent: booleanField().default(false).meta({
    description:
      "`true`: an event belongs to the trace that its sender names in `traceparent`. `false`: to one of its own, with a link to the request. Only of importance while [traces](../observability/README.md#traces) are recorded.",
  }),
  challenge: challengeSchema.optional().meta({
    description:
      "Answers questions of senders that sign nothing: `event-grid`, or `cloudevents` with the `origins` that may send, see [challenges](../auth/challenges/README.md).",
  }),
  response: z.preprocess(spelledOut, responseSchema).meta({ shortForm: { const: FROM_OUTPUT } }).optional()
    .meta({
      description:
        "The answer to accepted and repeated events, for senders that want a certain one, or `from_output` for that of the output, see below. Default: 200 with the event's id as JSON.",
    }),
  max_body_bytes: integerField(1, MAX_ALLOWED_BODY_BYTES).optional().meta({
    description: "Largest body in bytes, after `Content-Encoding` was undone. Default: `MAX_BODY_BYTES`.",
  }),
  auth: z.literal("none", {
    error: 'Must be "none", or be left out: methods have keys of their own, such as `hmac`',
  }).optional().meta({
    description: "`none`: there is no authentication, and that is meant. Everybody may send. " +
      "`REQUIRE_AUTH=true` asks for it.",
  }),
  notify: notifySchema.optional().meta({
    description:
      "Which notices the webhook gets that `NOTIFY_WEBHOOK` names, see [notices](../notices/README.md).",
  }),
  enabled: booleanField().default(true).meta({
    description: "`false`: requests get 404 `webhook_disabled`.",
  }),
  ...ruleFields,
};

const verifierFields: Record<string, z.ZodType> = Object.fromEntries(
  verifierKinds.flatMap(({ key, configSchema, keysBeside }) => [
    [key, configSchema.optional()],
    ...Object.entries(keysBeside ?? {}),
  ]),
);

/** A webhook as configured. `module-config` is validated by the module's own schema afterwards. */
export const webhookSchema = z.strictObject({ ...webhookFields, ...verifierFields });

export type WebhookConfig = z.infer<z.ZodObject<typeof webhookFields>>;

/** A connection as configured: its type, and whatever the module that opens it understands. */
export const connectionSchema = z.looseObject({
  type: z.string().min(1).meta({ description: "The kind of system, for example `kafka`." }),
});

/** Of a connection without its type that no module uses: as far as the meaning of a key is known. */
export const unusedConnectionSchema = z.looseObject({ host: hostField().nullish() });
