import type { ModuleDocumentation } from "../documentation.ts";

/** What the page of the module says. */
export const documentation: ModuleDocumentation = {
  description: [
    "Publishes each event as a persistent message, with the body exactly as it was received. An event counts as",
    "delivered when RabbitMQ has confirmed it and at least one queue has taken it: a durable classic queue has written",
    "it to disk then, and a quorum queue has it on a majority of its nodes. **A queue that is not durable loses it when",
    "RabbitMQ is restarted, and one that drops its oldest messages when it is full confirms all the same.**",
    "",
    "Properties are `message_id` (the event's id), `content_type` as received, `timestamp`, `type` where the type of",
    "the event is known, and `app_id`; headers are `cwm-event-id`, `cwm-namespace`, `cwm-webhook`, `cwm-received-at`",
    "and `cwm-event-type` where it is known. All headers are texts. An event may arrive more than once: its",
    "`message_id` stays the same.",
  ],
  example: {
    webhooks: {
      jobs: { module: "rabbitmq", connection: "rabbit", "module-config": { queue_name: "jobs" } },
      orders: {
        module: "rabbitmq",
        connection: "rabbit",
        "module-config": { exchange: "events", routing_key: "orders.{/order/country}" },
      },
    },
    connections: {
      rabbit: { type: "rabbitmq", host: "localhost", user: "gateway", pass: "{$RABBITMQ_PASS}" },
    },
  },
  notes: [
    "What happens to an event that RabbitMQ does not take:",
    "",
    "- No queue takes it (312), the exchange is missing (404), or a queue that is full refuses it (`reject-publish`):",
    "  it is tried again. With a fan-out, the other queues may have it already, and get it again.",
    "- The user may not write there (403), or RabbitMQ is short of memory or disk, stops, or cannot be reached: the",
    "  webhook, or all webhooks of the connection, are paused until it is well again.",
    "- It is larger than `max_message_size` (406), its headers are too long for a frame, or its routing key cannot be",
    "  made: it is a dead letter, alone; the others of its batch arrive.",
    "",
    "A server that says nothing for as long as `timeout` says is connected to again; where only one queue does not",
    "confirm, such as a quorum queue without a majority, the others go on. `cwm check --probe` publishes a message",
    "that no queue takes, and looks whether queues and exchanges are there and may be written to.",
    "",
    "Other than in the Python service, the body is not written again, the received headers go along only with",
    "`forward_headers`, `vhost` counts, and an event that no queue takes is not lost. The queue is made as there:",
    "durable, without arguments. Tried with RabbitMQ 3.10.",
  ],
  connection: [
    "A connection is opened when the first event needs it, and again after it was lost. Each queue and each exchange",
    "has a channel of its own on it, up to 128 at once.",
  ],
};
