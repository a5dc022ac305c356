import { DeliveryError } from "../errors.ts";
import type { Event } from "../event.ts";
import type { Attempt, Delivery, DeliveryResult, Output } from "./module.ts";
import { RedisBatcher, type RedisRequest } from "./redis_batcher.ts";
import type { RedisClient, RedisCommand, RedisReply } from "./redis_client.ts";

/** How a module turns events into commands. */
export interface RedisDialect<Config> {
  /** Shows whether Redis would take an event now, and leaves nothing behind. */
  probe(): RedisCommand;
  /** @throws {DeliveryError} when the event cannot be delivered at all */
  request(event: Event, config: Config): RedisRequest;
}

/** Hands events to Redis: one command each, many commands a write. */
export class RedisOutput<Config> implements Output<Config> {
  readonly #client: RedisClient;
  readonly #dialect: RedisDialect<Config>;
  readonly #batcher: RedisBatcher;

  /** @param client closed together with the output */
  constructor(client: RedisClient, dialect: RedisDialect<Config>) {
    this.#client = client;
    this.#dialect = dialect;
    this.#batcher = new RedisBatcher(client);
  }

  async deliver(batch: readonly Delivery<Config>[], attempt: Attempt): Promise<readonly DeliveryResult[]> {
    const prepared = batch.map(({ event, config }) => this.#prepare(event, config));
    const requests = prepared.filter((request): request is RedisRequest =>
      !(request instanceof DeliveryError)
    );
    const replies = (await this.#batcher.send(requests, attempt.signal)).values();
    return prepared.map((request) =>
      request instanceof DeliveryError ? request : toResult(replies.next().value)
    );
  }

  async probe(signal: AbortSignal): Promise<void> {
    const [reply] = await this.#batcher.send([{ command: this.#dialect.probe(), bytes: 0 }], signal);
    if (reply instanceof DeliveryError) throw reply;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client[Symbol.asyncDispose]();
  }

  #prepare(event: Event, config: Config): RedisRequest | DeliveryError {
    try {
      return this.#dialect.request(event, config);
    } catch (error) {
      if (error instanceof DeliveryError) return error;
      throw error;
    }
  }
}

function toResult(reply: RedisReply | undefined): DeliveryResult {
  return reply instanceof DeliveryError ? reply : "delivered";
}
