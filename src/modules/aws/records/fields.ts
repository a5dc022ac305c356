/**
 * Pieces of `module-config` that services of records share.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { z } from "zod";
import { envelopeOf } from "../../../event/envelope.ts";
import type { Event } from "../../../event/event.ts";
import { eventHeadersJson } from "../../../event/event_headers.ts";
import { timeoutField } from "../../../schema/connection_fields.ts";
import { pause, reject, retry } from "../../verdicts.ts";
import { BatchVerdicts } from "../batch_verdicts.ts";

const DEFAULT_TIMEOUT_SECONDS = 10;
const MAX_TIMEOUT_SECONDS = 300;

/** The key `timeout`. */
export const recordTimeoutField: z.ZodDefault<z.ZodType<number>> = timeoutField(MAX_TIMEOUT_SECONDS)
  .default(DEFAULT_TIMEOUT_SECONDS).meta({
    description: "Seconds that the service may take for one attempt.",
  });

/** A name of a place: letters, digits, and `_`, `.`, `-` and `/`, or the ARN of one. @param most characters */
export function placeField(most: number): z.ZodString {
  return z.string().regex(/^(?:arn:[\w-]+:[\w-]+:[\w-]*:\d*:)?[\w./-]+$/, {
    error: "Not a name of letters, digits and _ . - /, nor an ARN",
  }).max(most);
}

/** What is known of the event beside its body, and the body: a JSON object. */
export function recordEnvelope(event: Event, dataType: "json" | "blob"): string {
  return envelopeOf(event, eventHeadersJson(event), dataType === "json" ? "json" : "base64");
}

/** How long a text is in UTF-8, in bytes. */
export function utf8Bytes(text: string): number {
  return Buffer.byteLength(text);
}

/** What services of records say, beside what all services do. */
export const RECORD_VERDICTS = new BatchVerdicts({
  ResourceNotFoundException: pause("does not have it"),
  "ValidationException InvalidArgumentException InvalidArgument SerializationException": reject(
    "does not take the event",
  ),
  "MalformedDetail MalformedDetailException": reject("does not take the event as JSON"),
  "ProvisionedThroughputExceededException LimitExceededException": retry("asks for fewer events", {
    asksForFewer: true,
  }),
  "InternalException InternalServiceException": retry("has failed"),
}, ["ResourceNotFoundException"]);
