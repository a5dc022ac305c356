/**
 * `module-config` of `s3`: its schema, and its compiled form that deliveries work from.
 *
 * @module
 */

import { z } from "zod";
import { timeoutField } from "../../../schema/connection_fields.ts";
import { booleanField, integerField, numberField, reportAt } from "../../../schema/fields.ts";
import { eitherOf } from "../../../schema/synonyms.ts";
import { type KeyPattern, MAX_KEY_VALUE, parseKeyPattern } from "./key.ts";

/** Which checksum of its own an object has, besides the one that its request is signed with. */
export type Checksum = "sha256" | "md5" | "none";

/** Objects of several events. */
export interface BatchSettings {
  readonly maxEvents: number;
  readonly maxBytes: number;
  readonly waitMs: number;
  /** What a line is: a document with the event's id and its body in it, or the body alone. */
  readonly line: "envelope" | "body";
}

/** A compiled `module-config`. */
export interface S3Config {
  readonly bucket: string;
  readonly key: KeyPattern;
  /** `undefined`: as the event has it. */
  readonly contentType: string | undefined;
  /** Headers of all requests: storage class, encryption, the condition. */
  readonly fixedHeaders: Readonly<Record<string, string>>;
  readonly checksum: Checksum;
  readonly compresses: boolean;
  readonly forwardsHeaders: boolean;
  /** `undefined`: one object an event. */
  readonly batch: BatchSettings | undefined;
  readonly timeoutMs: number;
  readonly isBlob: boolean;
  /** Equal for configurations whose events may share an object. */
  readonly identity: string;
}

const DEFAULT_PREFIX = "webhooks";
const DEFAULT_FILENAME = "webhook_{uuid}.json";
const DEFAULT_BATCH_FILENAME = "webhook_{timestamp}_{batch_id}.ndjson";
const HOURS = "{year}/{month}/{day}/{hour}";
const DEFAULT_TIMEOUT_SECONDS = 10;
const MAX_TIMEOUT_SECONDS = 300;

/** A webhook has no more events out of the journal at once. */
const MAX_BATCH_EVENTS = 1_000;

/** It must not become another part of a path, or of a host's name. Services have rules of their own besides. */
const BUCKET = /^(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]$/;

/** A media type as it can stand in a header. */
const HEADER_TEXT = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;

const headerField = z.string().max(1024).regex(HEADER_TEXT, { error: "Not a text of printable ASCII" });

const batchSchema = z.strictObject({
  max_events: integerField(1, MAX_BATCH_EVENTS).default(MAX_BATCH_EVENTS).meta({
    description: "Most events of one object.",
  }),
  max_bytes: integerField(1, 268_435_456).default(8_388_608).meta({
    description:
      "Most bytes of bodies in one object, before compression; a single larger event has one of its own.",
  }),
  max_seconds: numberField(0, 300).default(5).meta({
    description: "How long the first event of an object waits for others, in seconds.",
  }),
  line: z.enum(["envelope", "body"]).default("envelope").meta({
    description:
      "What a line is: a document with `event_id`, `namespace`, `webhook`, `received_at`, `headers` and " +
      "`payload` (or `body_base64`), by which repeats can be recognised, or the body alone.",
  }),
});

