/**
 * One open connection to RabbitMQ with its channels: each queue and each exchange has one of its own, so that what
 * closes a channel, or is not confirmed, concerns no other place.
 *
 * @module
 */

import type { Channel, ChannelModel } from "amqplib";
import { DeliveryError } from "../../errors.ts";
import { abortable } from "../../time/abortable.ts";
import { within } from "../../time/within.ts";
import { PublishingChannel } from "./channel.ts";
import type { QueueDeclaration } from "./config.ts";
import { connectionOf } from "./dialer.ts";
import { judgeLoss, REPLY, replyCode } from "./errors.ts";
import type { Message } from "./message.ts";

/** How many channels are kept; servers permit 2,047 unless they are configured otherwise. */
const MAX_CHANNELS = 128;

/** How long the server may take to say goodbye, in milliseconds. */
const CLOSE_TIMEOUT_MS = 500;

/** A channel of a place. */
interface Kept {
  readonly opening: Promise<PublishingChannel>;
  channel: PublishingChannel | undefined;
}

/** A connection that is open, or was. */
export class RabbitmqLink {
  readonly #model: ChannelModel;
  readonly #server: string;
  /** By their places, the one that was used last at the end. */
  readonly #channels = new Map<string, Kept>();
  /** Aborts with the reason when the connection ends. */
  readonly #end = new AbortController();
  #blocked = new AbortController();

