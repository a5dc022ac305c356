/**
 * `module-config` of `rabbitmq`: its schema, and its compiled form that deliveries work from.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { z } from "zod";
import { JsonPointer } from "../../json/pointer.ts";
import { booleanField, reportAt } from "../../schema/fields.ts";
import { eitherOf } from "../../schema/synonyms.ts";
import { literalName, MAX_NAME_BYTES, type Name, parseName, payloadName } from "./names.ts";

/** How RabbitMQ stores a queue. */
type QueueType = "classic" | "quorum";

/** A queue that is made where there is none. */
export interface QueueDeclaration {
  readonly queue: string;
  /** `undefined`: as the virtual host has it, which is classic unless it says otherwise. */
  readonly type: QueueType | undefined;
}

/** A compiled `module-config`. */
export interface RabbitmqConfig {
  /** Empty for the default exchange, whose routing keys are names of queues. */
  readonly exchange: Name;
  readonly routingKey: Name;
  /** `undefined` where nothing is to be made. */
  readonly declares: QueueDeclaration | undefined;
  readonly forwardsHeaders: boolean;
  /** How messages name where events go, as it is configured: with nothing of an event. */
  readonly place: string;
  /** Events with the same text go together, and those of others do not wait for them. */
  readonly target: string;
}

/** Names that RabbitMQ keeps for itself. */
const RESERVED = "amq.";

const queueField = z.string().min(1).refine((name) => !/\p{Cc}/u.test(name), {
  error: "A name cannot contain control characters",
}).refine((name) => Buffer.byteLength(name) <= MAX_NAME_BYTES, {
  error: `The name is longer than ${MAX_NAME_BYTES} bytes`,
}).refine((name) => !name.startsWith(RESERVED), {
  error: "Names that begin with amq. are RabbitMQ's own",
});

const pointerField = z.strictObject({
  json_pointer: z.string().transform((place, issues) => {
    const pointer = JsonPointer.parse(place);
    if (pointer !== undefined) return payloadName("routing_key", pointer, place);
    issues.addIssue({ code: "custom", message: "Not a JSON pointer, such as /order/id" });
    return z.NEVER;
  }),
});

function nameField(key: string): z.ZodType<Name, string> {
  return z.string().transform((text, issues) => {
    const name = parseName(text, key);
    if (!("problem" in name)) return name;
    issues.addIssue({ code: "custom", message: name.problem });
    return z.NEVER;
  });
}

const fields = z.strictObject({
  queue_name: queueField.optional().meta({
    description: "The queue, up to 255 bytes. Required where there is no `exchange`.",
  }),
  declare: booleanField().optional().meta({
    description:
      "Makes the queue where there is none: durable, without arguments but its type. One that is there is " +
      "used as it is. Default: `true`.",
  }),
  queue_type: z.enum(["classic", "quorum"]).optional().meta({
    description:
      "Type of a queue that is made. Default: that of the virtual host, which is `classic` unless it was set.",
  }),
  exchange: nameField("exchange").optional().meta({
    description:
      "The exchange, instead of `queue_name`. It must exist. It may have values of the event in it, as " +
      "`routing_key` may.",
  }),
  routing_key: z.union(
    [nameField("routing_key"), pointerField.transform(({ json_pointer }) => json_pointer)],
    {
      error: 'Not a text, or a place as { "json_pointer": "/order/type" }',
    },
  ).optional().meta({
    description:
      "The routing key at the exchange. `orders.{/order/country}` has a value of the payload as one word: " +
      "what is no letter, digit, `-` or `_` is percent-encoded, and so are dots. `{event_type}`, `{namespace}` and " +
      '`{webhook_id}` are known as well. `{"json_pointer": "/order/type"}` is a value as it is, dots and all. An event ' +
      "without the value, or with one of more than 128 bytes (as a whole key 255), is a dead letter. Default: empty.",
  }),
  forward_headers: booleanField().optional().meta({
    description:
      "Sends the received headers along as message headers, except for credentials, signatures, headers " +
      "that concern one connection only, names that may be taken for `cwm-…` and those that RabbitMQ acts on. Default: `false`.",
  }),
  include_headers: booleanField().optional().meta({ description: "The same as `forward_headers`." }),
});

type Fields = z.output<typeof fields>;

/** Strict schema that ends in the compiled form. */
export const rabbitmqConfigSchema: z.ZodType<RabbitmqConfig> = fields.transform((input, issues) => {
  reportContradictions(input, issues);
  const { queue_name: queue } = input;
  const forwardsHeaders = eitherOf(input, "forward_headers", "include_headers", issues) ?? false;
  if (queue !== undefined) {
    return {
      exchange: literalName(""),
      routingKey: literalName(queue),
      declares: input.declare === false ? undefined : { queue, type: input.queue_type },
      forwardsHeaders,
      place: `queue '${queue}'`,
      target: `queue ${queue}`,
    };
  }
  const { exchange = literalName(""), routing_key: routingKey = literalName("") } = input;
  return {
    exchange,
    routingKey,
    declares: undefined,
    forwardsHeaders,
    place: `exchange '${exchange.text}', routing key '${routingKey.text}'`,
    target: `exchange ${exchange.literal ?? ""}`,
  };
});

function reportContradictions(input: Fields, issues: z.RefinementCtx): void {
  const { queue_name: queue, exchange } = input;
  if (queue === undefined && exchange === undefined) {
    reportAt(issues, "queue_name", "Required, unless there is an exchange");
  }
  if (queue !== undefined && exchange !== undefined) {
    reportAt(issues, "exchange", "Give queue_name or exchange, not both");
  }
  if (exchange?.literal === "") {
    reportAt(issues, "exchange", "Must not be empty: the default exchange is meant by queue_name");
  }
  if (exchange === undefined && input.routing_key !== undefined) {
    reportAt(issues, "routing_key", "Is of no use without an exchange: name the queue with queue_name");
  }
  if (queue === undefined) {
    for (const key of ["declare", "queue_type"] as const) {
      if (input[key] !== undefined) {
        reportAt(issues, key, "Is of no use without queue_name: exchanges are not made");
      }
    }
  } else if (input.declare === false && input.queue_type !== undefined) {
    reportAt(issues, "queue_type", "Is of no use where declare is false: nothing is made");
  }
}
