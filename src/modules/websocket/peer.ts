/**
 * The other end of a WebSocket: sends messages there, one batch after the other, and waits for what confirms them.
 *
 * @module
 */

import { DeliveryError } from "../../errors.ts";
import { authorityOf } from "../../io/address.ts";
import { ConnectionSupervisor } from "../../io/connection.ts";
import type { SocketOpener } from "../../io/http/socket_opener.ts";
import { Semaphore } from "../../time/semaphore.ts";
import { abortable } from "../../time/abortable.ts";
import { halves } from "../halves.ts";
import type { DeliveryResult, ModuleContext } from "../module.ts";
import { verdictError } from "../verdicts.ts";
import { answersTo } from "./answers.ts";
import type { WebsocketConfig } from "./config.ts";
import { verdictOnClose } from "./errors.ts";
import type { Message } from "./message.ts";
import { Session } from "./session.ts";

/** Batches that may wait for their turn; the host lets only one be under way. */
const WAITING = 1_000;

/** By messages: of one event there may be several, from steps of a chain. */
type Results = Map<Message, DeliveryResult>;

/** A peer, to which there is at most one connection. */
export class Peer implements AsyncDisposable {
  readonly #name: string;
  readonly #supervisor: ConnectionSupervisor<Session>;
  /** What ends a connection is in the batch that is under way: there is never more than one. */
  readonly #turn = new Semaphore(1, WAITING);
  /** That of the last message that was sent. */
  #session: Session | undefined;

  constructor(config: WebsocketConfig, opener: SocketOpener, context: ModuleContext) {
    const { hostname, port } = config.destination;
    const server = this.#name = `WebSocket ${authorityOf(hostname, port)}`;
    this.#supervisor = new ConnectionSupervisor({
      server,
      log: context,
      open: (opening) => Session.open(config, opener, server, opening),
      close: (session) => session.close(),
      openTimeoutMs: config.timeoutMs,
    });
  }

  /** Sends messages and waits until they are confirmed. One result each. */
  async send(messages: readonly Message[], config: WebsocketConfig, signal: AbortSignal): Promise<Results> {
    const results: Results = new Map();
    await this.#inTurn(() => this.#sendAll(messages, config, results, signal), signal).catch((error) => {
      if (!(error instanceof DeliveryError)) throw error;
      for (const message of messages) if (!results.has(message)) results.set(message, error);
    });
    return results;
  }

  /** Resolves when the peer answers a ping. @throws {DeliveryError} when it does not */
  async probe(signal: AbortSignal): Promise<void> {
    await this.#inTurn(() => this.#supervisor.use((session) => session.pong(), signal), signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#supervisor[Symbol.asyncDispose]();
  }

  /** What ends the connection stands alone in the end: it is looked for in halves. */
  async #sendAll(
    messages: readonly Message[],
    config: WebsocketConfig,
    results: Results,
    signal: AbortSignal,
  ): Promise<void> {
    const failure = await this.#sendOnce(messages, config, results, signal);
    if (failure === undefined) return;
    const left = messages.filter((message) => !results.has(message));
    const code = this.#session?.closedWith;
    if (code === undefined || signal.aborted) throw failure;
    if (left.length > 1) {
      for (const half of halves(left)) {
        await this.#pause(signal);
        await this.#sendAll(half, config, results, signal);
      }
      return;
    }
    const verdict = verdictOnClose(code);
    if (verdict.kind !== "reject") throw failure;
    for (const message of left) {
      results.set(message, verdictError(verdict, `${this.#name} ${verdict.text} (${code})`));
    }
  }

  /** @returns what the others failed with, of which some may have results */
  async #sendOnce(
    messages: readonly Message[],
    config: WebsocketConfig,
    results: Results,
    signal: AbortSignal,
  ): Promise<DeliveryError | undefined> {
    this.#session = undefined;
    try {
      await this.#supervisor.use(async (session) => {
        this.#session = session;
        await this.#exchange(session, messages, config, results);
      }, signal);
      return undefined;
    } catch (error) {
      if (error instanceof DeliveryError) return error;
      throw error;
    }
  }

  async #exchange(
    session: Session,
    messages: readonly Message[],
    { confirmation }: WebsocketConfig,
    results: Results,
  ): Promise<void> {
    if (confirmation === "answer") {
      for (const message of messages) {
        const answered = new Promise<void>((resolve) => session.onMessage = () => resolve());
        await session.write([message]);
        await answered;
        results.set(message, "delivered");
      }
      return;
    }
    if (typeof confirmation === "object") {
      const { promise, resolve } = Promise.withResolvers<void>();
      const answers = answersTo(messages, confirmation, this.#name, results, resolve);
      session.onMessage = answers;
      await session.write(messages);
      await promise;
      return;
    }
    await session.write(messages);
    if (confirmation === "pong") await session.pong();
    for (const message of messages) results.set(message, "delivered");
  }

  /** After a connection was lost, another one is not tried at once. */
  async #pause(signal: AbortSignal): Promise<void> {
    // A timer may be over a moment before the clock says so.
    for (let pauseMs; (pauseMs = this.#supervisor.pauseMs) > 0;) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, Math.ceil(pauseMs));
      try {
        await abortable(promise, signal);
      } catch (cause) {
        throw this.#late(cause);
      } finally {
        clearTimeout(timer);
      }
    }
  }

  #late(cause: unknown): DeliveryError {
    return new DeliveryError("output_timeout", `${this.#name} did not answer in time`, { cause });
  }

  async #inTurn<Result>(work: () => Promise<Result>, signal: AbortSignal): Promise<Result> {
    const turn = this.#turn.take();
    if (turn === "full") throw new DeliveryError("overloaded", `Too many wait for ${this.#name}`);
    if (turn !== "taken") await turn;
    try {
      if (signal.aborted) throw this.#late(signal.reason);
      return await work();
    } finally {
      this.#turn.free();
    }
  }
}
