/**
 * Messages: what is published for an event, and how long the packet becomes that carries it.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { Event } from "../../event/event.ts";
import { messageHeaders } from "../../event/event_headers.ts";
import { forEachForwardable } from "../../event/header_policy.ts";
import { jsonText } from "../../event/json_body.ts";
import type { MqttConfig, QualityOfService } from "./config.ts";
import type { ProtocolVersion } from "./connection.ts";
import { mqttHeaderText, mqttText } from "./text.ts";

/** What stands beside topic and payload in MQTT 5. */
export interface MessageProperties {
  readonly contentType?: string;
  readonly userProperties: Record<string, string>;
}

/** One message. */
export interface MqttMessage {
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: QualityOfService;
  readonly isRetained: boolean;
  /** `undefined` in MQTT 3.1.1, which has none. */
  readonly properties: MessageProperties | undefined;
}

/**
 * The message of an event.
 *
 * @throws {DeliveryError} `output_rejected` when it has none for this configuration
 */
export function messageOf(event: Event, config: MqttConfig, version: ProtocolVersion): MqttMessage {
  return {
    topic: config.topicOf(event),
    payload: payloadOf(event, config),
    qos: config.qos,
    isRetained: config.isRetained,
    properties: version === 5 ? propertiesOf(event, config) : undefined,
  };
}

function payloadOf(event: Event, { form, dataType }: MqttConfig): Buffer {
  switch (form.kind) {
    case "body": {
      const { bytes } = event.body;
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    case "shelly": {
      const id = JSON.stringify(form.deviceId);
      return Buffer.from(`{"id":${id},"source":"webhook","params":${objectOf(event, dataType)}}`);
    }
    case "tasmota":
      return Buffer.from(objectOf(event, dataType));
  }
}

/** The payload's own text as an object of JSON. */
function objectOf({ body }: Event, dataType: "json" | "blob"): string {
  if (dataType === "blob") return `{"data_base64":"${body.bytes.toBase64()}"}`;
  const text = jsonText(body);
  return text.trimStart().startsWith("{") ? text : `{"data":${text}}`;
}

function propertiesOf(event: Event, { forwardsHeaders }: MqttConfig): MessageProperties {
  // Without a prototype, since senders choose the names of headers.
  const userProperties: Record<string, string> = Object.create(null);
  const naming = messageHeaders(event);
  for (let index = 0; index < naming.length; index += 2) {
    userProperties[naming[index]!] = mqttText(naming[index + 1]!);
  }
  if (forwardsHeaders) {
    forEachForwardable(event.headers, (name, value) => {
      if (name !== "content-type") userProperties[mqttText(name)] = mqttHeaderText(value);
    });
  }
  const contentType = event.headers.get("content-type");
  return contentType === null ? { userProperties } : {
    contentType: mqttHeaderText(contentType),
    userProperties,
  };
}

/** Of the fixed header, the packet identifier and the lengths of topic and properties, at most; in bytes. */
const OVERHEAD = 1 + 4 + 2 + 2 + 4;

/** Of a property besides its texts, at most; in bytes. */
const PROPERTY_OVERHEAD = 5;

/** Whether the packet of a message is certainly not longer than a broker takes, in bytes. */
export function fitsPacket({ topic, payload, properties }: MqttMessage, maxBytes: number): boolean {
  let left = maxBytes - OVERHEAD - payload.byteLength - Buffer.byteLength(topic);
  if (properties === undefined) return left >= 0;
  const { contentType, userProperties } = properties;
  if (contentType !== undefined) left -= PROPERTY_OVERHEAD + Buffer.byteLength(contentType);
  for (const name in userProperties) {
    left -= PROPERTY_OVERHEAD + Buffer.byteLength(name) + Buffer.byteLength(userProperties[name]!);
  }
  return left >= 0;
}
