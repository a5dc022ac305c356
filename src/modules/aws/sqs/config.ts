/**
 * `module-config` of `aws_sqs`: its schema, and its compiled form that messages are made from.
 *
 * @module
 */

import { z } from "zod";
import { isForwardable } from "../../../event/header_policy.ts";
import { timeoutField } from "../../../schema/connection_fields.ts";
import { integerField, reportAt } from "../../../schema/fields.ts";
import { idSuffixOf } from "../../id_suffix.ts";
import { isAttributeName, MAX_FORWARDED } from "./attributes.ts";
import { type QueueAddress, queueByName, queueByUrl } from "./queue_address.ts";
import { parseToken, tokenField, type TokenOf } from "../token.ts";

/** A compiled `module-config`. */
export interface SqsConfig {
  readonly queue: QueueAddress;
  /** `undefined`: messages have none. */
  readonly groupId: TokenOf | undefined;
  /** `undefined`: messages have none. */
  readonly deduplicationId: TokenOf | undefined;
  /** Whether that is the event's own id, with an ending or without. */
  readonly deduplicatesEvents: boolean;
  /** `undefined`: as the queue says. */
  readonly delaySeconds: number | undefined;
  /** Received headers that go along as attributes: names in lower case. */
  readonly forwardedHeaders: readonly string[];
  readonly timeoutMs: number;
  /** Events with the same text go to one queue. */
  readonly target: string;
}

const DEFAULT_TIMEOUT_SECONDS = 10;
const MAX_TIMEOUT_SECONDS = 300;
const MAX_DELAY_SECONDS = 900;

/** Each webhook is a group. */
const DEFAULT_GROUP = "{namespace}/{webhook_id}";

const headerField = z.string().toLowerCase().refine(isAttributeName, {
  error: "SQS takes no attribute of this name",
}).refine(isForwardable, {
  error: "A header of this name may be a credential, or belongs to one connection: it does not go along",
});

const fields = z.strictObject({
  queue_name: z.string().optional().meta({
    description: "Name of the queue, which SQS is asked for its URL. Required where there is no `queue_url`.",
  }),
  queue_url: z.string().optional().meta({
    description:
      "URL of the queue, instead of `queue_name`: spares the right `sqs:GetQueueUrl`. One of AWS names the region, " +
      "too; any other needs `endpoint_url` of the connection, which is where requests go.",
  }),
  message_group_id: tokenField("message_group_id").optional().meta({
    description:
      "The group of a message, within which a FIFO queue keeps the order. `{/order/customer}` is a value of the " +
      "payload; `{event_id}`, `{event_type}`, `{namespace}` and `{webhook_id}` are known as well. What is no " +
      "letter, digit or one of `-_.!~*'()` in a value is percent-encoded. An event without the value, or with more " +
      `than 128 characters, is a dead letter. Default: for a FIFO queue \`${DEFAULT_GROUP}\`.`,
  }),
  message_deduplication_id: tokenField("message_deduplication_id").optional().meta({
    description:
      "For a FIFO queue: of messages with the same one, it stores the first of five minutes. Made as " +
      "`message_group_id` is. Default: the event's id.",
  }),
  delay_seconds: integerField(0, MAX_DELAY_SECONDS).optional().meta({
    description: "Seconds until consumers see the message; not for a FIFO queue. Default: as the queue says.",
  }),
  forward_headers: z.array(headerField).max(MAX_FORWARDED).default([]).meta({
    description:
      `Received headers that go along as attributes, at most ${MAX_FORWARDED}: a message has ten, and the event takes ` +
      "the others. One that is empty or has characters that SQS does not take is left out.",
  }),
  timeout: timeoutField(MAX_TIMEOUT_SECONDS).default(DEFAULT_TIMEOUT_SECONDS).meta({
    description: "Seconds that SQS may take for one attempt.",
  }),
});

type Fields = z.output<typeof fields>;

/** Strict schema that ends in the compiled form. */
export const sqsConfigSchema: z.ZodType<SqsConfig> = fields.transform((input, issues) => {
  const queue = queueOf(input, issues);
  if (queue === undefined) return z.NEVER;
  const { message_group_id: group, message_deduplication_id: deduplication } = input;
  const { delay_seconds: delaySeconds, forward_headers: forwardedHeaders } = input;
  if (!queue.isFifo && deduplication !== undefined) {
    reportAt(issues, "message_deduplication_id", "Only FIFO queues take it, whose names end in .fifo");
  }
  if (queue.isFifo && delaySeconds !== undefined) {
    reportAt(issues, "delay_seconds", "FIFO queues delay no single message: set it at the queue");
  }
  if (new Set(forwardedHeaders).size < forwardedHeaders.length) {
    reportAt(issues, "forward_headers", "A header is named twice");
  }
  return {
    queue,
    groupId: group?.of ?? (queue.isFifo ? webhookGroup : undefined),
    deduplicationId: queue.isFifo
      ? deduplication?.of ?? eventIdWith(group?.text, forwardedHeaders)
      : undefined,
    deduplicatesEvents: queue.isFifo && deduplication === undefined,
    delaySeconds,
    forwardedHeaders,
    timeoutMs: input.timeout * 1000,
    target: queue.url ?? queue.name,
  };
});

const webhookGroup = parseToken(DEFAULT_GROUP, "message_group_id") as TokenOf;

/** Steps of a chain may send an event to one queue in several ways: none is a repetition of another. */
function eventIdWith(group: string | undefined, headers: readonly string[]): TokenOf {
  if (group === undefined && headers.length === 0) return ({ id }) => id;
  const suffix = idSuffixOf([group, headers]);
  return ({ id }) => id + suffix;
}

/** The configuration of a step that hands events on in a form of its own. */
export function inForm(config: SqsConfig, form: string | undefined): SqsConfig {
  const { deduplicationId, deduplicatesEvents } = config;
  if (form === undefined || deduplicationId === undefined || !deduplicatesEvents) return config;
  const suffix = idSuffixOf([form]);
  return { ...config, deduplicationId: (event) => deduplicationId(event) + suffix };
}

function queueOf(
  { queue_name: name, queue_url: url }: Fields,
  issues: z.RefinementCtx,
): QueueAddress | undefined {
  if (name !== undefined && url !== undefined) {
    reportAt(issues, "queue_url", "Give queue_name or queue_url, not both");
    return undefined;
  }
  if (name === undefined && url === undefined) {
    reportAt(issues, "queue_name", "Required, unless there is a queue_url");
    return undefined;
  }
  const queue = url === undefined ? queueByName(name!) : queueByUrl(url);
  if (queue !== undefined) return queue;
  if (url !== undefined) {
    reportAt(
      issues,
      "queue_url",
      "Not the URL of a queue, such as https://sqs.eu-central-1.amazonaws.com/1234/orders",
    );
  } else {
    reportAt(
      issues,
      "queue_name",
      "A queue's name has 1 to 80 letters, digits, - and _; that of a FIFO queue ends in .fifo",
    );
  }
  return undefined;
}
