/**
 * The page of `gcp_pubsub`.
 *
 * @module
 */

import type { ModuleDocumentation } from "../documentation.ts";

/** What the page of the module says. */
export const documentation: ModuleDocumentation = {
  description: [
    "Publishes each event to a topic of Google Pub/Sub, with the body as it was received. **It is delivered when Pub/Sub",
    "has answered with the id of its message.** Up to 1,000 events go in one request. An event may be published more",
    "than once: its attribute `cwm-event-id` stays the same.",
    "",
    "Attributes are `cwm-event-id`, `cwm-namespace`, `cwm-webhook`, `cwm-received-at`, `cwm-event-type` where it is",
    "known, and `content-type` as received.",
    "",
    "**Not proven against Google.** Tokens were checked with Google's own library (`google-auth` for Python), requests",
    "with a server that refuses what the published limits refuse. The same tests run against the emulator where",
    "`PUBSUB_EMULATOR_HOST` is set.",
  ],
  example: {
    webhooks: {
      orders: {
        module: "gcp_pubsub",
        connection: "pubsub",
        "module-config": { topic: "orders", ordering_key: "{/order/id}" },
      },
    },
    connections: {
      pubsub: { type: "gcp_pubsub", project_id: "my-project", credentials_path: "/run/secrets/pubsub.json" },
    },
  },
  notes: [
    "## What happens to an event that is not taken",
    "",
    "| Pub/Sub answers, or does | The event |",
    "| --- | --- |",
    "| UNAVAILABLE, INTERNAL, ABORTED, DEADLINE_EXCEEDED, UNKNOWN, CANCELLED, 5xx | is tried again |",
    "| RESOURCE_EXHAUSTED, 429 | is tried again, after the time that the answer asks for |",
    "| INVALID_ARGUMENT, OUT_OF_RANGE, 413 | alone in its request it is a dead letter; of several, the request goes again in halves, until the one to blame is found |",
    "| NOT_FOUND, PERMISSION_DENIED, UNAUTHENTICATED, FAILED_PRECONDITION, UNIMPLEMENTED | is tried again, and the topic pauses |",
    "| no connection, no answer in `timeout`, another answer than Pub/Sub's | is tried again, and the topic pauses |",
    "",
    "An event whose request would have more than 10,000,000 bytes is a dead letter: in base64 that is a body of about",
    "7,500,000. So is one that lacks a value for its `ordering_key`. What was received and is longer than an attribute may",
    "be, or the hundred-and-first, is left out.",
    "",
    "`cwm check --probe` asks for each webhook whether the credentials may publish to its topic",
    "(`testIamPermissions`), which Google answers in the same way for a topic that does not exist; of an emulator it asks",
    "for the topic.",
    "",
    "With an `ordering_key` an event that fails holds up the later ones of its webhook. A subscription keeps the order if",
    "it was made with message ordering and all are published in one region: name its `endpoint`.",
    "",
    "Other than in the Python service, the body is not written again, topics are never made, received headers go along",
    "only with `forward_headers`, and `credentials`, `attributes` and the webhook's `project_id` count.",
  ],
  connection: [
    "Tokens are signed by the gateway itself with the key of a service account, and used for 50 minutes. Without",
    "`credentials` and `credentials_path`, the metadata server is asked for them, which there is on machines and in",
    "clusters of Google (workload identity). A key that Pub/Sub refuses is read again before the next request.",
  ],
};
