/**
 * The output of `websocket`.
 *
 * @module
 */

import { DeliveryError } from "../../errors.ts";
import { SocketOpener } from "../../io/http/socket_opener.ts";
import { outputNames } from "../../io/name_lookups.ts";
import type { Attempt, Delivery, DeliveryResult, ModuleContext, Output } from "../module.ts";
import type { WebsocketConfig } from "./config.ts";
import { type Message, messageOf } from "./message.ts";
import { Peer } from "./peer.ts";

/** Sends events to peers, of which the gateway has one for each output. */
export class WebsocketOutput implements Output<WebsocketConfig> {
  readonly #opener = new SocketOpener({ resolve: outputNames.resolve });
  readonly #context: ModuleContext;
  readonly #peers = new Map<string, Peer>();
  #last: Peer | undefined;

  constructor(context: ModuleContext) {
    this.#context = context;
  }

  async deliver(
    batch: readonly Delivery<WebsocketConfig>[],
    { signal }: Attempt,
  ): Promise<readonly DeliveryResult[]> {
    const results: (DeliveryResult | undefined)[] = batch.map(() => undefined);
    const byPeer = Map.groupBy(batch.entries(), ([, { config }]) => config.identity);
    await Promise.all(Array.from(byPeer.values(), async (deliveries) => {
      const { config } = deliveries[0]![1];
      const messages = new Map<number, Message>();
      for (const [index, { event, config }] of deliveries) {
        const message = messageOrError(() => messageOf(event, config));
        if (message instanceof DeliveryError) results[index] = message;
        else messages.set(index, message);
      }
      if (messages.size === 0) return;
      const sent = await this.#peerOf(config).send([...messages.values()], config, signal);
      for (const [index, message] of messages) results[index] = sent.get(message);
    }));
    return results.map((result) => result ?? new DeliveryError("output_failed", "The event has no result"));
  }

  /** Asks the peer of the last event. */
  async probe(signal: AbortSignal): Promise<void> {
    await this.#last?.probe(signal);
  }

  async probeFor(config: WebsocketConfig, signal: AbortSignal): Promise<void> {
    await this.#peerOf(config).probe(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(Array.from(this.#peers.values(), (peer) => peer[Symbol.asyncDispose]()));
  }

  #peerOf(config: WebsocketConfig): Peer {
    let peer = this.#peers.get(config.identity);
    if (peer === undefined) {
      this.#peers.set(config.identity, peer = new Peer(config, this.#opener, this.#context));
    }
    return this.#last = peer;
  }
}

/** @throws anything that is no {@linkcode DeliveryError} */
function messageOrError(make: () => Message): Message | DeliveryError {
  try {
    return make();
  } catch (error) {
    if (error instanceof DeliveryError) return error;
    throw error;
  }
}
