/**
 * `module-config` of `mqtt`: its schema, and its compiled form that deliveries work from.
 *
 * @module
 */

import { z } from "zod";
import { booleanField, oneOfField, reportAt } from "../../schema/fields.ts";
import { eitherOf } from "../../schema/synonyms.ts";
import { MAX_TOPIC_VALUE, parseTopicPattern, type TopicOf } from "./topic.ts";

/** How sure it is that a message arrives: at most once, at least once, once. */
export type QualityOfService = 0 | 1 | 2;

/** What is around the payload of a message. */
export type MessageForm =
  | { readonly kind: "body" }
  /** An object, with the payload as a value. */
  | { readonly kind: "shelly"; readonly deviceId: string }
  /** The payload, which is an object. */
  | { readonly kind: "tasmota" };

/** A compiled `module-config`. */
export interface MqttConfig {
  readonly topicOf: TopicOf;
  /** As it is configured, with its placeholders. */
  readonly topic: string;
  readonly qos: QualityOfService;
  readonly isRetained: boolean;
  readonly form: MessageForm;
  readonly forwardsHeaders: boolean;
  readonly dataType: "json" | "blob";
}

const DEFAULT_DEVICE = "webhook";

const fields = z.strictObject({
  topic: z.string().optional().meta({
    description: "The topic. `{namespace}`, `{webhook_id}`, `{event_id}`, `{event_type}` and places in the " +
      "payload such as `{/device/id}` (a string, number or boolean) stand for values of the event. They are " +
      "percent-encoded, so a `/`, `+` or `#` in one changes no level; an event that has none, or one of more " +
      `than ${MAX_TOPIC_VALUE} bytes, is a dead letter. Required, unless \`tasmota_format\` is set.`,
  }),
  topic_prefix: z.string().default("").meta({ description: "Stands before the topic, with a `/` between." }),
  qos: oneOfField([0, 1, 2]).default(1).meta({
    description:
      "`1`: the broker confirms each message. `2`: in two steps, so that it passes each on once; a " +
      "message that the gateway repeats comes twice all the same. `0`: it is written to the connection, and " +
      "lost if that breaks.",
  }),
  retained: booleanField().default(false).meta({
    description:
      "`true`: the broker keeps the last message of the topic for those who subscribe later; one " +
      "with an empty body takes it away.",
  }),
  format: z.enum(["json", "raw"]).default("json").meta({
    description: "Either sends the body exactly as it was received.",
  }),
  shelly_gen2_format: booleanField().default(false).meta({
    description:
      'Sends `{"id":device_id,"source":"webhook","params":payload}`. A payload that is no object becomes ' +
      '`{"data":payload}`, and with `data_type: blob` `{"data_base64":"…"}`.',
  }),
  device_id: z.string().default(DEFAULT_DEVICE).meta({ description: "`id` of the Shelly form." }),
  tasmota_format: booleanField().default(false).meta({
    description: "Sends the payload, which becomes an object as in the Shelly form, to a topic of Tasmota: " +
      "`cmnd/{device_name}/{command}`, `stat/{device_name}/status` or `tele/{device_name}/telemetry`. " +
      "`topic` is not used then; `topic_prefix` is.",
  }),
  tasmota_type: z.enum(["cmnd", "stat", "tele"]).default("cmnd").meta({ description: "Which of the three." }),
  device_name: z.string().default(DEFAULT_DEVICE).meta({
    description: "The device in Tasmota's topic; placeholders as in `topic`.",
  }),
  command: z.string().default(DEFAULT_DEVICE).meta({
    description: "The command in Tasmota's topic; placeholders as in `topic`.",
  }),
  forward_headers: booleanField().optional().meta({
    description:
      "Sends the received headers along as user properties (MQTT 5), except for credentials, signatures and " +
      "headers that concern one connection only. Default: `false`.",
  }),
  include_headers: booleanField().optional().meta({ description: "The same as `forward_headers`." }),
});

type Fields = z.output<typeof fields>;

/** Strict schema that ends in the compiled form. */
export const mqttConfigSchema: z.ZodType<MqttConfig> = fields.transform((input, issues) => ({
  topicOf: topicOf(input, issues),
  topic: topicText(input) ?? "",
  qos: input.qos as QualityOfService,
  isRetained: input.retained,
  form: formOf(input, issues),
  forwardsHeaders: eitherOf(input, "forward_headers", "include_headers", issues) ?? false,
  dataType: "json",
}));

function topicOf(input: Fields, issues: z.RefinementCtx): TopicOf {
  const topic = topicText(input);
  if (topic === undefined) {
    reportAt(issues, "topic", "Required");
    return z.NEVER;
  }
  const parsed = parseTopicPattern(topic);
  if (typeof parsed === "function") return parsed;
  reportAt(issues, input.tasmota_format ? "device_name" : "topic", parsed.problem);
  return z.NEVER;
}

function topicText(input: Fields): string | undefined {
  const topic = input.tasmota_format ? tasmotaTopic(input) : input.topic;
  return topic === undefined || topic === "" ? topic : withPrefix(input.topic_prefix, topic);
}

function withPrefix(prefix: string, topic: string): string {
  return prefix === "" ? topic : `${prefix.endsWith("/") ? prefix.slice(0, -1) : prefix}/${topic}`;
}

function tasmotaTopic({ tasmota_type, device_name, command }: Fields): string {
  switch (tasmota_type) {
    case "cmnd":
      return `cmnd/${device_name}/${command}`;
    case "stat":
      return `stat/${device_name}/status`;
    case "tele":
      return `tele/${device_name}/telemetry`;
  }
}

function formOf(input: Fields, issues: z.RefinementCtx): MessageForm {
  if (input.shelly_gen2_format && input.tasmota_format) {
    reportAt(issues, "tasmota_format", "A message has one form: leave out this or shelly_gen2_format");
  }
  if (input.shelly_gen2_format) return { kind: "shelly", deviceId: input.device_id };
  return { kind: input.tasmota_format ? "tasmota" : "body" };
}
