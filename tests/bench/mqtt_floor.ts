/** What the floors of the MQTT benchmark do: the bare client, with the messages that the gateway sends. */

import { Buffer } from "node:buffer";
import { connectAsync, type MqttClient } from "mqtt";

/** A client as the library makes it, of MQTT 5. */
export function openFloorClient(port: number): Promise<MqttClient> {
  return connectAsync(`mqtt://127.0.0.1:${port}`, { protocolVersion: 5 });
}

/** Publishes a message with the same payload and properties as the gateway's; resolves when it is confirmed. */
export function publishOfTheFloor(
  client: MqttClient,
  topic: string,
  id: string,
  body: Uint8Array<ArrayBuffer>,
  contentType: string,
): Promise<unknown> {
  return client.publishAsync(topic, Buffer.from(body.buffer, body.byteOffset, body.byteLength), {
    qos: 1,
    properties: {
      contentType,
      userProperties: {
        "cwm-event-id": id,
        "cwm-namespace": "default",
        "cwm-webhook": "default",
        "cwm-received-at": new Date().toISOString(),
      },
    },
  });
}
