/**
 * `module-config` of `nats`: its schema, and its compiled form that deliveries work from.
 *
 * @module
 */

import { z } from "zod";
import { booleanField, reportAt } from "../../schema/fields.ts";
import { eitherOf } from "../../schema/synonyms.ts";
import { idSuffixOf } from "../id_suffix.ts";
import { MAX_SUBJECT_VALUE, type NatsPattern, parseMessageId, parseSubject } from "./subject.ts";

/** A compiled `module-config`. */
export interface NatsConfig {
  readonly subject: NatsPattern;
  /** `undefined`: whichever stream takes the subject. */
  readonly stream: string | undefined;
  /** `undefined`: the event's id with {@linkcode idSuffix}. */
  readonly messageId: NatsPattern | undefined;
  /** Tells the messages apart that steps of a chain make of one event. */
  readonly idSuffix: string;
  /** Whether the message goes to a stream that confirms it. */
  readonly isConfirmed: boolean;
  readonly forwardsHeaders: boolean;
  /** Events with the same text go together, and those of others do not wait for them. */
  readonly target: string;
}

/** What a stream's name cannot have, and no more than its folder's name can be long. */
const STREAM_NAME = /^[^\s.*>/\\\p{Cc}]{1,255}$/u;

const fields = z.strictObject({
  subject: z.string().meta({
    description:
      "The subject. `{namespace}`, `{webhook_id}`, `{event_id}`, `{event_type}` and places in the " +
      "payload such as `{/order/country}` (a string, number or boolean) stand for values of the event. They are " +
      "percent-encoded, so a `.`, `*`, `>` or space in one makes no token and no wildcard; an event that has none, " +
      `or one of more than ${MAX_SUBJECT_VALUE} bytes, is a dead letter.`,
  }),
  stream: z.string().regex(STREAM_NAME, {
    error: "Not the name of a stream: 1 to 255 characters without white space, '.', '*', '>', '/' and '\\'",
  }).optional().meta({
    description:
      "The stream that has to take the events; no other one does then, and `cwm check --probe` looks at it. " +
      "Default: whichever stream takes the subject.",
  }),
  message_id: z.string().optional().meta({
    description:
      "What the stream knows repeats by, with placeholders as in `subject`: a second message of one id is not " +
      "stored within the stream's window (`duplicate_window`, 2 minutes by default), whatever its subject and body. " +
      "Default: the event's id with an ending for the destination, another one for other settings.",
  }),
  unconfirmed: booleanField().default(false).meta({
    description:
      "`true`: publishes with core NATS. Whoever listens gets the event, and nobody says whether somebody " +
      "did: it is delivered when the server has read it.",
  }),
  forward_headers: booleanField().optional().meta({
    description:
      "Sends the received headers along as message headers, except for credentials, signatures, headers that " +
      "concern one connection only, and those that begin with `nats-`, which the server acts on. Default: `false`.",
  }),
  include_headers: booleanField().optional().meta({ description: "The same as `forward_headers`." }),
});

type Fields = z.output<typeof fields>;

/** Strict schema that ends in the compiled form. */
export const natsConfigSchema: z.ZodType<NatsConfig> = fields.transform((input, issues) => {
  const subject = patternOf("subject", parseSubject(input.subject), issues);
  const { message_id: messageId } = input;
  const forwardsHeaders = eitherOf(input, "forward_headers", "include_headers", issues) ?? false;
  reportContradictions(input, issues);
  return {
    subject,
    stream: input.stream,
    messageId: messageId === undefined
      ? undefined
      : patternOf("message_id", parseMessageId(messageId), issues),
    idSuffix: idSuffixOf([input.subject, input.stream, forwardsHeaders]),
    isConfirmed: !input.unconfirmed,
    forwardsHeaders,
    target: `${input.unconfirmed} ${input.stream ?? ""} ${input.subject}`,
  };
});

function patternOf(
  key: string,
  parsed: NatsPattern | { readonly problem: string },
  issues: z.RefinementCtx,
): NatsPattern {
  if (!("problem" in parsed)) return parsed;
  reportAt(issues, key, parsed.problem);
  return z.NEVER;
}

function reportContradictions(input: Fields, issues: z.RefinementCtx): void {
  if (!input.unconfirmed) return;
  for (const key of ["stream", "message_id"] as const) {
    if (input[key] !== undefined) {
      reportAt(issues, key, "Is of no use where unconfirmed is true: no stream is asked");
    }
  }
}
