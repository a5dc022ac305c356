/**
 * The output of `rabbitmq`.
 *
 * @module
 */

import { DeliveryError } from "../../errors.ts";
import type { Attempt, Delivery, DeliveryResult, Output } from "../module.ts";
import type { RabbitmqConfig } from "./config.ts";
import { judgeReply, NO_ROUTE, REPLY, replyCode } from "./errors.ts";
import type { RabbitmqLink } from "./link.ts";
import { type Message, messageOf, probeMessage } from "./message.ts";
import type { RabbitmqPublisher } from "./publisher.ts";

/** An exchange that every virtual host has. */
const ANY_EXCHANGE = "amq.direct";

/** Hands events to RabbitMQ. */
export class RabbitmqOutput implements Output<RabbitmqConfig> {
  readonly #publisher: RabbitmqPublisher;
  readonly #server: string;

  /**
   * @param publisher closed together with the output
   * @param server how messages name it
   */
  constructor(publisher: RabbitmqPublisher, server: string) {
    this.#publisher = publisher;
    this.#server = server;
  }

  async deliver(
    batch: readonly Delivery<RabbitmqConfig>[],
    { signal }: Attempt,
  ): Promise<readonly DeliveryResult[]> {
    const prepared = batch.map(({ event, config }) => prepare(() => messageOf(event, config)));
    const messages = prepared.filter(isMessage);
    const results = messages.length === 0 ? [] : await this.#publisher.publish(messages, signal);
    let next = 0;
    return prepared.map((item) => isMessage(item) ? results[next++]! : item);
  }

  /** Publishes what no queue takes: it comes back, and nothing is left behind. */
  async probe(signal: AbortSignal): Promise<void> {
    await this.#publisher.ask((link) => this.#probeDefault(link), signal);
  }

  async probeFor({ exchange, routingKey, declares }: RabbitmqConfig, signal: AbortSignal): Promise<void> {
    await this.#publisher.ask(async (link) => {
      const { literal } = exchange;
      if (literal === "") await this.#probeQueue(link, routingKey.literal ?? "", declares !== undefined);
      else if (literal !== undefined) await this.#probeExchange(link, literal);
    }, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#publisher[Symbol.asyncDispose]();
  }

  /** @returns whether the user may publish on the default exchange; one who may not may use others */
  async #probeDefault(link: RabbitmqLink): Promise<boolean> {
    const message = probeMessage();
    const outcome = await this.#publisher.tryOut(link, message);
    if (outcome instanceof DeliveryError) throw outcome;
    if (outcome === NO_ROUTE || outcome === "delivered") return true;
    const code = typeof outcome === "object" ? outcome.closedWith : outcome;
    if (code === REPLY.accessRefused) return false;
    throw code === undefined
      ? new DeliveryError("output_unavailable", `${this.#server} ended the channel unanswered`)
      : judgeReply(code, message, this.#server);
  }

  async #probeQueue(link: RabbitmqLink, queue: string, isMade: boolean): Promise<void> {
    if (!await this.#probeDefault(link)) {
      throw partial(`${this.#server} does not permit the user to write to the default exchange, amq.default`);
    }
    const refusal = await refusalOf(link.ask((channel) => channel.checkQueue(queue)));
    if (refusal?.code !== REPLY.notFound || isMade) return;
    throw partial(`${this.#server} has no queue '${queue}': make it, or let declare do so`);
  }

  async #probeExchange(link: RabbitmqLink, exchange: string): Promise<void> {
    const refusal = await refusalOf(link.ask((channel) => channel.checkExchange(exchange)));
    if (refusal?.code === REPLY.notFound) throw partial(`${this.#server} has no exchange '${exchange}'`);
    if (await mayWrite(link, exchange)) return;
    throw partial(`${this.#server} does not permit the user to write to exchange '${exchange}'`);
  }
}

/**
 * Whether the user may write to an exchange. What is published there may reach queues: so a binding is taken away that
 * is none, for which the same right is asked, and then that of reading the other exchange. What is refused stands in
 * the server's words alone, in quotation marks; a server with other words counts as one that permits it.
 */
async function mayWrite(link: RabbitmqLink, exchange: string): Promise<boolean> {
  const noBinding = `cwm.probe.${crypto.randomUUID()}`;
  const refusal = await refusalOf(
    link.ask((channel) => channel.unbindExchange(exchange, ANY_EXCHANGE, noBinding)),
  );
  return refusal?.code !== REPLY.accessRefused || !refusal.text.includes(`'${exchange}'`);
}

interface Refusal {
  readonly code: number | undefined;
  readonly text: string;
}

/** What the server refuses; `undefined` for what it does. @throws {DeliveryError} when it does not answer */
async function refusalOf(asked: Promise<unknown>): Promise<Refusal | undefined> {
  try {
    await asked;
    return undefined;
  } catch (error) {
    if (error instanceof DeliveryError) throw error;
    return { code: replyCode(error), text: String(error) };
  }
}

/** What is wrong with one place; others may be well. */
function partial(message: string): DeliveryError {
  return new DeliveryError("output_unavailable", message, { isPartial: true });
}

function isMessage(prepared: Message | DeliveryError): prepared is Message {
  return !(prepared instanceof DeliveryError);
}

/** @throws anything that is no {@linkcode DeliveryError} */
function prepare(make: () => Message): Message | DeliveryError {
  try {
    return make();
  } catch (error) {
    if (error instanceof DeliveryError) return error;
    throw error;
  }
}
