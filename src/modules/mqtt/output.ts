/**
 * The output of `mqtt`: one connection to a broker for all webhooks that name it.
 *
 * @module
 */

import { DeliveryError } from "../../errors.ts";
import { type ConnectionLog, ConnectionSupervisor } from "../../io/connection.ts";
import type { Attempt, Delivery, DeliveryResult, Output } from "../module.ts";
import { closeMqtt, dialMqtt, type MqttBroker, nameOf, OPEN_TIMEOUT_MS } from "./client.ts";
import type { MqttConfig } from "./config.ts";
import type { MqttConnection } from "./connection.ts";
import { messageOf } from "./message.ts";
import type { Ticket } from "./sender.ts";

/** Most events of which is kept that the connection broke while they were under way; past it the oldest is forgotten. */
const MAX_SUSPECTS = 1_000;

/** Hands events to a broker. */
export class MqttOutput implements Output<MqttConfig> {
  readonly #connection: MqttConnection;
  readonly #supervisor: ConnectionSupervisor<MqttBroker>;
  /** Ids of events that go alone: the connection broke on one of them, and it is not known on which. */
  readonly #suspects = new Set<string>();

  constructor(connection: MqttConnection, log: ConnectionLog) {
    this.#connection = connection;
    this.#supervisor = new ConnectionSupervisor<MqttBroker>({
      server: nameOf(connection),
      log,
      open: (opening) => dialMqtt(connection, opening),
      close: closeMqtt,
      openTimeoutMs: Math.min(OPEN_TIMEOUT_MS, connection.timeoutMs),
      outlivesTimeouts: true,
    });
  }

  async deliver(
    batch: readonly Delivery<MqttConfig>[],
    { signal }: Attempt,
  ): Promise<readonly DeliveryResult[]> {
    const prepared = batch.map((delivery) => this.#prepare(delivery));
    const tickets = prepared.filter(isTicket);
    const failure = await this.#send(tickets, signal);
    for (const ticket of tickets) {
      // Those that the connection broke on go again at once, each alone: one of them is to blame.
      if (ticket.result === undefined && ticket.isAlone) await this.#sendAgain(ticket, signal);
    }
    return prepared.map((ticket, index) => {
      if (!isTicket(ticket)) return ticket;
      const result = ticket.result ?? failure!;
      if (ticket.isAlone) this.#suspect(batch[index]!.event.id, result);
      return result;
    });
  }

  async probe(signal: AbortSignal): Promise<void> {
    await this.#supervisor.use(({ sender }) => sender.ask(), signal);
  }

  async probeFor({ qos, isRetained }: MqttConfig, signal: AbortSignal): Promise<void> {
    await this.#supervisor.use(async ({ sender }) => {
      await sender.ask();
      const refusal = sender.refusal({ qos, isRetained });
      if (refusal !== undefined) throw refusal;
    }, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#supervisor[Symbol.asyncDispose]();
  }

  /** The event's message, or why it has none. */
  #prepare({ event, config }: Delivery<MqttConfig>): Ticket | DeliveryError {
    const isAlone = this.#suspects.size > 0 && this.#suspects.has(event.id);
    try {
      const message = messageOf(event, config, this.#connection.protocolVersion);
      return { message, isAlone, result: undefined };
    } catch (error) {
      if (error instanceof DeliveryError) return error;
      throw error;
    }
  }

  /** Keeps in mind that an event has to go alone until it is known whether it is to blame. */
  #suspect(id: string, result: DeliveryResult): void {
    this.#suspects.delete(id);
    if (result === "delivered" || result.code === "output_rejected") return;
    this.#suspects.add(id);
    if (this.#suspects.size <= MAX_SUSPECTS) return;
    for (const oldest of this.#suspects) {
      this.#suspects.delete(oldest);
      break;
    }
  }

  async #sendAgain(ticket: Ticket, signal: AbortSignal): Promise<void> {
    const failure = await this.#send([ticket], signal);
    ticket.result ??= failure;
  }

  /** @returns why those without a result have none; `undefined` when all have */
  async #send(tickets: readonly Ticket[], signal: AbortSignal): Promise<DeliveryError | undefined> {
    if (tickets.length === 0) return undefined;
    try {
      await this.#supervisor.use(({ sender }) => sender.send(tickets, signal), signal);
      return undefined;
    } catch (error) {
      if (error instanceof DeliveryError) return error;
      throw error;
    }
  }
}

function isTicket(prepared: Ticket | DeliveryError): prepared is Ticket {
  return !(prepared instanceof DeliveryError);
}
