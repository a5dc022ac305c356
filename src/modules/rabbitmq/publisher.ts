/**
 * Publishes messages over one connection to RabbitMQ, which is opened when it is needed, and knows the outcome of each:
 * a message counts when the server has confirmed it and a queue has taken it.
 *
 * @module
 */

import { DeliveryError } from "../../errors.ts";
import { authorityOf } from "../../io/address.ts";
import { type ConnectionLog, ConnectionSupervisor, type Opening, unreachable } from "../../io/connection.ts";
import { abortable } from "../../time/abortable.ts";
import { halves } from "../halves.ts";
import type { DeliveryResult } from "../module.ts";
import type { Outcome, PublishingChannel, Unknown } from "./channel.ts";
import type { RabbitmqConnection } from "./connection.ts";
import { dial } from "./dialer.ts";
import { judgeReply, NO_ROUTE, REPLY } from "./errors.ts";
import { placeOf, RabbitmqLink } from "./link.ts";
import { assertFits, type Message } from "./message.ts";

/** What is known of messages so far; it grows while they are under way. */
type Results = Map<Message, DeliveryResult>;

/** How messages name a server. */
export function nameOf({ host, port }: RabbitmqConnection): string {
  return `RabbitMQ ${authorityOf(host, port)}`;
}

/** Publishes to one server. Disposal ends what is under way. */
export class RabbitmqPublisher implements AsyncDisposable {
  readonly #connection: RabbitmqConnection;
  readonly #server: string;
  readonly #supervisor: ConnectionSupervisor<RabbitmqLink>;

