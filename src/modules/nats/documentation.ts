/**
 * What the page of `nats` says.
 *
 * @module
 */

import type { ModuleDocumentation } from "../documentation.ts";

/** What the page of the module says. */
export const documentation: ModuleDocumentation = {
  description: [
    "Publishes each event to a subject of NATS, with the body as it was received. **It is delivered when a stream of",
    "JetStream has confirmed it**: the servers that keep the stream have it, in memory or in a file that they write to",
    "disk by a timer. A stream with `discard: old` confirms, and drops the oldest; one with `no_ack` never confirms.",
    "",
    "With `unconfirmed: true` it is a message of core NATS: it is delivered when the server has read it, whether or not",
    "anybody listens.",
    "",
    "Each message has the headers `cwm-event-id`, `cwm-namespace`, `cwm-webhook`, `cwm-received-at`, the content type of",
    "the request and, where it is known, `cwm-event-type`. `Nats-Msg-Id` is the event's id with an ending for the",
    "destination, so an event whose confirmation got lost is stored once, if it comes again within the stream's",
    "`duplicate_window`.",
  ],
  example: {
    webhooks: {
      orders: {
        module: "nats",
        connection: "nats",
        "module-config": { subject: "orders.{webhook_id}.{/order/country}", stream: "ORDERS" },
      },
    },
    connections: {
      nats: {
        type: "nats",
        servers: "nats-1:4222,nats-2:4222",
        username: "gateway",
        password: "{$NATS_PASSWORD}",
      },
    },
  },
  notes: [
    "Streams are not made: a subject that none takes is tried again until there is one. Two steps of a chain with equal",
    "settings and `payload` make one message of an event, unless their `message_id` differs.",
    "",
    "## What happens to an event that is not taken",
    "",
    "| The server says, or does | The event |",
    "| --- | --- |",
    "| no stream takes the subject, or another one than `stream` (10060) | is tried again |",
    "| the stream is full (10077), JetStream has no room or is not ready, any other refusal | is tried again |",
    "| the user may not publish on the subject | is tried again |",
    "| the stream does not confirm within `timeout` | is tried again |",
    "| larger than the stream's `max_msg_size` (10054) or the server's `max_payload`, headers of more than 64 KiB (10097) | is a dead letter |",
    "| refuses the login, ends the connection, is silent for `timeout` | is tried again, and the output pauses |",
    "",
    "An event that lacks a value for its subject is a dead letter. The order of a webhook's events is kept as long as none",
    "has to be repeated. Headers are UTF-8; a control character becomes U+FFFD.",
    "",
    "`cwm check --probe` connects, logs in, and asks whether a stream takes the subject and confirms, by an empty message",
    "that no stream stores, since it names a last message that there never was (`Nats-Expected-Last-Msg-Id`). Whoever",
    "listens to the subject with core NATS gets it. Where the subject has values of the event, it looks whether `stream`",
    "exists, if the user may ask; with `unconfirmed` it asks the server for an answer alone.",
  ],
  connection: [
    "One connection is used for all webhooks that name it. It is opened when the first event needs it and again after",
    "it was lost; files of credentials and certificates are read again then. A connection whose settings change is",
    "replaced.",
  ],
};
