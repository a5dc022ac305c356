/**
 * Opens connections to a broker, each with a client of its own that never connects again by itself: one that has
 * reported an error goes on as if nothing were, and settles nothing any more.
 *
 * @module
 */

import { connect, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { type IClientOptions, type IConnackPacket, MqttClient } from "mqtt";
import { DeliveryError } from "../../errors.ts";
import { authorityOf } from "../../io/address.ts";
import type { Opening } from "../../io/connection.ts";
import { outputNames } from "../../io/name_lookups.ts";
import { loadTls, type TlsOptions } from "../../io/tls.ts";
import { abortable } from "../../time/abortable.ts";
import type { MqttConnection } from "./connection.ts";
import { blamesMessage, isOfAnswer, judgeClientError, judgeEnd } from "./errors.ts";
import { type BrokerLimits, Sender } from "./sender.ts";

/** How long a broker may take to let the gateway in, in milliseconds. */
export const OPEN_TIMEOUT_MS = 5_000;

/** The most messages that the protocol lets be unconfirmed. */
const MAX_RECEIVE_MAXIMUM = 0xffff;

/** A connection that is in order. */
export interface MqttBroker {
  readonly sender: Sender;
  readonly client: MqttClient;
  readonly socket: Socket;
}

/** How messages name the broker that a connection leads to. */
export function nameOf({ host, port }: MqttConnection): string {
  return `MQTT broker ${authorityOf(host, port)}`;
}

/** A client that says itself that the broker is silent, instead of as an error like any other. */
class OneConnectionClient extends MqttClient {
  onSilent: (() => void) | undefined;

  override onKeepaliveTimeout(): void {
    this.onSilent?.();
  }
}

/**
 * Opens a connection.
 *
 * @throws {DeliveryError} with the reason when that is not possible
 */
export async function dialMqtt(connection: MqttConnection, { signal, lost }: Opening): Promise<MqttBroker> {
  const server = nameOf(connection);
  const tls = connection.tls === undefined ? undefined : await loadTls(connection.tls, signal);
  signal.throwIfAborted();
  const socket = openSocket(connection, tls);
  const client = new OneConnectionClient(() => socket, clientOptions(connection));
  let broker: MqttBroker | undefined;
  const connected = Promise.withResolvers<IConnackPacket>();
  const end = (reason: DeliveryError, blames = false) => {
    if (blames) broker?.sender.blame();
    connected.reject(reason);
    lost(reason);
  };
  const onSilent = () =>
    end(new DeliveryError("output_timeout", `${server} did not answer within ${connection.timeoutMs} ms`));
  client.onSilent = onSilent;
  client.on("error", (error) => {
    const isAnswer = broker !== undefined && isOfAnswer(error);
    end(isAnswer ? judgeEnd(undefined, server) : judgeClientError(error, server), isAnswer);
  });
  client.on("disconnect", ({ reasonCode }) => end(judgeEnd(reasonCode, server), blamesMessage(reasonCode)));
  client.on("close", () => end(judgeEnd(undefined, server)));
  client.once("connect", connected.resolve);
  try {
    const connack = await abortable(connected.promise, signal);
    const limits = limitsOf(connack, connection);
    broker = {
      sender: new Sender(client, { server, limits, timeoutMs: connection.timeoutMs, onSilent }),
      client,
      socket,
    };
    return broker;
  } catch (error) {
    await endClient(client, socket);
    throw error;
  }
}

/** Ends a connection at once. @returns resolves when its socket is closed */
export async function closeMqtt({ sender, client, socket }: MqttBroker): Promise<void> {
  sender.close();
  await endClient(client, socket);
}

async function endClient(client: MqttClient, socket: Socket): Promise<void> {
  client.end(true);
  if (socket.closed) return;
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  socket.once("close", () => resolve());
  socket.destroy();
  await closed;
}

function openSocket({ host, port }: MqttConnection, tls: TlsOptions | undefined): Socket {
  const server = { host, port, lookup: outputNames.lookup };
  const socket = tls === undefined
    ? connect(server)
    : connectTls({ ...server, ...(isIP(host) === 0 ? { servername: host } : {}), ...tls });
  return socket.setNoDelay(true);
}

function clientOptions(connection: MqttConnection): IClientOptions {
  const { username, password, clientId, protocolVersion, keepaliveSeconds } = connection;
  return {
    protocolId: "MQTT",
    protocolVersion,
    clientId: clientId ?? `cwm-${crypto.randomUUID().replaceAll("-", "").slice(0, 16)}`,
    clean: true,
    keepalive: keepaliveSeconds,
    // Whoever opens the connection has an end of the wait of its own.
    connectTimeout: OPEN_TIMEOUT_MS * 2,
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
  };
}

function limitsOf({ properties = {} }: IConnackPacket, { maxPacketBytes }: MqttConnection): BrokerLimits {
  return {
    maxPacketBytes: Math.min(properties.maximumPacketSize ?? maxPacketBytes, maxPacketBytes),
    receiveMaximum: properties.receiveMaximum ?? MAX_RECEIVE_MAXIMUM,
    maxQos: properties.maximumQoS ?? 2,
    canRetain: properties.retainAvailable ?? true,
  };
}
