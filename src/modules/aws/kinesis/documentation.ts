/**
 * The page about `kinesis`.
 *
 * @module
 */

import type { ModuleDocumentation } from "../../documentation.ts";

/** What the page of the module says. */
export const documentation: ModuleDocumentation = {
  description: [
    "Puts each event as a record into a stream of Amazon Kinesis Data Streams, up to 500 in a request. An event counts as",
    "delivered when Kinesis has given its record a sequence number.",
    "",
    "The data of a record is a JSON object with `event_id`, `namespace`, `webhook`, `event_type` where it is known,",
    "`received_at`, `headers` (without credentials) and the body as `payload`, or as `body_base64` with",
    "`data_type: blob`. An event may be in the stream more than once: its `event_id` stays the same. What is tried again",
    "comes behind what was taken meanwhile.",
  ],
  example: {
    webhooks: {
      orders: {
        module: "kinesis",
        connection: "kinesis",
        "module-config": { stream: "orders", partition_key: "{/customer/id}" },
      },
    },
    connections: {
      kinesis: {
        type: "kinesis",
        region: "eu-central-1",
        aws_access_key_id: "{$AWS_ACCESS_KEY_ID}",
        aws_secret_access_key: "{$AWS_SECRET_ACCESS_KEY}",
      },
    },
  },
  notes: [
    "The right that it needs is `kinesis:PutRecords`; with `kinesis:DescribeStreamSummary`, `cwm check --probe` finds out",
    "whether the stream is there.",
    "",
    "Kinesis answers for each record. One that it refuses for what is in it, or that is too large, is a dead letter,",
    "alone: a batch that is refused as a whole is sent in parts first. Where a shard is at its limit, the stream gets",
    "fewer events for a while. While the stream or the right is missing, or Kinesis cannot be reached, events wait.",
    "",
    "Proven against [moto](https://github.com/getmoto/moto) 5.2.5, which checks signatures and rights, not against AWS.",
  ],
};
