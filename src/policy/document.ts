/**
 * What a policy may say. Every key is known: a misspelt one makes the whole of it a problem, since each of them keeps
 * something closed.
 *
 * @module
 */

import { z } from "zod";
import { parseNetwork } from "../io/address.ts";
import { booleanField, integerField } from "../schema/fields.ts";
import { DESTINATION_KINDS } from "./destination.ts";
import { parseHostPattern } from "./hosts.ts";

/** Most patterns of namespaces, and most patterns of one key. */
const MOST_PATTERNS = 10_000;
const MOST_CHARACTERS = 1024;
const TEBIBYTE = 1024 ** 4;

const NAMESPACE_PATTERN = /^[a-zA-Z0-9_*-]{1,64}$/;
const RATE = /^([1-9]\d{0,8})\/([1-9]\d{0,8}(?:\.\d{1,3})?)$/;

function patterns(what: string) {
  return z.array(z.string().min(1).max(MOST_CHARACTERS)).max(MOST_PATTERNS).meta({ description: what });
}

const NAMES: Readonly<Record<typeof DESTINATION_KINDS[number], string>> = {
  hosts:
    "Hosts of addresses, of connections of a webhook's own and of those that no `connections` names: `*.team.example`, `db.example:5432`.",
  topics: "Topics of Kafka, MQTT, Pub/Sub and ActiveMQ.",
  subjects: "Subjects of NATS.",
  queues: "Queues of RabbitMQ, ActiveMQ, SQS, RQ and task queues.",
  exchanges: "Exchanges of RabbitMQ; the routing key follows a `/`: `orders/*`.",
  streams: "Streams of Kinesis and Redis.",
  tables: "Tables of ClickHouse, MySQL and PostgreSQL, as they are configured.",
  buckets: "Buckets of S3, or what stands in them: `exports/{namespace}/*` for keys that begin so.",
  buses: "Event buses of EventBridge.",
  functions: "Functions of RQ and task queues. `*` stands for characters between two dots.",
  channels: "Channels of `webhook_connect` and of Redis.",
  paths: "Sockets of the machine, such as `/run/app.sock`, and all below a directory.",
};

const destinations = z.strictObject({
  ...Object.fromEntries(
    DESTINATION_KINDS.filter((kind) => kind !== "hosts").map((
      kind,
    ) => [kind, patterns(NAMES[kind]).optional()]),
  ) as Record<Exclude<typeof DESTINATION_KINDS[number], "hosts">, z.ZodOptional<z.ZodArray<z.ZodString>>>,
  hosts: z.array(
    z.string().max(MOST_CHARACTERS).refine((text) => parseHostPattern(text) !== undefined, {
      error: "Not a host, host:port or address, with * for any characters",
    }),
  ).max(MOST_PATTERNS).optional().meta({ description: NAMES.hosts }),
  networks: z.array(
    z.string().refine((text) => parseNetwork(text) !== undefined, {
      error: "Not a network such as 10.0.0.0/8, or an address",
    }),
  ).max(MOST_PATTERNS).optional().meta({
    description:
      "Networks and addresses, beside `hosts`. A name whose addresses are to decide needs `allowed_hosts` of these networks in the webhook.",
  }),
});

const limits = z.strictObject({
  rate: z.string().regex(RATE, {
    error: "Not a number of requests and of seconds, such as 6000/60",
  }).optional().meta({
    description: "Requests to all webhooks of the namespace together, such as `6000/60` for 6000 in 60 s.",
  }),
  max_body_bytes: integerField(1, TEBIBYTE).optional().meta({
    description: "Largest body, whatever a webhook says.",
  }),
  inflight: integerField(1, 1_000_000).optional().meta({
    description: "Requests to its webhooks that may be under way at once.",
  }),
  inflight_bytes: integerField(1, TEBIBYTE).optional().meta({
    description: "How long the bodies of all these may be together.",
  }),
  pending: integerField(0, 1_000_000_000).optional().meta({
    description:
      "Events that may wait in the journal, of all its webhooks, as far as this instance knows. More get 503.",
  }),
  webhooks: integerField(0, 10_000_000).optional().meta({
    description: "Webhooks that are served. The oldest are; of files, the first ones by name.",
  }),
});

const ruleSchema = z.strictObject({
  variables: patterns("Environment variables that `{$NAME}` may read: `TEAM_*`.").optional(),
  files: patterns(
    "Files that `{$file:…}` may read, below `SECRETS_DIR`, and, by their whole paths, those of certificates and keys that a webhook names.",
  )
    .optional(),
  vault: patterns("Paths that `{$vault:…}` may read, and all below them: `teams/{namespace}`.").optional(),
  modules: patterns("Output modules: `http_webhook`.").optional(),
  connections: patterns(
    "Connections that webhooks may use: `{namespace}-*`. Where these lead is the operator's choice.",
  )
    .optional(),
  destinations: destinations.optional().meta({ description: "Where events may go, see below." }),
  base_dir: patterns("Directories that `save_to_disk` may write to, and all below them.").optional(),
  authentication: z.strictObject({
    required: booleanField().optional().meta({
      description: '`true`: a webhook needs a method, and `"auth": "none"` is none.',
    }),
    methods: patterns("Methods that count, one of which each webhook needs: `hmac`.").optional(),
  }).optional().meta({ description: "Who may send." }),
  limits: limits.optional().meta({ description: "Bounds of the whole namespace, see below." }),
});

/** A policy as it is written. */
export const policySchema = z.strictObject({
  $schema: z.string().optional().meta({
    description: "The file with the schema of this one, for editors: see `cwm schema policy`.",
  }),
  default: z.enum(["allow", "deny"]).default("allow").meta({
    description: "What holds where no rule says anything. `deny`: it is closed.",
  }),
  namespaces: z.record(
    z.string().regex(NAMESPACE_PATTERN, { error: "Not a pattern of a namespace, such as team-*" }),
    ruleSchema,
  ).default({}).meta({
    description: "Rules by patterns of namespaces. Each that matches restricts: `*` is a ceiling for all.",
  }),
});

export type PolicyDocument = z.output<typeof policySchema>;
export type RuleDocument = PolicyDocument["namespaces"][string];
