/**
 * Publishes messages on one connection and collects what the broker says to each: a window of unconfirmed ones, which
 * is never larger than the broker allows, and one timer that sees when it falls silent.
 *
 * @module
 */

import type { MqttClient } from "mqtt";
import { DeliveryError } from "../../errors.ts";
import type { DeliveryResult } from "../module.ts";
import { judgeBreaking, judgeRefusal, refusalCode } from "./errors.ts";
import { fitsPacket, type MqttMessage } from "./message.ts";

/** Most unconfirmed messages: more make nothing faster. */
const MAX_WINDOW = 64;

/** A message on its way. */
export interface Ticket {
  readonly message: MqttMessage;
  /**
   * Whether nothing else may be under way with it, since the connection broke on it or on another one. The sender sets
   * it when that happens.
   */
  isAlone: boolean;
  /** `undefined` until it is known. */
  result: DeliveryResult | undefined;
}

/** What a broker takes, as it says when a connection is opened, or as far as it is known. */
export interface BrokerLimits {
  /** Longest packet, in bytes. */
  readonly maxPacketBytes: number;
  /** Messages that may be unconfirmed. */
  readonly receiveMaximum: number;
  readonly maxQos: number;
  readonly canRetain: boolean;
}

/** What a sender works with. */
export interface SenderOptions {
  /** Begins sentences about the broker. */
  readonly server: string;
  readonly limits: BrokerLimits;
  /** How long the broker may be silent while it owes an answer, in milliseconds. */
  readonly timeoutMs: number;
  /** Called when it was silent for longer. */
  onSilent(): void;
}

/** Tickets that were handed over together. */
interface Round {
  readonly tickets: readonly Ticket[];
  readonly signal: AbortSignal;
  /** Resolves the promise of {@linkcode Sender.send}. */
  readonly end: () => void;
  /** The first that was not published yet. */
  next: number;
  /** How many have no result. */
  left: number;
}

/** Publishes on one connection, for as long as that lasts. */
export class Sender {
  readonly #client: MqttClient;
  readonly #options: SenderOptions;
  readonly #window: number;
  readonly #rounds: Round[] = [];
  readonly #underWay = new Set<Ticket>();
  #questions = 0;
  /** When the broker owed nothing yet, or has answered last, by `performance.now()`. */
  #quietSince = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;

  constructor(client: MqttClient, options: SenderOptions) {
    this.#client = client;
    this.#options = options;
    this.#window = Math.min(options.limits.receiveMaximum, MAX_WINDOW);
  }

  /**
   * Publishes the messages. Resolves when each has its result, and never when the connection is lost before; those that
   * have none then are not known to have arrived.
   *
   * @param signal what is not published when it aborts, is not
   */
  send(tickets: readonly Ticket[], signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#rounds.push({ tickets, signal, end: resolve, next: 0, left: tickets.length });
    this.#fill();
    return promise;
  }

  /** Resolves when the broker has answered a question that changes nothing. */
  ask(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#watch();
    this.#questions++;
    // Leaving a topic that one has not subscribed to needs no right, and every broker answers it.
    this.#client.unsubscribe("cwm/probe", () => {
      if (this.#isClosed) return; // Then it is no answer.
      this.#questions--;
      this.#quietSince = performance.now();
      resolve();
    });
    return promise;
  }

  /** What keeps messages like this one from being published here; `undefined` when nothing does. */
  refusal({ qos, isRetained }: Pick<MqttMessage, "qos" | "isRetained">): DeliveryError | undefined {
    const { server, limits: { maxQos, canRetain } } = this.#options;
    if (qos > maxQos) return fault("output_failed", `${server} takes a qos of at most ${maxQos}`);
    if (isRetained && !canRetain) return fault("output_failed", `${server} keeps no retained messages`);
    return undefined;
  }

  /**
   * Says that the broker, or what it answered, blames a message for the end of the connection. If one alone was under
   * way it is rejected; of several each is to be tried alone.
   */
  blame(): void {
    const isKnown = this.#underWay.size === 1;
    for (const ticket of this.#underWay) {
      ticket.isAlone = true;
      if (isKnown) ticket.result = judgeBreaking(this.#options.server);
    }
  }

  /** Ends with the connection. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#underWay.clear();
    this.#rounds.length = 0;
  }

  /** Publishes as much as the window allows. */
  #fill(): void {
    while (this.#rounds.length > 0) {
      const round = this.#rounds[0]!;
      const ticket = round.signal.aborted ? undefined : round.tickets[round.next];
      if (ticket === undefined) this.#rounds.shift();
      else if (this.#mayGo(ticket)) this.#publish(round, ticket);
      else return;
    }
  }

  #mayGo(ticket: Ticket): boolean {
    const { size } = this.#underWay;
    if (size === 0) return true;
    if (ticket.isAlone || size >= this.#window) return false;
    return size > 1 || !this.#isAloneUnderWay();
  }

  #isAloneUnderWay(): boolean {
    for (const { isAlone } of this.#underWay) return isAlone;
    return false;
  }

  #publish(round: Round, ticket: Ticket): void {
    round.next++;
    const { message } = ticket;
    const refusal = this.refusal(message) ?? this.#tooLong(message);
    if (refusal !== undefined) return this.#settle(round, ticket, refusal);
    this.#watch();
    this.#underWay.add(ticket);
    const { topic, payload, qos, isRetained, properties } = message;
    const options = { qos, retain: isRetained, ...(properties === undefined ? {} : { properties }) };
    this.#client.publish(topic, payload, options, (error) => {
      if (this.#isClosed || !this.#underWay.delete(ticket)) return;
      this.#quietSince = performance.now();
      const code = refusalCode(error);
      if (code !== undefined) this.#settle(round, ticket, judgeRefusal(code, this.#options.server));
      else if (error === null || error === undefined) this.#settle(round, ticket, "delivered");
      // Any other error says that the connection has ended, which everybody learns of.
      this.#fill();
    });
  }

  #tooLong(message: MqttMessage): DeliveryError | undefined {
    const { server, limits: { maxPacketBytes } } = this.#options;
    if (fitsPacket(message, maxPacketBytes)) return undefined;
    return fault("output_rejected", `${server} takes packets of at most ${maxPacketBytes} bytes`);
  }

  #settle(round: Round, ticket: Ticket, result: DeliveryResult): void {
    ticket.result = result;
    if (--round.left === 0) round.end();
  }

  get #isOwed(): boolean {
    return this.#underWay.size > 0 || this.#questions > 0;
  }

  /** To be called before the broker owes another answer. One timer for all sees whether there was any. */
  #watch(): void {
    if (!this.#isOwed) this.#quietSince = performance.now();
    this.#timer ??= setTimeout(this.#look, this.#options.timeoutMs);
  }

  readonly #look = (): void => {
    this.#timer = undefined;
    if (!this.#isOwed) return;
    const leftMs = this.#quietSince + this.#options.timeoutMs - performance.now();
    if (leftMs > 0) this.#timer = setTimeout(this.#look, Math.ceil(leftMs));
    else this.#options.onSilent();
  };
}

/** Other webhooks of the connection may ask for nothing that the broker does not do. */
function fault(code: "output_failed" | "output_rejected", message: string): DeliveryError {
  return new DeliveryError(code, message, { isPartial: true });
}
