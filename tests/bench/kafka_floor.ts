/** What the floors of the Kafka benchmark do: the bare client, with the records that the gateway makes. */

import { Buffer } from "node:buffer";
import { Kafka, type Message, Partitioners, type Producer } from "kafkajs";

/** A producer as the library makes it, but that it creates no topics. */
export async function openFloorProducer(brokers: string): Promise<Producer> {
  const kafka = new Kafka({ brokers: brokers.split(",") });
  const producer = kafka.producer({
    allowAutoTopicCreation: false,
    createPartitioner: Partitioners.DefaultPartitioner,
  });
  await producer.connect();
  return producer;
}

/** A record with the same value and headers as the gateway's. */
export function recordOfTheFloor(id: string, body: Uint8Array<ArrayBuffer>, contentType: string): Message {
  return {
    key: null,
    value: Buffer.from(body.buffer, body.byteOffset, body.byteLength),
    headers: {
      "cwm-event-id": id,
      "cwm-namespace": "default",
      "cwm-webhook": "default",
      "cwm-received-at": new Date().toISOString(),
      "content-type": contentType,
    },
  };
}
