/**
 * Messages that a peer answers, on one connection: one at a time where the answers do not say what they are to, and
 * otherwise with a number in front that comes back with the answer.
 *
 * @module
 */

import type { Buffer } from "node:buffer";
import { DeliveryError } from "../../errors.ts";
import type { DeliveryResult } from "../module.ts";
import { settle, type Ticket } from "./message.ts";
import type { Peer } from "./peer.ts";
import type { FrameBody } from "./zmtp/frames.ts";

/** Most messages of a `DEALER` without an answer: sockets of peers keep a thousand. */
const MAX_WINDOW = 1_000;

/** What separates a message from what stands in front of it for its way back. */
const DELIMITER = "";

/** The most of an answer that is looked at, in bytes. */
const MAX_WORD = 6;

/** Tickets that were handed over together. */
interface Round {
  /** How many have no result. */
  left: number;
  /** Settle the promise of {@linkcode Requests.send}. */
  readonly end: () => void;
  readonly fail: (reason: unknown) => void;
  /** By `performance.now()`. */
  readonly since: number;
  isGivenUp: boolean;
}

interface Request {
  readonly ticket: Ticket;
  readonly round: Round;
}

/** Asks one peer. */
export class Requests {
  readonly #peer: Peer;
  readonly #isNumbered: boolean;
  readonly #waiting: Request[] = [];
  /** By the number in front of each, the oldest first. */
  readonly #underWay = new Map<string, Request>();
  #lastNumber = 0;

  /** @param isNumbered whether answers come back with what stood in front of the message */
  constructor(peer: Peer, isNumbered: boolean) {
    this.#peer = peer;
    this.#isNumbered = isNumbered;
    peer.onMessage = (frames) => this.#hear(frames);
    peer.ended.addEventListener("abort", () => this.#failAll(peer.ended.reason), { once: true });
  }

  /** How many messages have no answer. */
  get size(): number {
    return this.#waiting.length + this.#underWay.size;
  }

  /**
   * Sends messages. Resolves when each has its result.
   *
   * @throws {DeliveryError} when the connection ends before
   * @throws the signal's reason when that aborts before; answers that come later count for nothing
   */
  async send(tickets: readonly Ticket[], signal: AbortSignal): Promise<void> {
    this.#peer.ended.throwIfAborted();
    signal.throwIfAborted();
    const { promise, resolve: end, reject: fail } = Promise.withResolvers<void>();
    const round: Round = { left: tickets.length, end, fail, since: performance.now(), isGivenUp: false };
    const onAbort = () => this.#giveUp(round, signal.reason);
    signal.addEventListener("abort", onAbort);
    for (const ticket of tickets) this.#waiting.push({ ticket, round });
    this.#fill();
    try {
      await promise;
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  #fill(): void {
    const window = this.#isNumbered ? MAX_WINDOW : 1;
    const messages: (readonly FrameBody[])[] = [];
    while (this.#underWay.size < window) {
      const request = this.#waiting.shift();
      if (request === undefined) break;
      if (request.round.isGivenUp) continue;
      const number = (++this.#lastNumber).toString(16);
      this.#underWay.set(number, request);
      const { frames } = request.ticket;
      messages.push(this.#isNumbered ? [number, DELIMITER, ...frames] : [DELIMITER, ...frames]);
    }
    if (messages.length > 0) this.#peer.post(messages);
  }

  #hear(frames: readonly Buffer[]): void {
    const end = frames.findIndex(({ length }) => length === 0);
    const [number] = this.#isNumbered ? [frames[0]?.toString("latin1")] : this.#underWay.keys();
    const request = number === undefined || end === -1 ? undefined : this.#underWay.get(number);
    if (number === undefined || request === undefined) return; // To nothing that was asked, or too late.
    this.#underWay.delete(number);
    const { ticket, round } = request;
    settle(ticket, judgeReply(frames[end + 1], this.#peer.name));
    if (--round.left === 0) round.end();
    this.#fill();
  }

  #failAll(reason: unknown): void {
    for (const { round } of [...this.#waiting.splice(0), ...this.#underWay.values()]) round.fail(reason);
    this.#underWay.clear();
  }

  #giveUp(round: Round, reason: unknown): void {
    round.isGivenUp = true;
    round.fail(reason);
    for (const [number, request] of this.#underWay) {
      if (request.round !== round) continue;
      this.#underWay.delete(number);
      // The next answer could be to this message as well as to the next one; and one who is silent may be gone.
      if (!this.#isNumbered || this.#peer.heardAt < round.since) {
        this.#peer.end(new DeliveryError("output_timeout", `${this.#peer.name} did not answer in time`));
      }
    }
    this.#fill();
  }
}

/** What an answer means, by the word that it begins with. */
function judgeReply(reply: Buffer | undefined, peer: string): DeliveryResult {
  const text = reply?.toString("latin1", 0, MAX_WORD).toLowerCase() ?? "";
  if (text.startsWith("error")) {
    return new DeliveryError("output_failed", `${peer} answers with an error`, { isPartial: true });
  }
  if (text.startsWith("reject")) {
    return new DeliveryError("output_rejected", `${peer} rejects the message`, { isPartial: true });
  }
  return "delivered";
}
