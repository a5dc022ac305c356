import type { ModuleDocumentation } from "../documentation.ts";

/** What the page of the module says. */
export const documentation: ModuleDocumentation = {
  description: [
    "Publishes to a topic of a Kafka cluster, with the body exactly as it was received, and the record headers",
    "`cwm-event-id`, `cwm-namespace`, `cwm-webhook`, `cwm-received-at`, `cwm-event-type` where it is known, and",
    "`content-type`. An event counts as delivered when all replicas in step have it. Topics are never created. The partition of a key is the one that",
    "Java's clients choose (murmur2). The record's time is when it was sent, not when the event was received.",
    "",
    "Brokers recognise what they already have, so an event is not stored twice when a leader moves, a follower",
    "stops or a connection breaks. It may arrive more than once when it was given up before the brokers had decided",
    "on it and is tried again, or when the gateway ends meanwhile: its id stays the same.",
    "",
    "Brokers are sent to independently: one that does not answer holds up the events for its own partitions only.",
    "They wait for it, or for the partition's next leader, for as long as `timeout` says; events without a key go",
    "to partitions whose leader answers. A broker answers one request of a connection after another, so a topic",
    "that waits for replicas holds up other topics with the same leader for up to 1.5 seconds, once; a webhook with",
    "a `connection_group` of its own is not held up at all.",
  ],
  example: {
    webhooks: {
      "orders": {
        "module": "kafka",
        "connection": "kafka",
        "module-config": { "topic": "orders", "key": { "json_pointer": "/order/id" } },
      },
    },
  },
  notes: [
    "A topic or partition that is missing, or closed to the gateway, is tried again: the event arrives when it has",
    "been made or opened. A record that the brokers will never take, such as one over their `max.message.bytes`,",
    "goes to the dead letters alone; the others of its batch arrive. When brokers refuse the time of records, the",
    "gateway's clock is wrong: `output_unavailable`, and the log has the time that the gateway takes it to be.",
    "",
    "A client that is over its quota has to send nothing for a while; the log says so, and",
    "`cwm_output_throttled_seconds_total` counts the time. Quotas go by `client_id` or by user. Brokers must be",
    "Apache Kafka 0.11 or later, or speak its protocol. Before version 3 the gateway needs the permission",
    "`IdempotentWrite` on the cluster; without it events arrive all the same, but may be stored twice when they are",
    "tried again.",
  ],
};
