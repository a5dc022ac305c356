/**
 * `module-config` of `redis_stream`: its schema, and its compiled form that entries are made from.
 *
 * @module
 */

import { z } from "zod";
import { booleanField, integerField, reportAt } from "../../../schema/fields.ts";
import { idSuffixOf } from "../../id_suffix.ts";
import type { Appending } from "../append.ts";
import { dedupField } from "../mark.ts";
import { hashTagOf, nameField } from "../names.ts";

const DEFAULT_STREAM = "webhook_events";
const DEFAULT_FIELD = "payload";

/** Fields that say which event it is, where each of its parts has one of its own. */
const EVENT_FIELDS = [
  "event_id",
  "namespace",
  "webhook",
  "event_type",
  "received_at",
  "headers",
] as const;

/** A compiled `module-config`. */
export interface RedisStreamConfig extends Appending {
  readonly format: "fields" | "json" | "raw";
  /** Has the body, or the JSON object. */
  readonly field: string;
  readonly dataType: "json" | "blob";
  /** Ends the ids of marks, which begin with the event's. */
  readonly idSuffix: string;
  /** Names the node of a cluster that has the stream; empty where it lies on any. */
  readonly node: string;
}

const fields = z.strictObject({
  stream: nameField().regex(/^[^{}]*(?:\{[^{}]+\}[^{}]*)?$/, {
    error: "Braces must enclose a part of the name, as in {shop}:orders: a cluster chooses the node by it",
  }).default(DEFAULT_STREAM).meta({ description: "Key of the stream." }),
  format: z.enum(["fields", "json", "raw"]).default("fields").meta({
    description:
      "`fields`: an entry has the fields `event_id`, `namespace`, `webhook`, `event_type` where it is known, " +
      "`received_at`, `headers` (a JSON object without credentials), and the body as received in `field`. `json`: " +
      "it has `field` alone, a JSON object of all these, with the body as `payload`, or `body_base64` with " +
      "`data_type: blob`. `raw`: it has `field` alone, the body as received.",
  }),
  field: nameField().default(DEFAULT_FIELD).meta({
    description: "Name of the field that has the body, or the JSON object.",
  }),
  maxlen: integerField(1, Number.MAX_SAFE_INTEGER).optional().meta({
    description:
      "Entries that the stream keeps (`MAXLEN`): with each event the oldest beyond it are removed, **read or not**. " +
      "Default: all.",
  }),
  maxlen_exact: booleanField().optional().meta({
    description:
      "Keeps not one entry more than `maxlen`, which costs Redis more time. Default: false (`MAXLEN ~`).",
  }),
  create_stream: booleanField().default(true).meta({
    description:
      "Whether the first event makes the stream. With `false` (`NOMKSTREAM`) events wait until somebody has made it.",
  }),
  dedup_ttl: dedupField(
    "Seconds for which an event is not added again, should it be tried again after a lost answer. Takes about " +
      "180 bytes of Redis' memory an event. 0: it may be in the stream twice.",
  ),
});

type Fields = z.output<typeof fields>;

/** Strict schema that ends in the compiled form. */
export const redisStreamConfigSchema: z.ZodType<RedisStreamConfig> = fields.transform((input, issues) => {
  const { stream, format, field, create_stream } = input;
  if (input.maxlen_exact !== undefined && input.maxlen === undefined) {
    reportAt(issues, "maxlen_exact", "Is of no use without maxlen");
  }
  if (format === "fields" && (EVENT_FIELDS as readonly string[]).includes(field)) {
    reportAt(
      issues,
      "field",
      "Entries have a field of this name already: choose another one, or another format",
    );
  }
  const node = hashTagOf(stream);
  return {
    key: stream,
    // In the slot of the stream, so that both are on the same node of a cluster.
    markPrefix: `cwm:stream:{${node === "" ? stream : node}}:`,
    dedupTtl: String(input.dedup_ttl),
    command: ["XADD", ...optionsOf(input), "*"],
    kind: "stream",
    mustExist: !create_stream,
    format,
    field,
    dataType: "json",
    idSuffix: idSuffixOf([stream, format, field]),
    node,
  };
});

function optionsOf({ create_stream, maxlen, maxlen_exact }: Fields): string[] {
  return [
    ...(create_stream ? [] : ["NOMKSTREAM"]),
    ...(maxlen === undefined ? [] : ["MAXLEN", maxlen_exact === true ? "=" : "~", String(maxlen)]),
  ];
}
