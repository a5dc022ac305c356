/** What the floors of the ActiveMQ benchmark do: the bare client over TCP, with the messages that the gateway sends. */

import { once } from "node:events";
import { connect } from "node:net";
import { Client, type IStompSocket } from "@stomp/stompjs";
import { ACTIVEMQ_USERS } from "../support/activemq/server.ts";

/** A client of the library, and what waits for its receipts. */
export interface FloorClient {
  /** Sends a message; resolves when it is confirmed. */
  send(destination: string, id: string, body: string, contentType: string): Promise<void>;
  close(): Promise<void>;
}

/** Opens a connection. */
export async function openFloorClient(port: number): Promise<FloorClient> {
  const socket = connect({ host: "127.0.0.1", port }).setNoDelay(true);
  await once(socket, "connect");
  const adapter: IStompSocket = {
    url: "",
    onopen: null,
    onclose: null,
    onerror: null,
    onmessage: null,
    readyState: 1,
    send: (data) => void socket.write(typeof data === "string" ? data : new Uint8Array(data as ArrayBuffer)),
    close: () => void socket.destroy(),
  };
  socket.on("data", (data) => adapter.onmessage?.({ data }));
  socket.on("close", () => adapter.onclose?.({}));
  const { promise: connected, resolve } = Promise.withResolvers<void>();
  const client = new Client({
    webSocketFactory: () => adapter,
    connectHeaders: { login: "writer", passcode: ACTIVEMQ_USERS.writer },
    reconnectDelay: 0,
    onConnect: () => resolve(),
  });
  client.activate();
  await connected;
  return {
    send: (destination, id, body, contentType) =>
      publishOfTheFloor(client, destination, id, body, contentType),
    close: () => client.deactivate(),
  };
}

function publishOfTheFloor(
  client: Client,
  destination: string,
  id: string,
  body: string,
  contentType: string,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  client.watchForReceipt(id, () => resolve());
  client.publish({
    destination,
    body,
    skipContentLengthHeader: true,
    headers: {
      receipt: id,
      persistent: "true",
      "content-type": contentType,
      "cwm-event-id": id,
      "cwm-namespace": "default",
      "cwm-webhook": "default",
      "cwm-received-at": new Date().toISOString(),
    },
  });
  return promise;
}
