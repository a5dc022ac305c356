/**
 * Publishes messages on one connection and collects what streams say to each. Confirmations come to a subject of its
 * own, with the message's number as the last token; one timer sees which are overdue, and when the server is silent.
 *
 * @module
 */

import type { Msg, NatsConnectionImpl, PermissionViolationError } from "@nats-io/nats-core/internal";
import type { DeliveryResult } from "../../module.ts";
import { judgeAnswer } from "./answer.ts";
import { subjectFailure, unfitMessage } from "../errors.ts";
import type { NatsMessage } from "../message.ts";

/** A message on its way. */
export interface Ticket {
  readonly message: NatsMessage;
  /** What an answer to it means. @default as of a stream */
  judge?(answer: Msg): DeliveryResult;
  /** `undefined` until it is known. */
  result: DeliveryResult | undefined;
  /** Called with the result as soon as that is known. */
  report?(result: DeliveryResult): void;
}

/** What a sender works with. */
export interface SenderOptions {
  /** Begins sentences about the server. */
  readonly server: string;
  /** What subjects of confirmations begin with, which no other connection has. */
  readonly inbox: string;
  /** How long the server may be silent while it owes an answer, and a stream take to confirm, in milliseconds. */
  readonly timeoutMs: number;
  /** When the server was heard last, by `performance.now()`. */
  heardAt(): number;
  /** Called when it was silent for longer. */
  onSilent(): void;
}

/** Tickets that were handed over together. */
interface Round {
  /** How many have no result. */
  left: number;
  /** Resolves the promise of {@linkcode Sender.send}. */
  readonly end: () => void;
}

interface Sent {
  readonly ticket: Ticket;
  readonly round: Round;
  /** By `performance.now()`. */
  readonly at: number;
}

const NUMBER_RADIX = 36;

/** Publishes on one connection, for as long as that lasts. */
export class Sender {
  readonly #connection: NatsConnectionImpl;
  readonly #options: SenderOptions;
  /** Those that a stream has to confirm, by their number, the oldest first. */
  readonly #underWay = new Map<number, Sent>();
  /** Those that nobody confirms, until the server has read them. */
  readonly #unread = new Set<Ticket>();
  #lastNumber = 0;
  #questions = 0;
  /** When the server began to owe something, by `performance.now()`. */
  #owedSince = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;

  constructor(connection: NatsConnectionImpl, options: SenderOptions) {
    this.#connection = connection;
    this.#options = options;
    connection.subscribe(`${options.inbox}.*`, { callback: (_error, answer) => this.#hear(answer) });
  }

  /**
   * Publishes the messages. Resolves when each has its result, and never when the connection is lost before; those that
   * have none then are not known to have arrived.
   */
  async send(tickets: readonly Ticket[]): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const round: Round = { left: tickets.length, end: resolve };
    const at = performance.now();
    for (const ticket of tickets) this.#publish(ticket, round, at);
    if (tickets.some(({ message }) => !message.isConfirmed)) await this.#readAll(tickets, round);
    await promise;
  }

  /** Resolves when the server has read everything that was published before, and said what it refuses of it. */
  async ask(): Promise<void> {
    this.#watch();
    this.#questions++;
    await this.#connection.flush();
    this.#questions--;
  }

  /** To be called when the server refuses that something is published. */
  forbid({ subject }: PermissionViolationError): void {
    const refusal = subjectFailure(
      `${this.#options.server} does not permit the user to publish on '${subject}'`,
    );
    for (const [number, { ticket }] of this.#underWay) {
      if (ticket.message.subject === subject) this.#settle(number, refusal);
    }
    for (const ticket of this.#unread) {
      if (ticket.message.subject === subject) ticket.result = refusal;
    }
  }

  /** Ends with the connection. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#underWay.clear();
    this.#unread.clear();
  }

  #publish(ticket: Ticket, round: Round, at: number): void {
    const { message } = ticket;
    const { subject, body, headers, isConfirmed } = message;
    const length = body.length + headers.length;
    const limit = this.#connection.info?.max_payload ?? length;
    if (length > limit) {
      const text =
        `${this.#options.server} takes messages of at most ${limit} bytes, this one with headers has ${length}`;
      return this.#finish(ticket, round, unfitMessage(text));
    }
    if (!isConfirmed) {
      this.#unread.add(ticket);
      return this.#connection.publish(subject, body, { headers });
    }
    this.#watch();
    const number = ++this.#lastNumber;
    this.#underWay.set(number, { ticket, round, at });
    const reply = `${this.#options.inbox}.${number.toString(NUMBER_RADIX)}`;
    this.#connection.publish(subject, body, { headers, reply });
  }

  /** Gives those that nobody confirms their results, which are known when the server has read them. */
  async #readAll(tickets: readonly Ticket[], round: Round): Promise<void> {
    await this.ask();
    for (const ticket of tickets) {
      if (this.#unread.delete(ticket)) this.#finish(ticket, round, ticket.result ?? "delivered");
    }
  }

  #hear(answer: Msg): void {
    if (this.#isClosed) return;
    const number = Number.parseInt(answer.subject.slice(this.#options.inbox.length + 1), NUMBER_RADIX);
    const sent = this.#underWay.get(number);
    if (sent === undefined) return; // It was given up.
    const { ticket } = sent;
    const result = ticket.judge?.(answer) ?? judgeAnswer(answer, ticket.message, this.#options.server);
    this.#settle(number, result);
  }

  #settle(number: number, result: DeliveryResult): void {
    const { ticket, round } = this.#underWay.get(number)!;
    this.#underWay.delete(number);
    this.#finish(ticket, round, result);
  }

  #finish(ticket: Ticket, round: Round, result: DeliveryResult): void {
    ticket.result = result;
    ticket.report?.(result);
    if (--round.left === 0) round.end();
  }

  get #isOwed(): boolean {
    return this.#underWay.size > 0 || this.#questions > 0;
  }

  /** To be called before the server owes another answer. */
  #watch(): void {
    if (!this.#isOwed) this.#owedSince = performance.now();
    this.#timer ??= setTimeout(this.#look, this.#options.timeoutMs / 2);
  }

  readonly #look = (): void => {
    this.#timer = undefined;
    if (!this.#isOwed) return;
    const { timeoutMs, heardAt, onSilent } = this.#options;
    const now = performance.now();
    const silentMs = now - Math.max(heardAt(), this.#owedSince);
    if (silentMs >= timeoutMs) return onSilent();
    this.#expire(now - timeoutMs);
    if (!this.#isOwed) return;
    // A stream may take its time, and say nothing: the server itself always answers this.
    if (silentMs >= timeoutMs / 4) void this.#connection.flush();
    this.#timer = setTimeout(this.#look, timeoutMs / 2);
  };

  /** Gives up those that were published before a time. */
  #expire(before: number): void {
    for (const [number, { at, ticket }] of this.#underWay) {
      if (at > before) return;
      const text = `${this.#options.server} got no confirmation of '${ticket.message.subject}' within ` +
        `${this.#options.timeoutMs} ms: does a stream take this subject, and confirm?`;
      this.#settle(number, subjectFailure(text));
    }
  }
}
