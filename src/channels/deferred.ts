/**
 * Channel queues behind a promise, for a store that is opened on first use.
 *
 * @module
 */

import type { VerifiedEvent } from "../event/verified_event.ts";
import type {
  AcknowledgeOptions,
  ChannelDepth,
  ChannelQueues,
  EnqueueOptions,
  HeldEvent,
  LeasedEvent,
  LeaseOptions,
  Rejection,
  TimedLease,
} from "./channel_queues.ts";

/**
 * Channel queues that are opened when they are first needed: a gateway without channels neither writes to
 * disk for them nor connects anywhere. An opening that failed is tried again by whoever asks next.
 */
export class DeferredChannelQueues implements ChannelQueues {
  readonly #openQueues: () => Promise<ChannelQueues>;
  readonly #watches = new Set<Watch>();
  #opening: Promise<ChannelQueues> | undefined;
  #queues: ChannelQueues | undefined;

  /** @param open rejects with a `GatewayError` `journal_unavailable` when the queues cannot be opened */
  constructor(open: () => Promise<ChannelQueues>) {
    this.#openQueues = open;
  }

  async enqueue(channel: string, event: VerifiedEvent, options: EnqueueOptions): Promise<void> {
    await (this.#queues ?? await this.#open()).enqueue(channel, event, options);
  }

  async lease(
    channel: string,
    limit: number,
    visibilityMs: number,
    options?: LeaseOptions,
  ): Promise<readonly LeasedEvent[]> {
    return await (this.#queues ?? await this.#open()).lease(channel, limit, visibilityMs, options);
  }

  async renew(channel: string, tags: readonly string[], visibilityMs: number): Promise<readonly string[]> {
    return await (this.#queues ?? await this.#open()).renew(channel, tags, visibilityMs);
  }

  async extend(
    channel: string,
    leases: readonly TimedLease[],
    visibilityMs: number,
  ): Promise<readonly string[]> {
    return await (this.#queues ?? await this.#open()).extend(channel, leases, visibilityMs);
  }

  async acknowledge(
    channel: string,
    tags: readonly string[],
    options?: AcknowledgeOptions,
  ): Promise<readonly string[]> {
    return await (this.#queues ?? await this.#open()).acknowledge(channel, tags, options);
  }

  async release(channel: string, events: readonly HeldEvent[], delayMs: number): Promise<readonly string[]> {
    return await (this.#queues ?? await this.#open()).release(channel, events, delayMs);
  }

  async takeBack(channel: string, tags: readonly string[]): Promise<readonly string[]> {
    return await (this.#queues ?? await this.#open()).takeBack(channel, tags);
  }

  async reject(
    channel: string,
    events: readonly HeldEvent[],
    rejection: Rejection,
  ): Promise<readonly string[]> {
    return await (this.#queues ?? await this.#open()).reject(channel, events, rejection);
  }

  async depth(channel: string): Promise<ChannelDepth> {
    return await (this.#queues ?? await this.#open()).depth(channel);
  }

  async channels(): Promise<readonly string[]> {
    return await (this.#queues ?? await this.#open()).channels();
  }

  watch(channel: string, listener: () => void): Disposable {
    const watch: Watch = { channel, listener, inner: this.#queues?.watch(channel, listener) };
    this.#watches.add(watch);
    return {
      [Symbol.dispose]: () => {
        this.#watches.delete(watch);
        watch.inner?.[Symbol.dispose]();
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const queues = await this.#opening?.catch(() => undefined);
    await queues?.[Symbol.asyncDispose]();
  }

  #open(): Promise<ChannelQueues> {
    return this.#opening ??= this.#openQueues().then((queues) => {
      this.#queues = queues;
      for (const watch of this.#watches) {
        watch.inner = queues.watch(watch.channel, watch.listener);
        watch.listener();
      }
      return queues;
    }, (error) => {
      this.#opening = undefined;
      throw error;
    });
  }
}

interface Watch {
  readonly channel: string;
  readonly listener: () => void;
  inner: Disposable | undefined;
}
