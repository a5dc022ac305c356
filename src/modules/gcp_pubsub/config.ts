/**
 * `module-config` of `gcp_pubsub`: its schema, and its compiled form that deliveries work from. The keys are those of
 * the Python original.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { z } from "zod";
import { DeliveryError } from "../../errors.ts";
import type { Event } from "../../event/event.ts";
import { timeoutField } from "../../schema/connection_fields.ts";
import { booleanField, reportAt } from "../../schema/fields.ts";
import { eitherOf } from "../../schema/synonyms.ts";
import { type EventValue, fillPattern, findValues, splitPattern } from "../name_pattern.ts";
import { ATTRIBUTE_LIMITS, refuseAttribute } from "./attributes.ts";
import { projectField } from "./connection.ts";

/** Finds the ordering key of an event. @throws {DeliveryError} `output_rejected` when the event has no value for it */
export type OrderingKeyOf = (event: Event) => string;

/** A compiled `module-config`. */
export interface PubsubConfig {
  readonly topic: string;
  /** `undefined`: that of the connection. */
  readonly projectId: string | undefined;
  /** `undefined`: none. */
  readonly orderingKey: OrderingKeyOf | undefined;
  /** Attributes that all messages have: names and values. */
  readonly attributes: readonly (readonly [name: string, value: string])[];
  readonly forwardsHeaders: boolean;
  readonly timeoutMs: number;
}

/** What events that go to one topic have in common: those of others do not wait for them. */
export function partitionOf({ projectId = "", topic }: PubsubConfig): string {
  return `${projectId}/${topic}`;
}

const DEFAULT_TIMEOUT_SECONDS = 10;
const MAX_TIMEOUT_SECONDS = 60;

/** As Pub/Sub names resources; names that begin with `goog` are its own. */
const TOPIC = /^(?!goog)[A-Za-z][A-Za-z0-9._~+%-]{2,254}$/;

/** Longest ordering key, in bytes. */
const MAX_KEY_BYTES = 1024;

/** Most attributes that can be configured: those that name an event have room beside them. */
const MAX_OWN_ATTRIBUTES = 50;

const KNOWN: Readonly<Record<string, EventValue>> = {
  namespace: ({ namespace }) => namespace,
  webhook_id: ({ webhook }) => webhook,
  event_type: ({ type }) => type,
};

const fields = z.strictObject({
  topic: z.string().regex(TOPIC, {
    error: "Not the name of a topic: 3 to 255 letters, digits and - . _ ~ + %, first a letter, and not goog",
  }).meta({ description: "The topic, as it is called in its project. It must exist." }),
  project_id: projectField.optional().meta({ description: "Its project. Default: that of the connection." }),
  ordering_key: z.string().optional().meta({
    description:
      "Events of the same key keep their order for subscriptions with message ordering. `{namespace}`, " +
      "`{webhook_id}`, `{event_type}` and places in the payload such as `{/order/id}` (a string, number or boolean) " +
      `stand for values of the event; one that has none, or a key of more than ${MAX_KEY_BYTES} bytes, is a dead ` +
      "letter. Default: none.",
  }),
  attributes: z.record(z.string(), z.string()).default({}).meta({
    description: `Attributes of all messages: up to ${MAX_OWN_ATTRIBUTES}, with names of up to ` +
      `${ATTRIBUTE_LIMITS.nameBytes} and values of up to ${ATTRIBUTE_LIMITS.valueBytes} bytes.`,
  }),
  forward_headers: booleanField().optional().meta({
    description:
      "Sends the received headers along as attributes, except for credentials, signatures and headers that concern " +
      "one connection only, and those that are longer than an attribute may be. Default: `false`.",
  }),
  include_headers: booleanField().optional().meta({ description: "The same as `forward_headers`." }),
  timeout: timeoutField(MAX_TIMEOUT_SECONDS).default(DEFAULT_TIMEOUT_SECONDS).meta({
    description: "Seconds that Pub/Sub may take to answer.",
  }),
});

/** Strict schema that ends in the compiled form. */
export const pubsubConfigSchema: z.ZodType<PubsubConfig> = fields.transform((input, issues) => {
  const attributes = Object.entries(input.attributes);
  if (attributes.length > MAX_OWN_ATTRIBUTES) {
    reportAt(issues, "attributes", `There are more than ${MAX_OWN_ATTRIBUTES}`);
  }
  for (const [name, value] of attributes) {
    const problem = name.toLowerCase().startsWith("cwm-")
      ? "Attributes that begin with cwm- are the gateway's own"
      : refuseAttribute(name, value);
    if (problem !== undefined) reportAt(issues, ["attributes", name], problem);
  }
  return {
    topic: input.topic,
    projectId: input.project_id,
    orderingKey: input.ordering_key === undefined ? undefined : keyOf(input.ordering_key, issues),
    attributes,
    forwardsHeaders: eitherOf(input, "forward_headers", "include_headers", issues) ?? false,
    timeoutMs: input.timeout * 1000,
  };
});

function keyOf(text: string, issues: z.RefinementCtx): OrderingKeyOf {
  const pattern = splitPattern(text);
  const values = findValues(pattern.names, KNOWN);
  if (text === "") reportAt(issues, "ordering_key", "Must not be empty");
  if (Buffer.byteLength(pattern.literals.join("")) > MAX_KEY_BYTES) {
    reportAt(issues, "ordering_key", `It is longer than ${MAX_KEY_BYTES} bytes`);
  }
  if ("problem" in values) {
    reportAt(issues, "ordering_key", values.problem);
    return z.NEVER;
  }
  return (event) => {
    const key = fillPattern(pattern, (index) => {
      const value = values[index]!(event);
      if (value !== undefined && value !== "") return value.toWellFormed();
      throw unusable(
        `needs {${pattern.names[index]}}, which is not in the event as a text, a number or a truth value`,
      );
    });
    if (Buffer.byteLength(key) <= MAX_KEY_BYTES) return key;
    throw unusable(`is longer than ${MAX_KEY_BYTES} bytes`);
  };
}

function unusable(what: string): DeliveryError {
  return new DeliveryError("output_rejected", `The event's ordering_key ${what}`);
}
