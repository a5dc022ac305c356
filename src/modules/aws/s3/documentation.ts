/**
 * What the page of `s3` says.
 *
 * @module
 */

import type { ModuleDocumentation } from "../../documentation.ts";

/** The parts of the page. */
export const documentation: ModuleDocumentation = {
  description: [
    "Stores each event as an object of S3, or of what speaks like it (MinIO, Ceph and others), with the body exactly as",
    "it was received; with `batch`, several events as the lines of one object. An event counts as delivered when the",
    "service has confirmed the object, or says that one with its key is there already (412): keys are made from the ids",
    "of the events in them, so that is an earlier attempt's. Nothing is overwritten.",
    "",
    "The metadata of an object of one event are `cwm-event-id`, `cwm-namespace`, `cwm-webhook`, `cwm-received-at`, and",
    "`cwm-event-type` where it is known.",
  ],
  example: {
    webhooks: {
      orders: { module: "s3", connection: "archive", "module-config": { bucket: "events" } },
      payments: {
        module: "s3",
        connection: "archive",
        "module-config": {
          bucket: "events",
          key: "payments/{/customer/id}/{year}-{month}-{day}/{batch_id}.ndjson.gz",
          batch: { max_events: 500, max_seconds: 30 },
        },
      },
    },
    connections: {
      archive: {
        type: "s3",
        aws_access_key_id: "{$AWS_ACCESS_KEY_ID}",
        aws_secret_access_key: "{$AWS_SECRET_ACCESS_KEY}",
        region: "eu-central-1",
      },
    },
  },
  notes: [
    "Each object is one request, with a checksum that the service compares with what it received.",
    "",
    "Batches: an object is written when it has `max_events` or `max_bytes`, or when its first event has waited for",
    "`max_seconds`; events whose keys differ in anything but `{batch_id}` and `{timestamp}` go into objects of their own.",
    "An object whose storing was not confirmed is sent again as it was, under the same key, however its events come",
    "again. That is remembered for an hour, up to 32 MiB of objects for each webhook's settings, and in this process",
    "alone: after a restart such events may be in a second object. No event is lost, and `event_id` tells which came twice.",
    "",
    "What happens to an event that is not taken:",
    "",
    "- Credentials, rights, bucket, region, clock or settings are wrong (403, `NoSuchBucket`, 301, `RequestTimeTooSkewed`,",
    "  `NotImplemented`), the service has no room, or it cannot be reached: the webhooks with the bucket are paused until",
    "  it is well again. Where the clock is off, the message says by how much.",
    "- It asks for fewer requests (`SlowDown`, 503, 429): all wait as long as it says.",
    "- Its key cannot be made or is refused, or it is too large: it is a dead letter, alone; the others of its object are",
    "  stored.",
    "- Everything else, such as 500, 409 or a checksum that does not fit: it is tried again.",
    "",
    "`cwm check --probe` begins an upload in parts and gives it up: that needs the same right as storing an object, and",
    "leaves none behind. Who may not do the latter (`s3:AbortMultipartUpload`) leaves an upload without parts. Redirects",
    "are not followed.",
    "",
    "Other than in the Python service, the body is not written again, the media type is that of the event, `{uuid}` is",
    "the same for each attempt, and `endpoint_url` counts. Credentials are those of the connection alone: neither",
    "`~/.aws` nor a machine's role is asked.",
    "",
    "Tried with moto 5.2.5, which checks signatures, rights and `If-None-Match`. Not proven against Amazon S3 itself.",
  ],
  connection: ["Connections to the service are kept, and opened as events need them."],
};
