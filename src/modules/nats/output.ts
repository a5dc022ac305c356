/**
 * The output of `nats`: one connection to a server for all webhooks that name it.
 *
 * @module
 */

import { DeliveryError } from "../../errors.ts";
import { type ConnectionLog, ConnectionSupervisor, type Opening } from "../../io/connection.ts";
import type { Attempt, Delivery, DeliveryResult, Output } from "../module.ts";
import { closeNats, dialNats, nameOf, type NatsLink, OPEN_TIMEOUT_MS } from "./link/client.ts";
import type { NatsConfig } from "./config.ts";
import type { NatsSettings } from "./connection.ts";
import { messageOf } from "./message.ts";
import { probeConfig } from "./probe.ts";
import type { Ticket } from "./link/sender.ts";

/** Hands events to a server, or to one of a cluster. */
export class NatsOutput implements Output<NatsConfig> {
  readonly #settings: NatsSettings;
  readonly #supervisor: ConnectionSupervisor<NatsLink>;
  /** Which server is connected to next. */
  #next = 0;

  constructor(settings: NatsSettings, log: ConnectionLog) {
    this.#settings = settings;
    this.#supervisor = new ConnectionSupervisor<NatsLink>({
      server: nameOf(settings.servers),
      log,
      open: (opening) => this.#open(opening),
      close: closeNats,
      openTimeoutMs: Math.min(OPEN_TIMEOUT_MS, settings.timeoutMs),
      outlivesTimeouts: true,
    });
  }

  async deliver(
    batch: readonly Delivery<NatsConfig>[],
    attempt: Attempt,
  ): Promise<readonly DeliveryResult[]> {
    const prepared = batch.map(({ event, config }, index): Ticket | DeliveryError => {
      try {
        const message = messageOf(event, config);
        return { message, result: undefined, report: (result) => void attempt.settle?.(index, result) };
      } catch (error) {
        if (error instanceof DeliveryError) return error;
        throw error;
      }
    });
    const tickets = prepared.filter(isTicket);
    const failure = await this.#send(tickets, attempt.signal);
    return prepared.map((ticket) => isTicket(ticket) ? ticket.result ?? failure! : ticket);
  }

  async probe(signal: AbortSignal): Promise<void> {
    await this.#supervisor.use(({ sender }) => sender.ask(), signal);
  }

  async probeFor(config: NatsConfig, signal: AbortSignal): Promise<void> {
    await this.#supervisor.use((link) => probeConfig(link, config), signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#supervisor[Symbol.asyncDispose]();
  }

  /** @returns why those without a result have none; `undefined` when all have */
  async #send(tickets: readonly Ticket[], signal: AbortSignal): Promise<DeliveryError | undefined> {
    if (tickets.length === 0) return undefined;
    try {
      await this.#supervisor.use(({ sender }) => sender.send(tickets), signal);
      return undefined;
    } catch (error) {
      if (error instanceof DeliveryError) return error;
      throw error;
    }
  }

  /** Connects to the first server that can be reached; one that is silent takes all the time, and is the last next. */
  async #open(opening: Opening): Promise<NatsLink> {
    const { servers } = this.#settings;
    for (let tried = 1;; tried++) {
      const address = servers[this.#next++ % servers.length]!;
      try {
        return await dialNats(this.#settings, address, opening);
      } catch (error) {
        if (tried >= servers.length || opening.signal.aborted) throw error;
      }
    }
  }
}

function isTicket(prepared: Ticket | DeliveryError): prepared is Ticket {
  return !(prepared instanceof DeliveryError);
}
