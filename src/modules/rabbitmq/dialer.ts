/**
 * Opens connections of `amqplib`, which never reconnect by themselves.
 *
 * @module
 */

import { connect } from "amqplib";
import type { ChannelModel, SocketOptions } from "amqplib";
import type { Duplex } from "node:stream";
import { outputNames } from "../../io/name_lookups.ts";
import { loadTls } from "../../io/tls.ts";
import type { RabbitmqConnection } from "./connection.ts";
import { judgeOpening } from "./errors.ts";

/** What the client takes frames of, in bytes; the server may have a lower bound. */
const FRAME_MAX = 131_072;

/** What a connection of the client has besides what its types say. */
export interface OpenConnection {
  /** Longest frame that both sides take, in bytes. */
  readonly frameMax: number;
  readonly stream: Duplex & { readonly bytesRead: number };
}

/**
 * Opens a connection.
 *
 * @param name of the server, for messages
 * @param signal ends the attempt
 * @throws {DeliveryError} `output_unavailable` with the reason when that is not possible
 */
export async function dial(
  { host, port, username, password, vhost, tls, heartbeatSeconds, timeoutMs }: RabbitmqConnection,
  name: string,
  signal: AbortSignal,
): Promise<ChannelModel> {
  // Of its own: the signal may abort later, when the connection is in use.
  const attempt = new AbortController();
  const abort = () => attempt.abort(signal.reason);
  signal.addEventListener("abort", abort);
  try {
    const socket: SocketOptions & { readonly signal: AbortSignal } = {
      ...(tls === undefined ? {} : await loadTls(tls, signal)),
      // Otherwise the system waits for 40 ms before it sends the end of a message.
      noDelay: true,
      keepAlive: true,
      timeout: timeoutMs,
      lookup: outputNames.lookup,
      signal: attempt.signal,
      clientProperties: { connection_name: "core-webhook-module" },
    };
    signal.throwIfAborted();
    return await connect({
      protocol: tls === undefined ? "amqp" : "amqps",
      hostname: host,
      port,
      username,
      password,
      // The client decodes it, and nothing else.
      vhost: encodeURIComponent(vhost),
      heartbeat: heartbeatSeconds,
      frameMax: FRAME_MAX,
    }, socket);
  } catch (error) {
    throw judgeOpening(signal.aborted ? signal.reason : error, name);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** The connection below a client's model. */
export function connectionOf(model: ChannelModel): OpenConnection {
  return model.connection as unknown as OpenConnection;
}
