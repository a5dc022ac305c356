/**
 * The page about `eventbridge`.
 *
 * @module
 */

import type { ModuleDocumentation } from "../../documentation.ts";

/** What the page of the module says. */
export const documentation: ModuleDocumentation = {
  description: [
    "Puts each event onto a bus of Amazon EventBridge, up to ten in a request. An event counts as delivered when",
    "EventBridge has given it an id of its own, which says nothing of the targets of rules.",
    "",
    "The `detail` is a JSON object with `event_id`, `namespace`, `webhook`, `event_type` where it is known,",
    "`received_at`, `headers` (without credentials) and the body as `payload`, or as `body_base64` with",
    "`data_type: blob`. So rules look at `detail.payload`. The `time` is when the event was received, in whole seconds.",
    "An event may come more than once: its `event_id` stays the same.",
  ],
  example: {
    webhooks: {
      orders: {
        module: "eventbridge",
        connection: "eventbridge",
        "module-config": { event_bus: "orders", detail_type: "order" },
      },
    },
    connections: {
      eventbridge: {
        type: "eventbridge",
        region: "eu-central-1",
        aws_access_key_id: "{$AWS_ACCESS_KEY_ID}",
        aws_secret_access_key: "{$AWS_SECRET_ACCESS_KEY}",
      },
    },
  },
  notes: [
    "The right that it needs is `events:PutEvents`; with `events:DescribeEventBus`, `cwm check --probe` finds out whether",
    "the bus is there. **Whether EventBridge itself says that a bus is missing, or takes events for it that nobody gets,",
    "is up to it**: probe before you rely on it.",
    "",
    "EventBridge answers for each event. One that it refuses for what is in it, or that is too large, is a dead letter,",
    "alone: a batch that is refused as a whole is sent in parts first. Where it asks for fewer events, it gets fewer.",
    "While the right is missing, or EventBridge cannot be reached, events wait.",
    "",
    "Proven against [moto](https://github.com/getmoto/moto) 5.2.5, which checks signatures and rights, not against AWS.",
  ],
};
