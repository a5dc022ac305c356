/** What the floors of the NATS benchmark do: the bare client, with the messages that the gateway sends. */

import { jetstream, type JetStreamClient, type PubAck } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/nats-core/internal";
import { headers } from "@nats-io/nats-core/internal";
import { connect } from "@nats-io/transport-node";

/** A client as the libraries make it. */
export interface FloorClient {
  readonly connection: NatsConnection;
  readonly stream: JetStreamClient;
}

export async function openFloorClient(port: number): Promise<FloorClient> {
  const connection = await connect({ servers: `127.0.0.1:${port}` });
  return { connection, stream: jetstream(connection) };
}

/** Publishes a message with the same body and headers as the gateway's; resolves when it is confirmed. */
export function publishOfTheFloor(
  { stream }: FloorClient,
  subject: string,
  id: string,
  body: Uint8Array<ArrayBuffer>,
  contentType: string,
): Promise<PubAck> {
  const naming = headers();
  naming.set("cwm-event-id", id);
  naming.set("cwm-namespace", "default");
  naming.set("cwm-webhook", "default");
  naming.set("cwm-received-at", new Date().toISOString());
  naming.set("content-type", contentType);
  return stream.publish(subject, body, { msgID: `${id}-0a1b2c3d`, headers: naming });
}