  /** @param lost is called when it ends by itself */
  constructor(model: ChannelModel, server: string, lost: (reason: DeliveryError) => void) {
    this.#model = model;
    this.#server = server;
    let cause: unknown;
    model.on("error", (error) => cause ??= error);
    model.on("close", (error) => {
      const reason = judgeLoss(cause ?? error, server);
      this.#end.abort(reason);
      lost(reason);
    });
    model.on("blocked", (why) => {
      const message = `${server} takes no messages for the moment: ${why}`;
      this.#blocked.abort(new DeliveryError("output_unavailable", message));
    });
    model.on("unblocked", () => this.#blocked = new AbortController());
  }

  /** Aborts with the reason when the server takes no messages: it reads nothing any more. */
  get blocked(): AbortSignal {
    return this.#blocked.signal;
  }

  /** Aborts with the reason when the connection ends. */
  get ended(): AbortSignal {
    return this.#end.signal;
  }

  /** Why the connection has ended; `undefined` while it has not. */
  get failure(): DeliveryError | undefined {
    return this.#end.signal.aborted ? this.#end.signal.reason : undefined;
  }

  /** Longest frame that both sides take, in bytes. */
  get frameMax(): number {
    return connectionOf(this.#model).frameMax;
  }

  /** How much the server has said so far, in bytes. */
  get bytesRead(): number {
    return connectionOf(this.#model).stream.bytesRead;
  }

  /**
   * The channel for a message's place, which is opened if need be; then the queue is made where there is none.
   *
   * @throws {DeliveryError} when that is not possible
   */
  async channelFor(message: Message): Promise<PublishingChannel> {
    const place = placeOf(message);
    let kept = this.#channels.get(place);
    if (kept === undefined || kept.channel?.isOpen === false) kept = this.#keepNew(place, message);
    else {
      this.#channels.delete(place);
      this.#channels.set(place, kept);
    }
    return await kept.opening;
  }

  /** Closes the channel of a message's place: the next message there has a new one. */
  forget(message: Message): void {
    const place = placeOf(message);
    this.#channels.get(place)?.channel?.close();
    this.#channels.delete(place);
  }

  /**
   * A channel for the caller alone, who closes it.
   *
   * @throws {DeliveryError} when that is not possible
   */
  async openChannel(): Promise<PublishingChannel> {
    return new PublishingChannel(await this.#ask(() => this.#model.createConfirmChannel()));
  }

  /**
   * Asks the server something on a channel of its own, which an error closes.
   *
   * @throws {DeliveryError} when the connection ends
   * @throws the client's error with the server's reply code
   */
  async ask<Answer>(question: (channel: Channel) => Promise<Answer>): Promise<Answer> {
    const channel = await this.#ask(() => this.#model.createChannel());
    // The question has the error, too; nobody hears of it otherwise.
    channel.on("error", () => {});
    try {
      return await abortable(question(channel), this.#end.signal);
    } finally {
      // A channel that is closed already says so.
      void Promise.resolve().then(() => channel.close()).catch(() => {});
    }
  }

  /** Ends what is under way, of which nothing is known then; the connection is not closed in order. */
  giveUp(reason: DeliveryError): void {
    this.#end.abort(reason);
  }

  /** Ends the connection: in order when nothing is wrong, and otherwise at once. */
  async close(): Promise<void> {
    const wasLost = this.#end.signal.aborted;
    this.#end.abort(
      new DeliveryError("output_unavailable", `The connection to ${this.#server} was given up`),
    );
    const isIdle = Array.from(this.#channels.values()).every(({ channel }) => channel?.isIdle === true);
    if (!wasLost && isIdle) await within(CLOSE_TIMEOUT_MS, this.#model.close()).catch(() => false);
    // Without an error the client would not end what is under way.
    connectionOf(this.#model).stream.destroy(new Error("given up"));
  }

  #keepNew(place: string, message: Message): Kept {
    this.#makeRoom();
    const kept: Kept = { opening: this.#openFor(message), channel: undefined };
    this.#channels.set(place, kept);
    kept.opening.then((channel) => kept.channel = channel, () => {
      if (this.#channels.get(place) === kept) this.#channels.delete(place);
    });
    return kept;
  }

  async #openFor({ declares }: Message): Promise<PublishingChannel> {
    if (declares !== undefined) await this.#makeQueue(declares);
    return await this.openChannel();
  }

  /** @throws {DeliveryError} when all channels are in use */
  #makeRoom(): void {
    if (this.#channels.size < MAX_CHANNELS) return;
    for (const [place, { channel }] of this.#channels) {
      if (channel?.isIdle !== true) continue;
      channel.close();
      this.#channels.delete(place);
      return;
    }
    throw new DeliveryError(
      "output_unavailable",
      `All ${MAX_CHANNELS} channels to ${this.#server} are in use`,
      {
        isPartial: true,
      },
    );
  }

  /** One that is there is used as it is, whatever its arguments: to declare it again with others is an error. */
  async #makeQueue({ queue, type }: QueueDeclaration): Promise<void> {
    const code = await this.#codeOf((channel) => channel.checkQueue(queue));
    if (code !== REPLY.notFound) return; // The message will show what else is wrong.
    const options = { durable: true, ...(type === undefined ? {} : { arguments: { "x-queue-type": type } }) };
    const refusal = await this.#codeOf((channel) => channel.assertQueue(queue, options));
    if (refusal !== REPLY.accessRefused) return;
    const message =
      `${this.#server} has no queue '${queue}', and does not permit the user to make it (${refusal})`;
    throw new DeliveryError("output_unavailable", message, { isPartial: true });
  }

  /** The server's reply code for what it refuses; `undefined` for what it does. */
  async #codeOf(question: (channel: Channel) => Promise<unknown>): Promise<number | undefined> {
    try {
      await this.ask(question);
      return undefined;
    } catch (error) {
      if (error instanceof DeliveryError) throw error;
      return replyCode(error);
    }
  }

  async #ask<Answer>(open: () => Promise<Answer>): Promise<Answer> {
    try {
      return await abortable(Promise.resolve().then(open), this.#end.signal);
    } catch (error) {
      if (error instanceof DeliveryError) throw error;
      if (this.failure !== undefined) throw this.failure;
      throw new DeliveryError("output_unavailable", `${this.#server} opens no channel`, {
        cause: error,
        isPartial: true,
      });
    }
  }
}

/** The messages to a queue, or to an exchange, share a channel. */
export function placeOf({ exchange, routingKey }: Message): string {
  return exchange === "" ? `queue ${routingKey}` : `exchange ${exchange}`;
}
