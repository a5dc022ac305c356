/**
 * The peers of a socket, and which of them gets a message: the one that the gateway goes to, or those that come to it.
 *
 * @module
 */

import { connect, createServer, type Server, type Socket } from "node:net";
import { once } from "node:events";
import { DeliveryError } from "../../errors.ts";
import type { Opening } from "../../io/connection.ts";
import { outputNames } from "../../io/name_lookups.ts";
import { abortable } from "../../time/abortable.ts";
import { isConfirmed, type SocketSettings } from "./config.ts";
import { settle, type Ticket } from "./message.ts";
import { Peer } from "./peer.ts";
import { Requests } from "./requests.ts";
import { Subscriptions } from "./subscriptions.ts";

/** Most peers that may come; further ones are turned away. */
const MAX_PEERS = 1_000;

/** How long one that comes may take to say what it is, in milliseconds. */
const HANDSHAKE_MS = 5_000;

/** A subscriber that has left so much unread misses messages, in bytes. */
const MAX_UNREAD = 8 * 1024 * 1024;

/** How long a subscription of a new peer is waited for, in milliseconds: it comes right behind its greeting. */
const FIRST_SUBSCRIPTION_MS = 1_000;

/** A peer that is ready, with what its kind of socket needs. */
interface Ready {
  readonly peer: Peer;
  readonly requests: Requests | undefined;
  readonly subscriptions: Subscriptions | undefined;
}

/** A socket and its peers. */
export class Peers {
  readonly #settings: SocketSettings;
  readonly #all = new Set<Peer>();
  #ready: Ready[] = [];
  #server: Server | undefined;
  #turn = 0;

  private constructor(settings: SocketSettings) {
    this.#settings = settings;
  }

