import type { ModuleDocumentation } from "../documentation.ts";

/** What the page of the module says. */
export const documentation: ModuleDocumentation = {
  description: [
    "Publishes each event to a topic of an MQTT broker, with the body as it was received. **It is delivered when the",
    "broker has confirmed it** (`qos` 1 or 2). A broker confirms what nobody has subscribed to, and keeps what it",
    "confirms in memory, unless it is configured to write it to disk at once: Mosquitto writes by a timer.",
    "With `qos: 0` an event is delivered when it is written to the connection, and may be lost with it.",
    "",
    "With MQTT 5 each message has the content type of the request and the user properties `cwm-event-id`,",
    "`cwm-namespace`, `cwm-webhook`, `cwm-received-at` and, where it is known, `cwm-event-type`. An event whose",
    "confirmation got lost is published again; its `cwm-event-id` is the same. MQTT 3.1.1 has no place for them, and",
    "no way for a broker to say that it does not permit a topic: use it only where the broker does not speak 5.",
  ],
  example: {
    webhooks: {
      sensors: {
        module: "mqtt",
        connection: "broker",
        "module-config": { topic: "site/{webhook_id}/{/device/id}", qos: 1 },
      },
    },
    connections: {
      broker: { type: "mqtt", host: "mqtt.internal", username: "gateway", password: "{$MQTT_PASSWORD}" },
    },
  },
  notes: [
    "## What happens to an event that is not taken",
    "",
    "| The broker says, or does | The event |",
    "| --- | --- |",
    "| not authorized (135), topic name invalid (144), quota exceeded (151), any other refusal | is tried again |",
    "| packet too large (149), payload format invalid (153), or it is larger than the broker's maximum | is a dead letter |",
    "| refuses `retained` or the `qos` | is tried again |",
    "| refuses the connection, closes it, is silent for `timeout` | is tried again, and the output pauses |",
    "| breaks the connection over one message | those under way go again one by one; the one to blame is a dead letter |",
    "",
    "An event that lacks a value for its topic is a dead letter. No more messages are unconfirmed than the broker",
    "allows, and never more than 64. The order of a webhook's events is kept as long as none has to be repeated.",
    "",
    "Headers in properties are UTF-8; a control character becomes U+FFFD, since brokers close the connection on it.",
    "",
    "`cwm check --probe` connects, logs in, asks the broker for an answer, and looks whether it takes the `qos` and",
    "`retained` of each webhook. Whether the user may publish on a topic it cannot know: MQTT has no question for that.",
  ],
  connection: [
    "One connection is used for all webhooks that name it. It is opened when the first event needs it and again after",
    "it was lost; user name, password and certificates are read again then. A connection whose settings change is",
    "replaced.",
  ],
  connectionNotes: [
    "The Python service opened a connection for each request, all with one client id, so that each closed the one",
    "before it; it wrote payloads again, and took `mqtt_version` 3.1.1 where none was said. Here it is 5.",
  ],
};
