/**
 * `kinesis`: puts each event as a record into a stream of Amazon Kinesis Data Streams. It counts as delivered when
 * Kinesis has given its record a number.
 *
 * @see https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html
 * @module
 */

import { z } from "zod";
import { placeField, RECORD_VERDICTS, recordEnvelope, recordTimeoutField } from "../records/fields.ts";
import { recordModule } from "../records/module.ts";
import type { RecordConfig } from "../records/service.ts";
import { tokenField, type TokenOf } from "../token.ts";

interface KinesisConfig extends RecordConfig {
  readonly stream: Readonly<Record<string, string>>;
  readonly partitionKey: TokenOf;
  readonly dataType: "json" | "blob";
}

const configSchema = z.strictObject({
  stream: placeField(2048).meta({ description: "Name of the stream, or its ARN." }),
  partition_key: tokenField("partition_key").optional().meta({
    description:
      "Chooses the shard, within which the order is kept: `{/order/customer}` is a value of the payload; `{event_id}`, " +
      "`{event_type}`, `{namespace}` and `{webhook_id}` are known as well. Default: `{event_id}`, which spreads them.",
  }),
  timeout: recordTimeoutField,
}).transform(({ stream, partition_key, timeout }): KinesisConfig => ({
  place: `stream '${stream}'`,
  stream: stream.startsWith("arn:") ? { StreamARN: stream } : { StreamName: stream },
  partitionKey: partition_key?.of ?? (({ id }) => id),
  dataType: "json",
  timeoutMs: timeout * 1000,
}));

const KIB = 1024;

/** Puts events into streams. */
export const kinesisModule = recordModule<KinesisConfig>("kinesis", {
  summary: "a stream of Amazon Kinesis",
  documentation: () => import("./documentation.ts"),
  configSchema,
  forWebhook: (config, { dataType }) => ({ ...config, dataType }),
  destinations: ({ stream }) =>
    Object.values(stream).map((name) => ({ kind: "streams", name, key: "stream" })),
}, {
  service: { title: "Kinesis", id: "kinesis", verdicts: RECORD_VERDICTS },
  dialect: { target: "Kinesis_20131202", version: "1.1" },
  action: "PutRecords",
  right: "kinesis:PutRecords",
  results: { list: "Records", id: "SequenceNumber" },
  // A record may be larger than AWS takes today: then it goes alone, and Kinesis decides.
  maxRecordBytes: 10 * KIB * KIB,
  maxBatchBytes: 4 * KIB * KIB,
  maxBatch: 500,
  render(event, { partitionKey, dataType }) {
    const [key, data] = [partitionKey(event), new TextEncoder().encode(recordEnvelope(event, dataType))];
    const json = `{"PartitionKey":${JSON.stringify(key)},"Data":"${data.toBase64()}"}`;
    return { json, bytes: key.length + data.byteLength };
  },
  request: (list, { stream }) => `${JSON.stringify(stream).slice(0, -1)},"Records":[${list}]}`,
  probe: ({ stream }) => ({ action: "DescribeStreamSummary", document: stream }),
  anyQuestion: { action: "DescribeLimits", document: {} },
});
