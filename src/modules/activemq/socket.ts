/**
 * A TCP or TLS connection in the form that the client takes: that of a `WebSocket`.
 *
 * @module
 */

import { connect, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { IStompSocket } from "@stomp/stompjs";
import { outputNames } from "../../io/name_lookups.ts";
import type { TlsOptions } from "../../io/tls.ts";
import type { ActivemqConnection } from "./connection.ts";

/** Opens a connection. @param tls `undefined`: without */
export function openSocket(
  { host, port }: Pick<ActivemqConnection, "host" | "port">,
  tls: TlsOptions | undefined,
): Socket {
  const server = { host, port, lookup: outputNames.lookup };
  const socket = tls === undefined
    ? connect(server)
    : connectTls({ ...server, ...(isIP(host) === 0 ? { servername: host } : {}), ...tls });
  // Otherwise the system waits for 40 ms before it sends the end of a message.
  return socket.setNoDelay(true);
}

/** Numbers of `WebSocket.readyState`. */
const STATES = { connecting: 0, open: 1, closed: 3 } as const;

/** What the client writes to and hears from. */
export class StompSocket implements IStompSocket {
  readonly url: string;
  onclose: ((event: object) => void) | undefined;
  onerror: ((event: unknown) => void) | undefined;
  onmessage: ((event: { readonly data: Uint8Array | string }) => void) | undefined;
  onopen: (() => void) | undefined;
  readonly #socket: Socket;
  #state: number = STATES.connecting;

  /** @param openEvent of the socket, when it can be written to */
  constructor(socket: Socket, url: string, openEvent: "connect" | "secureConnect") {
    this.#socket = socket;
    this.url = url;
    socket.once(openEvent, () => {
      this.#state = STATES.open;
      this.onopen?.();
    });
    socket.on("data", (data) => this.onmessage?.({ data }));
    socket.once("close", () => {
      this.#state = STATES.closed;
      this.onclose?.({});
    });
  }

  get readyState(): number {
    return this.#state;
  }

  send(data: string | ArrayBufferLike | Blob | ArrayBufferView): void {
    this.#socket.write(typeof data === "string" ? data : new Uint8Array(data as ArrayBuffer));
  }

  /** At once: a broker that is frozen would never answer a graceful end. */
  close(): void {
    this.#socket.destroy();
  }
}
