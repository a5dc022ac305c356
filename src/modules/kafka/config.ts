/**
 * `module-config` of `kafka`: its schema, and its compiled form that deliveries work from.
 *
 * @module
 */

import { NAMES_HEADER } from "../../schema/header_names.ts";
import { z } from "zod";
import { JsonPointer } from "../../json/pointer.ts";
import { timeoutField } from "../../schema/connection_fields.ts";
import { booleanField, integerField } from "../../schema/fields.ts";
import { eitherOf } from "../../schema/synonyms.ts";
import { isForwardable } from "../../event/header_policy.ts";
import { headerKey, type KeySource, literalKey, payloadKey } from "./key.ts";

/** `Topic.validate` of Apache Kafka. */
const TOPIC = /^[a-zA-Z0-9._-]{1,249}$/;

const MAX_PARTITION = 2 ** 31 - 1;

/** Below the time that most senders wait, and above the time that a cluster needs to replace a broker quickly. */
const DEFAULT_TIMEOUT_SECONDS = 8;
const MAX_TIMEOUT_SECONDS = 3600;

const GROUP = /^[a-zA-Z0-9._-]{1,64}$/;

/** A compiled `module-config`. */
export interface KafkaConfig {
  readonly topic: string;
  /** `undefined` when events have no key, and go to any partition. */
  readonly key: KeySource | undefined;
  readonly partition: number | undefined;
  readonly forwardsHeaders: boolean;
  /** How long an event may take while its sender waits, in milliseconds. */
  readonly timeoutMs: number;
  /** Webhooks of the same group share connections to the brokers; empty for those that name none. */
  readonly connectionGroup: string;
}

const pointerKey = z.strictObject({
  json_pointer: z.string().transform((pointer, issues) => {
    const parsed = JsonPointer.parse(pointer);
    if (parsed !== undefined) return payloadKey(parsed);
    issues.addIssue({ code: "custom", message: "Not a JSON pointer, such as /order/id" });
    return z.NEVER;
  }),
});

const namedHeaderKey = z.strictObject({
  header: z.string().min(1).toLowerCase().refine(isForwardable, {
    error: "This header is never passed on: it carries a credential or belongs to one connection",
  }).meta(NAMES_HEADER),
});

const keyField = z.union([
  z.string().transform(literalKey),
  // One of more digits has been rounded already, and would be another key than what was written.
  z.number().refine((number) => !Number.isInteger(number) || Number.isSafeInteger(number))
    .transform((number) => literalKey(String(number))),
  pointerKey.transform(({ json_pointer }) => json_pointer),
  namedHeaderKey.transform(({ header }) => headerKey(header)),
], {
  error:
    'Not a text (a long number needs quotes), a place as { "json_pointer": "/order/id" } or a header that may be passed on as ' +
    '{ "header": "X-Order" }',
});

const fields = z.strictObject({
  topic: z.string().trim().regex(TOPIC, {
    error: "Not a topic name: 1 to 249 characters of a-z A-Z 0-9 . _ -",
  }).refine((name) => name !== "." && name !== "..", { error: "Not a topic name: '.' and '..' are reserved" })
    .meta({
      description: "The topic. It must exist: 1 to 249 characters of `a-z A-Z 0-9 . _ -`, not `.` or `..`.",
    }),
  key: keyField.optional().meta({
    description:
      'The key of each record: a text for all of them (an empty one is none), `{"json_pointer": "/order/id"}` for a ' +
      'value of the payload, or `{"header": "X-Order"}` for a received header. Events with the same key keep their order. A number is ' +
      "its own text in the payload, so `1` and `1.0` are two keys. An event in which it is not found has no key, " +
      "and goes to any partition.",
  }),
  partition: integerField(0, MAX_PARTITION).optional().meta({
    description:
      "The partition, whatever the key. Default: the one that the key decides, or any without a key.",
  }),
  forward_headers: booleanField().optional().meta({
    description:
      "Sends the received headers along as record headers, except for credentials, signatures, headers that " +
      "concern one connection only and names that may be taken for `cwm-…`. Default: `false`.",
  }),
  include_headers: booleanField().optional().meta({ description: "The same as `forward_headers`." }),
  timeout: timeoutField(MAX_TIMEOUT_SECONDS).default(DEFAULT_TIMEOUT_SECONDS).meta({
    description: "Seconds that one attempt may take while a sender waits. Out of the journal one may take " +
      "30 seconds, or this if it is longer.",
  }),
  connection_group: z.string().regex(GROUP, {
    error: "Not the name of a group: 1 to 64 characters of a-z A-Z 0-9 . _ -",
  }).optional().meta({
    description:
      "Webhooks that name the same group have connections to the brokers of their own, beside those " +
      "of the other webhooks with the same `connection`. Default: shared with all that name none.",
  }),
});

/** Strict schema that ends in the compiled form. */
export const kafkaConfigSchema: z.ZodType<KafkaConfig> = fields.transform((input, issues) => ({
  topic: input.topic,
  key: input.key,
  partition: input.partition,
  forwardsHeaders: eitherOf(input, "forward_headers", "include_headers", issues) ?? false,
  timeoutMs: input.timeout * 1000,
  connectionGroup: input.connection_group ?? "",
}));
