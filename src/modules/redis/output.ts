/**
 * The output that all Redis modules share.
 *
 * @module
 */

import { DeliveryError } from "../../errors.ts";
import type { Event } from "../../event/event.ts";
import type { Attempt, Delivery, DeliveryResult, Output } from "../module.ts";
import type { RedisClient, RedisCommand, RedisReply } from "./client.ts";

/**
 * How the gateway hands events to Redis: one write a batch. While Redis works on one, the next is on its way. Larger
 * ones are not faster, and delay what other clients ask of Redis.
 */
export const REDIS_BATCHES = {
  maxBatch: 256,
  maxBatchBytes: 1024 * 1024,
  gathers: 2,
  concurrency: 16,
} as const;

/** How a module turns events into commands. */
export interface RedisDialect<Config> {
  /**
   * Shows whether Redis takes anything now, and leaves nothing behind.
   *
   * @param last configuration of the events that were delivered last; `undefined` before the first
   */
  probe(last: Config | undefined): RedisCommand;
  /** Shows whether Redis would take the events of webhooks with this configuration, and leaves nothing behind. */
  probeFor(config: Config): RedisCommand;
  /** Whether events are given to scripts, so that a user who may run none can deliver none. */
  readonly usesScripts: boolean;
  /**
   * @param signal ends what takes long
   * @returns a promise where it takes long
   * @throws {DeliveryError} when the event cannot be delivered at all
   */
  command(event: Event, config: Config, signal: AbortSignal): RedisCommand | Promise<RedisCommand>;
}

/** Hands events to Redis: one command each, many commands a write. */
export class RedisOutput<Config> implements Output<Config> {
  readonly #client: RedisClient;
  readonly #dialect: RedisDialect<Config>;
  #last: Config | undefined;

  /** @param client closed together with the output */
  constructor(client: RedisClient, dialect: RedisDialect<Config>) {
    this.#client = client;
    this.#dialect = dialect;
  }

  async deliver(
    batch: readonly Delivery<Config>[],
    { signal }: Attempt,
  ): Promise<readonly DeliveryResult[]> {
    const commands: RedisCommand[] = [];
    this.#last = batch[0]?.config;
    const prepared = batch.map(({ event, config }) => this.#prepare(event, config, commands, signal));
    const sent = this.#client.execute(commands, signal);
    const results = prepared.every(isKnown) ? prepared : await Promise.all(prepared);
    const replies = await sent;
    let next = 0;
    return results.map((result) => result ?? resultOf(replies[next++]));
  }

  async probe(signal: AbortSignal): Promise<void> {
    // What the user may not do here says nothing about the keys of events.
    await this.#isPermitted(this.#dialect.probe(this.#last), signal);
  }

  async probeFor(config: Config, signal: AbortSignal): Promise<void> {
    // A user who may run no scripts may be permitted to deliver all the same.
    const { usesScripts } = this.#dialect;
    if (!usesScripts && !await this.#isPermitted(["eval", "return 0", 0], signal)) return this.probe(signal);
    await this.#ask(this.#dialect.probeFor(config), signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client[Symbol.asyncDispose]();
  }

  /** @throws {DeliveryError} when the reply is any other error than that the user may not do this */
  async #isPermitted(command: RedisCommand, signal: AbortSignal): Promise<boolean> {
    try {
      await this.#ask(command, signal);
      return true;
    } catch (error) {
      if (error instanceof DeliveryError && error.isPartial) return false;
      throw error;
    }
  }

  /** @throws {DeliveryError} when the reply is an error */
  async #ask(command: RedisCommand, signal: AbortSignal): Promise<void> {
    const [reply] = await this.#client.execute([command], signal);
    if (reply instanceof DeliveryError) throw reply;
  }

  /**
   * Adds the event's command to the others, or returns why there is none. One that takes long goes by itself when it
   * is ready, and its result is returned.
   */
  #prepare(
    event: Event,
    config: Config,
    commands: RedisCommand[],
    signal: AbortSignal,
  ): Prepared | Promise<DeliveryResult> {
    try {
      const command = this.#dialect.command(event, config, signal);
      if (command instanceof Promise) return this.#sendWhenReady(command, signal);
      commands.push(command);
      return undefined;
    } catch (error) {
      return asDeliveryError(error);
    }
  }

  async #sendWhenReady(ready: Promise<RedisCommand>, signal: AbortSignal): Promise<DeliveryResult> {
    try {
      const [reply] = await this.#client.execute([await ready], signal);
      return resultOf(reply);
    } catch (error) {
      return asDeliveryError(error);
    }
  }
}

/** The result of an event whose command is not sent, or `undefined`: Redis' reply tells. */
type Prepared = DeliveryResult | undefined;

function isKnown(prepared: Prepared | Promise<DeliveryResult>): prepared is Prepared {
  return !(prepared instanceof Promise);
}

function resultOf(reply: RedisReply | undefined): DeliveryResult {
  return reply instanceof DeliveryError ? reply : "delivered";
}

/** @throws the error, when it is any other */
function asDeliveryError(error: unknown): DeliveryError {
  if (error instanceof DeliveryError) return error;
  throw error;
}