  constructor(connection: RabbitmqConnection, log: ConnectionLog) {
    this.#connection = connection;
    this.#server = nameOf(connection);
    this.#supervisor = new ConnectionSupervisor({
      server: this.#server,
      log,
      open: (opening) => this.#open(opening),
      close: (link) => link.close(),
      openTimeoutMs: connection.timeoutMs,
      endsItsWork: true,
      outlivesTimeouts: true,
    });
  }

  /** Publishes messages. One result each, in order; what is not known when the signal aborts is a time-out. */
  async publish(messages: readonly Message[], signal: AbortSignal): Promise<readonly DeliveryResult[]> {
    const results: Results = new Map();
    let failure: DeliveryError | undefined;
    try {
      const link = await this.#link(signal);
      await abortable(this.#inTime(link, messages, () => this.#send(link, messages, results)), signal);
    } catch (error) {
      failure = this.#failureOf(error, signal);
    }
    return messages.map((message) => results.get(message) ?? failure ?? this.#unanswered());
  }

  /**
   * Does something on the connection, for as long as the server takes messages.
   *
   * @throws {DeliveryError} when it does not, or does not answer in time; the client's error with a reply code
   */
  async ask<Answer>(question: (link: RabbitmqLink) => Promise<Answer>, signal: AbortSignal): Promise<Answer> {
    try {
      const link = await this.#link(signal);
      const answer = this.#inTime(link, [], () => question(link));
      return await abortable(abortable(answer, link.blocked), signal);
    } catch (error) {
      throw signal.aborted ? this.#failureOf(error, signal) : error;
    }
  }

  /** Sends one message on a channel of its own. @throws {DeliveryError} when there is no channel */
  async tryOut(link: RabbitmqLink, message: Message): Promise<Outcome> {
    const channel = await link.openChannel();
    try {
      return await channel.publish(message);
    } finally {
      channel.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#supervisor[Symbol.asyncDispose]();
  }

  async #open({ signal, lost }: Opening): Promise<RabbitmqLink> {
    return new RabbitmqLink(await dial(this.#connection, this.#server, signal), this.#server, lost);
  }

  /** @throws {DeliveryError} at once while the server takes no messages */
  async #link(signal: AbortSignal): Promise<RabbitmqLink> {
    signal.throwIfAborted();
    const link = await this.#supervisor.acquire(signal);
    link.blocked.throwIfAborted();
    return link;
  }

  /**
   * Works for as long as the server may take. A server that was silent meanwhile has no connection any more; of one
   * that was not, only the channels of these messages are given up.
   */
  async #inTime<Result>(
    link: RabbitmqLink,
    messages: readonly Message[],
    work: () => Promise<Result>,
  ): Promise<Result> {
    const { timeoutMs } = this.#connection;
    const late = new AbortController();
    const heard = link.bytesRead;
    const timer = setTimeout(() => {
      const isSilent = link.bytesRead === heard;
      const reason = this.#lateness(link, isSilent);
      late.abort(reason);
      if (isSilent && !link.blocked.aborted) {
        link.giveUp(reason);
        this.#supervisor.drop(link, reason);
      } else for (const message of messages) link.forget(message);
    }, timeoutMs);
    try {
      return await abortable(abortable(work(), link.ended), late.signal);
    } finally {
      clearTimeout(timer);
    }
  }

  #lateness({ blocked }: RabbitmqLink, isSilent: boolean): DeliveryError {
    if (blocked.aborted) return blocked.reason;
    const message = `${this.#server} did not answer within ${this.#connection.timeoutMs} ms`;
    return new DeliveryError("output_timeout", message, { isPartial: !isSilent });
  }

  async #send(link: RabbitmqLink, messages: readonly Message[], results: Results): Promise<void> {
    const places = Map.groupBy(messages, placeOf);
    await Promise.all(Array.from(places.values(), (together) => this.#sendToPlace(link, together, results)));
  }

  /** @param mayMake whether a queue that has gone is made again */
  async #sendToPlace(
    link: RabbitmqLink,
    messages: readonly Message[],
    results: Results,
    mayMake = true,
  ): Promise<void> {
    let channel: PublishingChannel;
    try {
      channel = await link.channelFor(messages[0]!);
    } catch (error) {
      const failure = this.#failureOf(error);
      for (const message of messages) results.set(message, failure);
      return;
    }
    const { unknown, code } = await this.#publishAll(link, channel, messages, results);
    if (code !== undefined) await this.#isolate(link, unknown, results);
    else this.#recordUnanswered(link, unknown, results);
    const unrouted = messages.filter((message) => results.get(message) === undefined);
    if (unrouted.length === 0) return;
    if (mayMake && unrouted[0]!.declares !== undefined) {
      link.forget(unrouted[0]!);
      return await this.#sendToPlace(link, unrouted, results, false);
    }
    for (const message of unrouted) results.set(message, judgeReply(NO_ROUTE, message, this.#server));
  }

  /**
   * Finds out who made the server close a channel, on channels that nobody else uses: what is confirmed there is
   * delivered, and who is alone on one that is closed is to blame.
   */
  async #isolate(link: RabbitmqLink, messages: readonly Message[], results: Results): Promise<void> {
    const channel = await link.openChannel();
    const { unknown, code } = await this.#publishAll(link, channel, messages, results);
    channel.close();
    if (code === undefined) return this.#recordUnanswered(link, unknown, results);
    if (haveOneFate(unknown, code)) {
      for (const message of unknown) results.set(message, judgeReply(code, message, this.#server));
      return;
    }
    for (const half of halves(unknown)) await this.#isolate(link, half, results);
  }

  /** Sends messages and records their results, but for those that no queue takes and those that are returned. */
  async #publishAll(
    link: RabbitmqLink,
    channel: PublishingChannel,
    messages: readonly Message[],
    results: Results,
  ): Promise<{ readonly unknown: readonly Message[]; readonly code: number | undefined }> {
    const unknown: Message[] = [];
    let code: number | undefined;
    await Promise.all(messages.map(async (message) => {
      const outcome = await this.#publishOne(link, channel, message);
      if (isUnknown(outcome)) {
        unknown.push(message);
        code = outcome.closedWith;
      } else if (outcome !== NO_ROUTE) results.set(message, this.#resultOf(outcome, message));
    }));
    return { unknown, code };
  }

  #publishOne(link: RabbitmqLink, channel: PublishingChannel, message: Message): Outcome | Promise<Outcome> {
    try {
      assertFits(message, link.frameMax);
    } catch (error) {
      return this.#failureOf(error);
    }
    return channel.publish(message);
  }

  #resultOf(outcome: Exclude<Outcome, Unknown | typeof NO_ROUTE>, message: Message): DeliveryResult {
    if (outcome === "delivered" || outcome instanceof DeliveryError) return outcome;
    return judgeReply(outcome, message, this.#server);
  }

  #failureOf(error: unknown, signal?: AbortSignal): DeliveryError {
    if (signal?.aborted === true) {
      return new DeliveryError("output_timeout", `${this.#server} did not answer in time`, { cause: error });
    }
    return error instanceof DeliveryError ? error : unreachable(this.#server, error);
  }

  /** The channel was given up, or the connection ended. */
  #recordUnanswered(link: RabbitmqLink, messages: readonly Message[], results: Results): void {
    const failure = link.failure ?? this.#unanswered();
    for (const message of messages) results.set(message, failure);
  }

  #unanswered(): DeliveryError {
    const message = `A channel to ${this.#server} was given up unanswered`;
    return new DeliveryError("output_unavailable", message, { isPartial: true });
  }
}

function isUnknown(outcome: Outcome): outcome is Unknown {
  return typeof outcome === "object" && !(outcome instanceof DeliveryError);
}

/** Whether a reply code that closed the channel of these messages is that of each of them. */
function haveOneFate([first, ...others]: readonly Message[], code: number): boolean {
  if (others.length === 0) return true;
  if (code !== REPLY.notFound && code !== REPLY.accessRefused) return false;
  return others.every(({ exchange, routingKey }) =>
    // Rights may depend on the routing key.
    exchange === first!.exchange && (code === REPLY.notFound || routingKey === first!.routingKey)
  );
}
