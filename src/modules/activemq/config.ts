/**
 * `module-config` of `activemq`: its schema, and its compiled form that deliveries work from. The keys are those of the
 * Python original.
 *
 * @module
 */

import { z } from "zod";
import { booleanField, reportAt } from "../../schema/fields.ts";
import { eitherOf } from "../../schema/synonyms.ts";

/** What consumers in Java get: a text, or bytes. */
export type MessageType = "text" | "bytes";

/** A compiled `module-config`. */
export interface ActivemqConfig {
  /** As STOMP names it: `/queue/NAME` or `/topic/NAME`. */
  readonly destination: string;
  readonly isPersistent: boolean;
  /** `undefined`: as the webhook's `data_type` has it. */
  readonly messageType: MessageType | undefined;
  readonly forwardsHeaders: boolean;
}

type DestinationType = "queue" | "topic";

/** Longest name, in characters. */
const MAX_NAME = 255;

/**
 * A broker takes other names as well and sends the message elsewhere, or to several: `*` and `>` stand for any name, a
 * comma is between two, and a question mark begins options.
 */
const NAME = /^[A-Za-z0-9_.:-]+$/;

/** Names that the broker keeps for itself. */
const RESERVED = /^ActiveMQ\./i;

/** A destination as STOMP names it. */
const FULL = /^\/(queue|topic)\/(.*)$/s;

const fields = z.strictObject({
  destination: z.string().meta({
    description:
      "The queue or topic: up to 255 letters, digits and `_ . : -`. The broker makes it where there is none. " +
      "`/queue/NAME` and `/topic/NAME` say the type as well.",
  }),
  destination_type: z.enum(["queue", "topic"]).optional().meta({
    description: "Default: `queue`. A topic passes events on to those who have subscribed, and keeps none.",
  }),
  persistent: booleanField().default(true).meta({
    description:
      "`true`: the broker answers once the message is in its store. `false`: once it is in memory, and a broker " +
      "that ends loses it.",
  }),
  message_type: z.enum(["text", "bytes"]).optional().meta({
    description:
      "What consumers in Java get: a `TextMessage` or a `BytesMessage`. A body that is not UTF-8 or has a NUL is " +
      "no text: such an event is a dead letter. Default: `text`, and `bytes` with `data_type: blob`.",
  }),
  forward_headers: booleanField().optional().meta({
    description:
      "Sends the received headers along, each with `http-` before its name, since the broker acts on headers such " +
      "as `expires`; without credentials, signatures and headers that concern one connection only. Default: `false`.",
  }),
  include_headers: booleanField().optional().meta({ description: "The same as `forward_headers`." }),
});

/** Strict schema that ends in the compiled form. */
export const activemqConfigSchema: z.ZodType<ActivemqConfig> = fields.transform((input, issues) => ({
  destination: destinationOf(input.destination, input.destination_type, issues),
  isPersistent: input.persistent,
  messageType: input.message_type,
  forwardsHeaders: eitherOf(input, "forward_headers", "include_headers", issues) ?? false,
}));

function destinationOf(text: string, given: DestinationType | undefined, issues: z.RefinementCtx): string {
  const [, type = given ?? "queue", name = text] = FULL.exec(text) ?? [];
  if (given !== undefined && given !== type) {
    reportAt(issues, "destination_type", `The destination says that it is a ${type}: leave this out`);
  }
  const problem = problemOf(name);
  if (problem !== undefined) reportAt(issues, "destination", problem);
  return `/${type}/${name}`;
}

function problemOf(name: string): string | undefined {
  if (name === "") return "Must not be empty";
  if (name.length > MAX_NAME) return `The name is longer than ${MAX_NAME} characters`;
  if (!NAME.test(name)) {
    return "A name has letters, digits and _ . : - alone: others have a meaning for brokers";
  }
  return RESERVED.test(name) ? "Names that begin with ActiveMQ. are the broker's own" : undefined;
}