const fields = z.strictObject({
  bucket: z.string().regex(BUCKET, {
    error: "Not the name of a bucket: 3 to 255 letters, digits and . _ -, no two dots in a row",
  }).meta({
    description: "The bucket. It must exist.",
  }),
  prefix: z.string().optional().meta({
    description:
      `The beginning of keys, without slashes at its ends; empty for none. Default: \`${DEFAULT_PREFIX}\`. ` +
      `The key of an object is \`prefix/${HOURS}/filename_pattern\`, by the time at which the event was received, in UTC.`,
  }),
  filename_pattern: z.string().optional().meta({
    description: `The end of keys, without slashes. Default: \`${DEFAULT_FILENAME}\`, and of batches ` +
      `\`${DEFAULT_BATCH_FILENAME}\`.`,
  }),
  key: z.string().optional().meta({
    description:
      "The whole key, instead of `prefix` and `filename_pattern`. `{namespace}`, `{webhook_id}`, " +
      "`{event_type}`, `{year}`, `{month}`, `{day}`, `{hour}`, `{timestamp}` and places in the payload such as " +
      "`{/customer/id}` (a string, number or boolean) stand for values of the event. One of `{event_id}` and `{uuid}`, " +
      "which is made from the event's id, is required, and in batches `{batch_id}`, which is made from the ids of all its events. Values are " +
      `percent-encoded, so a \`/\` in one begins no folder; an event that has none, or one of more than ${MAX_KEY_VALUE} bytes, ` +
      "is a dead letter, and so is one whose key has a part `.` or `..`, a part of more than 255 bytes, or more than 1024 in all.",
  }),
  content_type: headerField.optional().meta({
    description:
      "The objects' media type. Default: as the event was received with, otherwise `application/octet-stream`; " +
      "of batches `application/x-ndjson`.",
  }),
  include_headers: booleanField().optional().meta({
    description:
      "Sends the received headers along as metadata, except for credentials and signatures: as many as fit " +
      "into the 2 KB that S3 takes, in their order. In names `-` becomes `_`; what is not printable ASCII in values is percent-encoded. Default: `false`.",
  }),
  forward_headers: booleanField().optional().meta({ description: "The same as `include_headers`." }),
  compression: z.enum(["none", "gzip"]).optional().meta({
    description:
      "`gzip` compresses objects, with `Content-Encoding`. Default: `none`, and of batches `gzip`.",
  }),
  storage_class: z.string().regex(/^[A-Z_]{1,64}$/, { error: "Not a storage class, such as STANDARD_IA" })
    .optional()
    .meta({ description: "The storage class of objects. Default: that of the service." }),
  server_side_encryption: z.enum(["AES256", "aws:kms", "aws:kms:dsse"]).optional().meta({
    description: "How the service encrypts objects. Default: as the bucket says.",
  }),
  kms_key_id: headerField.optional().meta({ description: "The key of KMS; needs `server_side_encryption`." }),
  checksum: z.enum(["sha256", "md5", "none"]).default("sha256").meta({
    description:
      "The checksum that is sent with an object and kept with it, besides the one of the signature: " +
      "`x-amz-checksum-sha256`, `Content-MD5`, or none for services that know neither.",
  }),
  if_none_match: booleanField().default(true).meta({
    description:
      "`If-None-Match: *`, so that nothing is overwritten. `false` for services that refuse it with 501: a repeat then " +
      "writes the same bytes once more.",
  }),
  batch: batchSchema.optional().meta({
    description:
      "Has several events share an object, a line each (NDJSON): `{}`, or an object with the keys below.",
  }),
  timeout: timeoutField(MAX_TIMEOUT_SECONDS).default(DEFAULT_TIMEOUT_SECONDS).meta({
    description: "Seconds that storing an object may take.",
  }),
});

type Fields = z.output<typeof fields>;

/** Strict schema that ends in the compiled form. */
export const s3ConfigSchema: z.ZodType<S3Config> = fields.transform((input, issues) => {
  const key = keyOf(input, issues);
  if (input.kms_key_id !== undefined && !(input.server_side_encryption?.startsWith("aws:kms") ?? false)) {
    reportAt(issues, "kms_key_id", "Is of no use unless server_side_encryption is aws:kms");
  }
  if (key === undefined) return z.NEVER;
  const { batch, compression = batch === undefined ? "none" : "gzip" } = input;
  return {
    bucket: input.bucket,
    key,
    contentType: input.content_type,
    fixedHeaders: fixedHeadersOf(input),
    checksum: input.checksum,
    compresses: compression === "gzip",
    forwardsHeaders: eitherOf(input, "include_headers", "forward_headers", issues) ?? false,
    batch: batch && {
      maxEvents: batch.max_events,
      maxBytes: batch.max_bytes,
      waitMs: Math.round(batch.max_seconds * 1000),
      line: batch.line,
    },
    timeoutMs: input.timeout * 1000,
    isBlob: false,
    identity: JSON.stringify(input),
  };
});

function keyOf(input: Fields, issues: z.RefinementCtx): KeyPattern | undefined {
  const { key, prefix, filename_pattern: filename, batch } = input;
  const place = key !== undefined
    ? "key"
    : prefix !== undefined && filename === undefined
    ? "prefix"
    : "filename_pattern";
  if (key !== undefined) {
    for (const other of ["prefix", "filename_pattern"] as const) {
      if (input[other] !== undefined) reportAt(issues, other, "key says the whole of it: leave this out");
    }
  }
  if (filename?.replaceAll(/\{[^{}]*\}/g, "").includes("/") === true) {
    reportAt(issues, "filename_pattern", "A file name cannot contain slashes: use key");
    return undefined;
  }
  const pattern = parseKeyPattern(key ?? usualKey(input), batch !== undefined);
  if (!("problem" in pattern)) return pattern;
  reportAt(issues, place, pattern.problem);
  return undefined;
}

function usualKey({ prefix = DEFAULT_PREFIX, filename_pattern, compression, batch }: Fields): string {
  const isCompressed = batch !== undefined && compression !== "none";
  const filename = filename_pattern ??
    (batch === undefined ? DEFAULT_FILENAME : `${DEFAULT_BATCH_FILENAME}${isCompressed ? ".gz" : ""}`);
  return [...(prefix === "" ? [] : [prefix]), HOURS, filename].join("/");
}

function fixedHeadersOf(input: Fields): Record<string, string> {
  const headers: Record<string, string> = {};
  if (input.if_none_match) headers["if-none-match"] = "*";
  if (input.storage_class !== undefined) headers["x-amz-storage-class"] = input.storage_class;
  if (input.server_side_encryption !== undefined) {
    headers["x-amz-server-side-encryption"] = input.server_side_encryption;
  }
  if (input.kms_key_id !== undefined) {
    headers["x-amz-server-side-encryption-aws-kms-key-id"] = input.kms_key_id;
  }
  return headers;
}
