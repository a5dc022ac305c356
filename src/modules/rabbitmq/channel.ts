/**
 * A channel whose messages are confirmed, and which knows which of them came back. The client blames nobody when the
 * server closes a channel: whoever was under way on it ends with the code.
 *
 * @module
 */

import type { ConfirmChannel, Message as ReturnedMessage } from "amqplib";
import { DeliveryError } from "../../errors.ts";
import { NACK, NO_ROUTE, replyCode } from "./errors.ts";
import type { Message } from "./message.ts";

/** The channel was closed first: the message may be stored or not. */
export interface Unknown {
  /** The server's reply code; `undefined` when it has not given one. */
  readonly closedWith: number | undefined;
}

/**
 * What the server says of a message: `delivered` when it has confirmed it and a queue has taken it, `NO_ROUTE` when none
 * has, `NACK` when it was not stored. An error says why it cannot be sent at all.
 */
export type Outcome = "delivered" | typeof NO_ROUTE | typeof NACK | Unknown | DeliveryError;

/** A message that is not confirmed yet. */
interface Sending {
  readonly message: Message;
  isReturned: boolean;
}

/** A channel to publish on. */
export class PublishingChannel {
  readonly #channel: ConfirmChannel;
  /** In the order in which they were sent. */
  readonly #sendings = new Set<Sending>();
  #closedWith: number | undefined;
  #isClosed = false;

  constructor(channel: ConfirmChannel) {
    this.#channel = channel;
    channel.on("error", (error) => this.#closedWith = replyCode(error));
    // Before the client ends what is under way.
    channel.prependListener("close", () => this.#isClosed = true);
    channel.on("return", (returned) => this.#markReturned(returned));
  }

  get isOpen(): boolean {
    return !this.#isClosed;
  }

  get isIdle(): boolean {
    return this.#sendings.size === 0;
  }

  /** Sends a message. Never rejects; it may never resolve while the connection lasts. */
  publish(message: Message): Promise<Outcome> {
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    const sending: Sending = { message, isReturned: false };
    const { exchange, routingKey, content, properties } = message;
    try {
      this.#channel.publish(exchange, routingKey, content, properties, (error: unknown) => {
        this.#sendings.delete(sending);
        resolve(this.#outcomeOf(sending, error));
      });
      this.#sendings.add(sending);
    } catch (error) {
      resolve(this.#isClosed ? { closedWith: this.#closedWith } : notEncoded(error));
    }
    return promise;
  }

  /** Ends the channel; what is under way on it may be stored or not. Nothing is waited for. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    // What the client ends at once or when the server answers, or when the connection ends.
    this.#channel.close().catch(() => {});
  }

  #outcomeOf({ isReturned }: Sending, error: unknown): Outcome {
    if (error === null || error === undefined) return isReturned ? NO_ROUTE : "delivered";
    return this.#isClosed ? { closedWith: this.#closedWith } : NACK;
  }

  /** The server says so before it confirms the message. Events may be under way several times, to several places. */
  #markReturned({ fields, properties }: ReturnedMessage): void {
    for (const sending of this.#sendings) {
      const { id, exchange, routingKey } = sending.message;
      if (sending.isReturned || id !== properties.messageId) continue;
      if (exchange !== fields.exchange || routingKey !== fields.routingKey) continue;
      sending.isReturned = true;
      return;
    }
  }
}

/** Nothing of it has been sent. The client names the property, and quotes no value. */
function notEncoded(cause: unknown): DeliveryError {
  return new DeliveryError("output_rejected", "The event cannot be written as a message of AMQP", { cause });
}