  /**
   * Goes to the peer, or begins to wait for peers.
   *
   * @throws {DeliveryError} when that is not possible
   */
  static async open(settings: SocketSettings, opening: Opening): Promise<Peers> {
    const peers = new Peers(settings);
    try {
      await (settings.binds ? peers.#listen(opening) : peers.#connect(opening));
      return peers;
    } catch (error) {
      await peers.close();
      throw error;
    }
  }

  /**
   * Sends messages, each of which has its result then.
   *
   * @throws {DeliveryError} when those without a result have none for this reason
   * @throws the signal's reason when that aborts before
   */
  async send(tickets: readonly Ticket[], signal: AbortSignal): Promise<void> {
    if (this.#settings.type === "PUB") return await this.#publish(tickets, signal);
    const { peer, requests } = this.#next();
    if (requests !== undefined) return await requests.send(tickets, signal);
    try {
      await abortable(peer.write(tickets.map(({ frames }) => frames)), signal);
    } catch (error) {
      // It may have a part of a message.
      if (signal.aborted) {
        peer.end(new DeliveryError("output_timeout", `${peer.name} takes nothing any more`));
      }
      throw error;
    }
    for (const ticket of tickets) settle(ticket, "delivered");
  }

  /** @throws {DeliveryError} when no peer is connected */
  assertReady(): void {
    if (this.#ready.length > 0) return;
    const { type, text } = this.#settings;
    throw new DeliveryError("output_unavailable", `No peer of the ${type} socket is connected to ${text}`);
  }

  /** Ends all connections at once. @returns resolves when they are closed */
  async close(): Promise<void> {
    const server = this.#server;
    const closed = server?.listening === true ? once(server, "close") : undefined;
    server?.close();
    await Promise.all([...this.#all].map((peer) => peer.close()));
    await closed;
  }

  async #connect({ signal, lost }: Opening): Promise<void> {
    const { endpoint, text } = this.#settings;
    const socket = endpoint.kind === "ipc"
      ? connect({ path: endpoint.path })
      : connect({ host: endpoint.host, port: endpoint.port, lookup: outputNames.lookup });
    const peer = this.#add(socket, `ZeroMQ peer ${text}`);
    await this.#welcome(peer, signal);
    peer.ended.addEventListener("abort", () => lost(peer.ended.reason), { once: true });
    peer.ended.throwIfAborted();
  }

  async #listen({ signal, lost }: Opening): Promise<void> {
    const { endpoint, text } = this.#settings;
    if (endpoint.kind === "ipc") await removeSocket(endpoint.path);
    const server = this.#server = createServer((socket) => void this.#accept(socket));
    const listening = once(server, "listening");
    server.listen(
      endpoint.kind === "ipc" ? { path: endpoint.path } : { host: endpoint.host, port: endpoint.port },
    );
    await abortable(listening, signal);
    server.on("error", (cause) => {
      lost(new DeliveryError("output_unavailable", `ZeroMQ socket ${text} cannot wait for peers`, { cause }));
    });
  }

  async #accept(socket: Socket): Promise<void> {
    if (this.#all.size >= MAX_PEERS) return void socket.on("error", () => {}).destroy();
    const peer = this.#add(socket, `A ZeroMQ peer at ${this.#settings.text}`);
    const late = setTimeout(() => void peer.close(), HANDSHAKE_MS);
    try {
      await this.#welcome(peer, peer.ended);
    } catch {
      await peer.close(); // It comes again, or is none.
    } finally {
      clearTimeout(late);
    }
  }

  #add(socket: Socket, name: string): Peer {
    const peer = new Peer(socket, this.#settings.type, name);
    this.#all.add(peer);
    peer.ended.addEventListener("abort", () => {
      this.#all.delete(peer);
      this.#ready = this.#ready.filter((ready) => ready.peer !== peer);
    }, { once: true });
    return peer;
  }

  async #welcome(peer: Peer, signal: AbortSignal): Promise<void> {
    const { type } = this.#settings;
    // They hear what comes right behind the handshake, too.
    const requests = isConfirmed(type) ? new Requests(peer, type === "DEALER") : undefined;
    const subscriptions = type === "PUB" ? new Subscriptions(peer) : undefined;
    await peer.ready(signal);
    peer.ended.throwIfAborted();
    this.#ready.push({ peer, requests, subscriptions });
  }

  /** The peer with the least to do, each in turn. */
  #next(): Ready {
    this.assertReady();
    const load = ({ peer, requests }: Ready) => requests?.size ?? peer.waitingBytes;
    const { length } = this.#ready;
    let best = this.#ready[this.#turn++ % length]!;
    for (let step = 0; step < length; step++) {
      const ready = this.#ready[(this.#turn + step) % length]!;
      if (load(ready) < load(best)) best = ready;
    }
    return best;
  }

  async #publish(tickets: readonly Ticket[], signal: AbortSignal): Promise<void> {
    this.assertReady();
    await this.#firstSubscription(signal);
    const reached = new Set<Ticket>();
    const writing = this.#ready.map(async ({ peer, subscriptions }) => {
      const wanted = tickets.filter(({ frames }) => subscriptions!.includes(frames[0]!));
      if (wanted.length === 0 || peer.waitingBytes > MAX_UNREAD) return;
      await peer.write(wanted.map(({ frames }) => frames));
      for (const ticket of wanted) reached.add(ticket);
    });
    await abortable(this.#untilAll(tickets, reached, writing), signal);
    const { text } = this.#settings;
    const none = new DeliveryError("output_failed", `No subscriber at ${text} takes the message`, {
      isPartial: true,
    });
    for (const ticket of tickets) settle(ticket, reached.has(ticket) ? "delivered" : none);
  }

  /** Resolves when each message has been written to a subscriber, or to all that there are. */
  async #untilAll(
    tickets: readonly Ticket[],
    reached: ReadonlySet<Ticket>,
    writing: readonly Promise<void>[],
  ): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = () => reached.size === tickets.length && resolve();
    for (const each of writing) void each.then(look, look);
    void Promise.allSettled(writing).then(() => resolve());
    await promise;
  }

  async #firstSubscription(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    for (const { subscriptions } of this.#ready) void subscriptions!.begun.then(resolve);
    const timer = setTimeout(resolve, FIRST_SUBSCRIPTION_MS);
    try {
      await abortable(promise, signal);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Takes away the file of a socket that a program left behind, as libzmq does. */
async function removeSocket(path: string): Promise<void> {
  try {
    const { isSocket } = await Deno.lstat(path);
    if (isSocket === true) await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
