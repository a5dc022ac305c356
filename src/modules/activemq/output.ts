/**
 * The output of `activemq`: one connection for the events of one destination.
 *
 * @module
 */

import { DeliveryError } from "../../errors.ts";
import { type ConnectionLog, ConnectionSupervisor } from "../../io/connection.ts";
import { halves } from "../halves.ts";
import type { Attempt, Delivery, DeliveryResult, Output } from "../module.ts";
import type { ActivemqConfig } from "./config.ts";
import type { ActivemqConnection } from "./connection.ts";
import { judgeUnreadable } from "./errors.ts";
import { type Blame, nameOf, StompLink } from "./link.ts";
import { type Message, messageOf } from "./message.ts";

/** A message that is sent, and what is known of it. */
interface Sending {
  readonly index: number;
  readonly message: Message;
}

/** What came of sending messages: those without an answer, and why they have none. */
interface Rest {
  readonly unanswered: readonly Sending[];
  readonly failure: DeliveryError;
  /** Whether one of them is what the broker ended the connection over. */
  readonly blame: Blame;
}

/** Hands events to a broker. */
export class ActivemqOutput implements Output<ActivemqConfig> {
  readonly #connection: ActivemqConnection;
  readonly #server: string;
  readonly #supervisor: ConnectionSupervisor<StompLink>;
  /** Where events have gone: the same for all, as the module's partitions have it. */
  #destination: string | undefined;

  constructor(connection: ActivemqConnection, log: ConnectionLog) {
    this.#connection = connection;
    this.#server = nameOf(connection);
    this.#supervisor = this.#supervise(log);
  }

  async deliver(
    batch: readonly Delivery<ActivemqConfig>[],
    { signal, settle }: Attempt,
  ): Promise<readonly DeliveryResult[]> {
    const results: (DeliveryResult | undefined)[] = batch.map(() => undefined);
    const sendings: Sending[] = [];
    for (const [index, delivery] of batch.entries()) {
      const message = this.#prepare(delivery);
      if (message instanceof DeliveryError) results[index] = message;
      else sendings.push({ index, message });
    }
    const record = (index: number, result: DeliveryResult) => {
      results[index] = result;
      settle?.(index, result);
    };
    const rest = await this.#send(this.#supervisor, sendings, record, signal);
    if (rest !== undefined && rest.blame !== "none") await this.#isolate(rest.unanswered, record, signal);
    else for (const { index } of rest?.unanswered ?? []) results[index] = rest!.failure;
    return results.map((result) => result!);
  }

  /** Sends something only where it is known where events go. */
  async probe(signal: AbortSignal): Promise<void> {
    const destination = this.#destination;
    await this.#supervisor.use(
      (link) => destination === undefined ? Promise.resolve() : link.tryOut(destination),
      signal,
    );
  }

  async probeFor({ destination }: ActivemqConfig, signal: AbortSignal): Promise<void> {
    await this.#supervisor.use((link) => link.tryOut(destination), signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#supervisor[Symbol.asyncDispose]();
  }

  #supervise(log?: ConnectionLog): ConnectionSupervisor<StompLink> {
    return new ConnectionSupervisor<StompLink>({
      server: this.#server,
      log,
      open: (opening) => StompLink.open(this.#connection, opening),
      close: (link) => link.close(),
      openTimeoutMs: this.#connection.timeoutMs,
    });
  }

  #prepare({ event, config }: Delivery<ActivemqConfig>): Message | DeliveryError {
    this.#destination = config.destination;
    try {
      return messageOf(event, config, this.#connection.maxFrameBytes);
    } catch (error) {
      if (error instanceof DeliveryError) return error;
      throw error;
    }
  }

  /** @returns those that have no answer; `undefined` when all have */
  async #send(
    supervisor: ConnectionSupervisor<StompLink>,
    sendings: readonly Sending[],
    record: (index: number, result: DeliveryResult) => void,
    signal: AbortSignal,
  ): Promise<Rest | undefined> {
    if (sendings.length === 0) return undefined;
    const answered = new Set<Sending>();
    let used: StompLink | undefined;
    try {
      await supervisor.use((link) => {
        used = link;
        return link.send(sendings.map(({ message }) => message), (at, result) => {
          answered.add(sendings[at]!);
          record(sendings[at]!.index, result);
        });
      }, signal);
      return undefined;
    } catch (error) {
      if (!(error instanceof DeliveryError)) throw error;
      const unanswered = sendings.filter((sending) => !answered.has(sending));
      return { unanswered, failure: error, blame: used?.blame ?? "none" };
    }
  }

  /**
   * Finds out which message the broker ends connections over, on connections that nobody else uses.
   *
   * @param isLast whether a connection that breaks with one message alone is proof: it is the second
   */
  async #isolate(
    sendings: readonly Sending[],
    record: (index: number, result: DeliveryResult) => void,
    signal: AbortSignal,
    isLast = false,
  ): Promise<void> {
    await using alone = this.#supervise();
    const rest = await this.#send(alone, sendings, record, signal);
    if (rest === undefined) return;
    const { unanswered, failure, blame } = rest;
    if (blame !== "none" && unanswered.length > 1) {
      for (const half of halves(unanswered)) await this.#isolate(half, record, signal);
      return;
    }
    if (blame === "possible" && !isLast) return await this.#isolate(unanswered, record, signal, true);
    const result = blame === "none" ? failure : judgeUnreadable(this.#server);
    for (const { index } of unanswered) record(index, result);
  }
}
