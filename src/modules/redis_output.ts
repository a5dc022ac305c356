import { DeliveryError } from "../errors.ts";
import type { Event } from "../event.ts";
import type { Attempt, Delivery, DeliveryResult, Output } from "./module.ts";
import { RedisBatcher, type RedisRequest } from "./redis_batcher.ts";
import type { RedisClient, RedisCommand } from "./redis_client.ts";

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
    const requests: RedisRequest[] = [];
    const results = batch.map(({ event, config }) => this.#prepare(event, config, requests));
    const replies = await this.#batcher.send(requests, attempt.signal);
    let next = 0;
    return results.map((result) => {
      if (result !== undefined) return result;
      const reply = replies[next++];
      return reply instanceof DeliveryError ? reply : "delivered";
    });
  }

  async probe(signal: AbortSignal): Promise<void> {
    const [reply] = await this.#batcher.send([{ command: this.#dialect.probe(), bytes: 0 }], signal);
    if (reply instanceof DeliveryError) throw reply;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client[Symbol.asyncDispose]();
  }

  /** Adds the event's request to the others, or returns why there is none. */
  #prepare(event: Event, config: Config, requests: RedisRequest[]): DeliveryError | undefined {
    try {
      requests.push(this.#dialect.request(event, config));
      return undefined;
    } catch (error) {
      if (error instanceof DeliveryError) return error;
      throw error;
    }
  }
}
