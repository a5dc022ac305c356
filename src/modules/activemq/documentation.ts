/**
 * The page of `activemq`.
 *
 * @module
 */

import type { ModuleDocumentation } from "../documentation.ts";

/** What the page of the module says. */
export const documentation: ModuleDocumentation = {
  description: [
    "Sends each event to a queue or a topic of ActiveMQ over STOMP 1.2, with the body as it was received. **It is",
    "delivered when the broker has answered with a receipt**: a persistent message is in the broker's store then, and",
    "outlives its end. A topic has no store for those who have not subscribed: an event that nobody listens for is",
    "delivered, and gone.",
    "",
    "Headers are `cwm-event-id`, `cwm-namespace`, `cwm-webhook`, `cwm-received-at`, `cwm-event-type` where it is known,",
    "and `content-type` as received. An event may arrive more than once: its `cwm-event-id` stays the same.",
  ],
  example: {
    webhooks: {
      orders: {
        module: "activemq",
        connection: "broker",
        "module-config": { destination: "orders", destination_type: "queue" },
      },
    },
    connections: {
      broker: {
        type: "activemq",
        host: "activemq.internal",
        user: "gateway",
        password: "{$ACTIVEMQ_PASSWORD}",
      },
    },
  },
  notes: [
    "## What happens to an event that is not taken",
    "",
    "| The broker says, or does | The event |",
    "| --- | --- |",
    "| ERROR for this message: not authorized, no room (`sendFailIfNoSpace`), no such destination | is tried again, and the destination pauses |",
    "| nothing for `timeout`: it is frozen, or its store, its memory or the queue is full | is tried again, and the destination pauses |",
    "| ERROR at login, refuses or closes the connection | is tried again, and the destination pauses |",
    "| closes the connection since it cannot read a frame, as when it is larger than `maxFrameSize` | those under way go again on connections of their own; the one to blame is a dead letter |",
    "",
    "An event that is larger than `max_frame_size`, has a forwarded header of more than 10 KiB, or is no text where",
    "`message_type` says so, is a dead letter, alone.",
    "",
    "A broker that is full says nothing at all unless it is configured with `sendFailIfNoSpace`. It may store what the",
    "gateway has given up once there is room: such events arrive twice. Meanwhile the gateway asks with a message in",
    "a transaction, which it takes back, whether there is room again. `cwm check --probe` asks in the same way for each",
    "webhook, so it finds a user without the right to write, or to make the queue; a queue that was not there is made",
    "by it, as an event would do.",
    "",
    "Each destination has a connection of its own, with up to 64 unconfirmed messages, so that a queue that is full",
    "holds up no other. The order of a webhook's events is kept as long as none has to be repeated.",
    "",
    "Other than in the Python service, the body is not written again, messages are persistent and confirmed, TLS is",
    "used where `use_ssl` says so, and the received headers go along only with `forward_headers`, under other names.",
    "Consumers in Java got a `BytesMessage` for JSON there: set `message_type: bytes` where they count on it.",
    "Tried with ActiveMQ Classic 5.17. Artemis was not: its acceptor needs `anycastPrefix=/queue/` and",
    "`multicastPrefix=/topic/`.",
  ],
  connection: [
    "Connections are opened when the first event needs them, and again after they were lost; user name, password and",
    "certificates are read again then. A connection whose settings change is replaced.",
  ],
};
