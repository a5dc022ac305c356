/**
 * Opens connections to servers. The library connects once on each and never again: it would throw away what is
 * published in between.
 *
 * @module
 */

import {
  type Authenticator,
  ConnectionError,
  Kind,
  NatsConnectionImpl,
  type ParserEvent,
  PermissionViolationError,
  ProtocolHandler,
  setTransportFactory,
} from "@nats-io/nats-core/internal";
import { DeliveryError } from "../../../errors.ts";
import { authorityOf } from "../../../io/address.ts";
import type { Opening } from "../../../io/connection.ts";
import { loadTls } from "../../../io/tls.ts";
import type { ServerAddress } from "../../../schema/addresses.ts";
import { abortable } from "../../../time/abortable.ts";
import type { NatsSettings } from "../connection.ts";
import { judgeEnd } from "../errors.ts";
import { greet } from "./greeting.ts";
import { authenticatorOf } from "./login.ts";
import { Sender } from "./sender.ts";
import { HandedTransport, notNats, ServerSocket } from "./socket.ts";

/** How long a server may take to let the gateway in, in milliseconds. */
export const OPEN_TIMEOUT_MS = 5_000;

/** How often an idle connection is looked at, in milliseconds; after two questions without an answer it ends. */
const PING_INTERVAL_MS = 30_000;

const CLIENT_NAME = "core-webhook-module";

/** What the library takes for the server's address: the transport is connected already. */
const ANY_SERVER = "connected:4222";

const decoder = new TextDecoder();

/** A connection that is in order. */
export interface NatsLink {
  readonly sender: Sender;
  readonly connection: NatsConnectionImpl;
  readonly socket: ServerSocket;
  /** How messages name the server. */
  readonly server: string;
}

/** How messages name servers. */
export function nameOf(servers: readonly ServerAddress[]): string {
  return `NATS ${servers.map(({ host, port }) => authorityOf(host, port)).join(", ")}`;
}

/**
 * Connects to a server.
 *
 * @throws {DeliveryError} with the reason when that is not possible
 */
export async function dialNats(
  settings: NatsSettings,
  address: ServerAddress,
  { signal, lost }: Opening,
): Promise<NatsLink> {
  const server = nameOf([address]);
  const tls = settings.tls === undefined ? undefined : await loadTls(settings.tls, signal);
  const authenticator = await authenticatorOf(settings.login, signal);
  signal.throwIfAborted();
  const socket = new ServerSocket(address, server);
  let link: NatsLink | undefined;
  try {
    const first = await abortable(greet(socket, tls, server), signal);
    const connection = await abortable(connectOn(socket, first, authenticator), signal);
    link = linkOf(connection, socket, server, settings);
    await abortable(abortable(link.sender.ask(), socket.ended), signal);
    socket.ended.addEventListener("abort", () => lost(socket.ended.reason), { once: true });
    socket.ended.throwIfAborted();
    return link;
  } catch (error) {
    // Of a socket that has ended the library knows only that it is not connected.
    const reason = socket.ended.aborted && error instanceof ConnectionError ? socket.ended.reason : error;
    link?.sender.close();
    await socket.close();
    if (signal.aborted) throw reason;
    throw judgeEnd(reason, server);
  }
}

/** Ends a connection at once. @returns resolves when its socket is closed */
export async function closeNats({ sender, connection, socket }: NatsLink): Promise<void> {
  sender.close();
  await connection.close();
  await socket.close();
}

async function connectOn(
  socket: ServerSocket,
  first: Uint8Array<ArrayBuffer>,
  authenticator: Authenticator | undefined,
): Promise<NatsConnectionImpl> {
  setTransportFactory({ factory: () => new HandedTransport() });
  const options = {
    servers: ANY_SERVER,
    name: CLIENT_NAME,
    reconnect: false,
    ignoreClusterUpdates: true,
    pingInterval: PING_INTERVAL_MS,
    maxPingOut: 2,
    // Whoever opens the connection has an end of the wait of its own.
    timeout: OPEN_TIMEOUT_MS * 2,
    ...(authenticator === undefined ? {} : { authenticator }),
    socket,
    first,
  };
  return await NatsConnectionImpl.connect(options) as NatsConnectionImpl;
}

function linkOf(
  connection: NatsConnectionImpl,
  socket: ServerSocket,
  server: string,
  { inboxPrefix, timeoutMs }: NatsSettings,
): NatsLink {
  readOn(connection, socket, server, (error) => {
    if (error instanceof PermissionViolationError && error.operation === "publish") sender.forbid(error);
    // It may not subscribe to where confirmations come, or the server ends the connection.
    else socket.end(error);
  });
  const sender = new Sender(connection, {
    server,
    inbox: `${inboxPrefix}.${crypto.randomUUID().replaceAll("-", "")}`,
    timeoutMs,
    heardAt: () => socket.heardAt,
    onSilent: () => {
      socket.end(new DeliveryError("output_timeout", `${server} did not answer within ${timeoutMs} ms`));
    },
  });
  return { sender, connection, socket, server };
}

/** Has what arrives read at once, and errors heard at the place where they stand between the answers. */
function readOn(
  { protocol }: NatsConnectionImpl,
  socket: ServerSocket,
  server: string,
  onError: (error: Error) => void,
): void {
  const { parser } = protocol;
  parser.dispatcher = {
    push: (event: ParserEvent) => {
      if (event.kind === Kind.ERR) onError(errorOf(event.data));
      else protocol.push(event);
    },
  };
  socket.receive = (chunk) => {
    try {
      parser.parse(chunk);
    } catch (error) {
      socket.end(notNats(server, error));
    }
  };
}

/** An error as the server writes it, between quotes. */
function errorOf(bytes: Uint8Array = new Uint8Array()): Error {
  return ProtocolHandler.toError(decoder.decode(bytes).replace(/^'|'$/g, ""));
}
