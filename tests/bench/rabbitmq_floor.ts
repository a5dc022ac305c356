import type { Options } from "amqplib";

/** The properties of the message that the output would send for an event. */
export function floorProperties(id: string): Options.Publish {
  return {
    mandatory: true,
    persistent: true,
    messageId: id,
    appId: "floor",
    timestamp: Math.floor(Date.now() / 1000),
    contentType: "application/json",
    headers: {
      "cwm-event-id": id,
      "cwm-namespace": "default",
      "cwm-webhook": "default",
      "cwm-received-at": new Date().toISOString(),
    },
  };
}
