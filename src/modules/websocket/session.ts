/**
 * One WebSocket connection from its handshake to its end.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
// @ts-types="@types/ws"
import WebSocket from "ws";
import { authorityOf } from "../../io/address.ts";
import type { Opening } from "../../io/connection.ts";
import { DeliveryError } from "../../errors.ts";
import type { SocketOpener } from "../../io/http/socket_opener.ts";
import type { WebsocketConfig } from "./config.ts";
import { judgeClose, judgeHandshake, judgeOpening } from "./errors.ts";
import type { Message } from "./message.ts";

/** Longest message that is read, in bytes: answers are short. A longer one ends the connection. */
const MAX_ANSWER = 64 * 1024;

/** How long a peer that has said that it closes may take to do so, in milliseconds: what is on its way then is lost. */
const CLOSE_MS = 500;

/** The code of connections that end without one (RFC 6455, section 7.4.1). */
const BROKEN = 1006;

/** A connection. What its methods promise never settles when it ends: whoever waits is told by `lost`. */
export class Session {
  /** The code that it was closed with; `undefined` while it is open. */
  closedWith: number | undefined;
  /** Called with each message of the peer's. */
  onMessage: (text: string) => void = () => {};
  readonly #socket: WebSocket;
  readonly #pongs = new Map<string, () => void>();
  readonly #pinging: ReturnType<typeof setInterval>;
  #pings = 0;
  #isAnswered = true;

  private constructor(socket: WebSocket, config: WebsocketConfig, server: string, { lost }: Opening) {
    this.#socket = socket;
    socket.on("message", (data) => {
      this.#isAnswered = true;
      this.onMessage(data.toString());
    });
    socket.on("pong", (data) => {
      this.#isAnswered = true;
      this.#pongs.get(data.toString())?.();
    });
    socket.on("close", (code) => {
      clearInterval(this.#pinging);
      this.closedWith = code;
      lost(judgeClose(code, server));
    });
    this.#pinging = setInterval(() => this.#checkPeer(server, lost), config.pingIntervalMs);
  }

  /**
   * Connects, to addresses that the policy permits, and shakes hands.
   *
   * @throws {DeliveryError} when there is no connection
   */
  static async open(
    config: WebsocketConfig,
    opener: SocketOpener,
    server: string,
    opening: Opening,
  ): Promise<Session> {
    try {
      const raw = await opener.open(config.destination, opening.signal);
      const socket = await shakeHands(raw, config, server, opening.signal);
      return new Session(socket, config, server, opening);
    } catch (error) {
      throw judgeOpening(error, server);
    }
  }

  /** Resolves when the messages have been handed to the network. */
  async write(messages: readonly Message[]): Promise<void> {
    const last = messages.length - 1;
    await Promise.all(messages.map(({ data, isBinary }, index) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      // They are written in their order: only the last one is waited for.
      this.#socket.send(data, { binary: isBinary }, index === last ? () => resolve() : undefined);
      return index === last ? promise : undefined;
    }));
  }

  /** Resolves when the peer has answered a ping, and so has read all that was written before. */
  async pong(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const name = String(++this.#pings);
    this.#pongs.set(name, resolve);
    this.#socket.ping(Buffer.from(name));
    await promise;
    this.#pongs.delete(name);
  }

  /** Ends the connection at once: a peer that hangs would never take part in closing it. */
  close(): void {
    clearInterval(this.#pinging);
    if (this.closedWith === undefined) this.#socket.close(1000);
    this.#socket.terminate();
  }

  #checkPeer(server: string, lost: Opening["lost"]): void {
    if (!this.#isAnswered) {
      lost(new DeliveryError("output_unavailable", `${server} does not answer pings`));
      return;
    }
    this.#isAnswered = false;
    this.#socket.ping();
  }
}

/** @throws {DeliveryError} when the handshake is refused; anything else that keeps it from succeeding */
async function shakeHands(
  raw: Socket,
  { destination, headers, subprotocols, timeoutMs }: WebsocketConfig,
  server: string,
  signal: AbortSignal,
): Promise<WebSocket> {
  const { hostname, port, path, protocol } = destination;
  const authority = authorityOf(hostname, port);
  const isUsual = port === (protocol === "https:" ? 443 : 80);
  const options = {
    createConnection: () => raw,
    headers: {
      host: isUsual ? authority.slice(0, authority.lastIndexOf(":")) : authority,
      "user-agent": "core-webhook-module",
      ...Object.fromEntries(headers),
    },
    perMessageDeflate: false,
    followRedirects: false,
    handshakeTimeout: timeoutMs,
    closeTimeout: CLOSE_MS,
    maxPayload: MAX_ANSWER,
  };
  // TLS is the opener's: what is spoken over it is the same.
  const socket = new WebSocket(`ws://${authority}${path}`, [...subprotocols], options);
  const { promise, resolve, reject } = Promise.withResolvers<WebSocket>();
  const abort = () => reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  socket.on("error", reject); // The connection ends then, and this stays to take what comes later.
  socket.once("open", () => resolve(socket));
  socket.once("close", () => reject(Object.assign(new Error("closed"), { code: BROKEN })));
  socket.once("unexpected-response", (_request, response: IncomingMessage) => {
    reject(judgeHandshake(response.statusCode ?? 0, response.headers, server));
    response.destroy();
  });
  try {
    return await promise;
  } catch (error) {
    raw.destroy();
    socket.terminate();
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
