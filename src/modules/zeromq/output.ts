/**
 * The output of `zeromq`: one socket for all webhooks with the same endpoint and kind of socket.
 *
 * @module
 */

import { DeliveryError } from "../../errors.ts";
import { type ConnectionLog, ConnectionSupervisor } from "../../io/connection.ts";
import type { Attempt, Delivery, DeliveryResult, Output } from "../module.ts";
import { socketKey, type SocketSettings, type ZeromqConfig } from "./config.ts";
import { framesOf, type Ticket } from "./message.ts";
import { Peers } from "./peers.ts";

/** Hands events to peers. */
export class ZeromqOutput implements Output<ZeromqConfig> {
  readonly #log: ConnectionLog;
  /** The host opens an output for each socket, so there is one. It is known with the first event. */
  readonly #sockets = new Map<string, ConnectionSupervisor<Peers>>();

  constructor(log: ConnectionLog) {
    this.#log = log;
  }

  async deliver(
    batch: readonly Delivery<ZeromqConfig>[],
    attempt: Attempt,
  ): Promise<readonly DeliveryResult[]> {
    const [first] = batch;
    if (first === undefined) return [];
    const tickets = batch.map(({ event, config }, index): Ticket => ({
      frames: framesOf(event, config),
      result: undefined,
      report: (result) => void attempt.settle?.(index, result),
    }));
    const failure = await this.#send(first.config.socket, tickets, attempt.signal);
    return tickets.map(({ result }) => result ?? failure!);
  }

  async probe(signal: AbortSignal): Promise<void> {
    for (const socket of this.#sockets.values()) await probeSocket(socket, signal);
  }

  async probeFor({ socket }: ZeromqConfig, signal: AbortSignal): Promise<void> {
    await probeSocket(this.#socketOf(socket), signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#sockets.values()].map((socket) => socket[Symbol.asyncDispose]()));
  }

  /** @returns why those without a result have none; `undefined` when all have */
  async #send(
    settings: SocketSettings,
    tickets: readonly Ticket[],
    signal: AbortSignal,
  ): Promise<DeliveryError | undefined> {
    try {
      await this.#socketOf(settings).use((peers) => peers.send(tickets, signal), signal);
      return undefined;
    } catch (error) {
      if (error instanceof DeliveryError) return error;
      throw error;
    }
  }

  #socketOf(settings: SocketSettings): ConnectionSupervisor<Peers> {
    const key = socketKey(settings);
    let socket = this.#sockets.get(key);
    if (socket === undefined) {
      socket = new ConnectionSupervisor<Peers>({
        server: `ZeroMQ ${settings.text}`,
        log: this.#log,
        open: (opening) => Peers.open(settings, opening),
        close: (peers) => peers.close(),
        // What has been given up ends the connection itself where that cannot go on.
        outlivesTimeouts: true,
      });
      this.#sockets.set(key, socket);
    }
    return socket;
  }
}

async function probeSocket(socket: ConnectionSupervisor<Peers>, signal: AbortSignal): Promise<void> {
  await socket.use((peers) => {
    peers.assertReady();
    return Promise.resolve();
  }, signal);
}
