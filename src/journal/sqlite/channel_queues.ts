/**
 * The gateway thread's side of channels that stand in the journal's file.
 *
 * @module
 */

import type { VerifiedEvent } from "../../event/verified_event.ts";
import { DeliveryError } from "../../errors.ts";
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
} from "../../channels/channel_queues.ts";
import { ChannelWatchers } from "../../channels/channel_watchers.ts";
import { decodeEvent, encodeEvent } from "../event_codec.ts";
import type { StoredEvent } from "./protocol.ts";
import type { WorkerClient } from "./worker_client.ts";

/** The channels that stand in the file of a {@linkcode SqliteJournal}. The journal's disposal closes it. */
export class SqliteChannelQueues implements ChannelQueues {
  readonly #worker: WorkerClient;
  readonly #watchers: ChannelWatchers;
  readonly #now: () => number;
  /** Events that were stored lately, by the form in which they were. */
  readonly #originals = new WeakMap<StoredEvent, VerifiedEvent>();

  /** Channels with events of which nobody was notified, since a lease comes with the same commit. */
  readonly #unannounced = new Set<string>();

  /** @param now the time by `steadyNow` */
  constructor(worker: WorkerClient, now: () => number) {
    this.#worker = worker;
    this.#watchers = new ChannelWatchers(now);
    this.#now = now;
  }

  async enqueue(channel: string, event: VerifiedEvent, { ttlMs, maxSize }: EnqueueOptions): Promise<void> {
    const stored = encodeEvent(event);
    const bytes = stored.headers.length + stored.body.length;
    const enqueued = this.#worker.operate("enqueue", { channel, event: stored, ttlMs, maxSize }, bytes);
    this.#originals.set(stored, event);
    if (this.#worker.problem === undefined) this.#announce(channel);
    const outcome = await enqueued;
    if (outcome === "full") {
      const message = `The channel ${channel} holds ${maxSize} events, which is its bound`;
      throw new DeliveryError("overloaded", message, { retryAfterSeconds: 1 });
    }
    if (outcome === "beyond_share") {
      const message = "The events of this webhook that wait have its share of the journal";
      throw new DeliveryError("overloaded", message, { retryAfterSeconds: 1 });
    }
  }

  async lease(
    channel: string,
    limit: number,
    visibilityMs: number,
    { bytes = Infinity, isTimed = false }: LeaseOptions = {},
  ): Promise<readonly LeasedEvent[]> {
    const reply = await this.#worker.operate("lease", { channel, limit, visibilityMs, bytes, isTimed });
    if (reply.nextVisibleAt !== undefined) this.#watchers.notifyAt(channel, reply.nextVisibleAt);
    const leased = reply.events.map(({ event, delivery }) => {
      // The commit has put its own events in the place of their operations.
      const stored = event as StoredEvent;
      return { tag: stored.id, event: this.#originals.get(stored) ?? decodeEvent(stored), delivery };
    });
    const mayBeMore = leased.length >= limit || lengthOf(leased) >= bytes;
    if (mayBeMore && this.#unannounced.delete(channel)) this.#watchers.notify(channel);
    return leased;
  }

  async renew(channel: string, tags: readonly string[], visibilityMs: number): Promise<readonly string[]> {
    return tags.length === 0 ? [] : await this.#worker.operate("renew", { channel, tags, visibilityMs });
  }

  async extend(
    channel: string,
    leases: readonly TimedLease[],
    visibilityMs: number,
  ): Promise<readonly string[]> {
    if (leases.length === 0) return [];
    const events = leases.map(({ tag, delivery }) => ({ tag, delivery }));
    return await this.#worker.operate("extend", { channel, events, visibilityMs });
  }

  async acknowledge(
    channel: string,
    tags: readonly string[],
    { mayWait = false }: AcknowledgeOptions = {},
  ): Promise<readonly string[]> {
    if (tags.length === 0) return [];
    return await this.#worker.operate("acknowledge", { channel, tags }, undefined, mayWait);
  }

  async release(channel: string, events: readonly HeldEvent[], delayMs: number): Promise<readonly string[]> {
    if (events.length === 0) return [];
    const released = await this.#worker.operate("release", { channel, events: namesOf(events), delayMs });
    if (released.length > 0) this.#watchers.notifyAt(channel, this.#now() + delayMs);
    return released;
  }

  async takeBack(channel: string, tags: readonly string[]): Promise<readonly string[]> {
    if (tags.length === 0) return [];
    const takenBack = await this.#worker.operate("takeBack", { channel, tags });
    if (takenBack.length > 0) this.#watchers.notify(channel);
    return takenBack;
  }

  async reject(
    channel: string,
    events: readonly HeldEvent[],
    { code, message, attempts }: Rejection,
  ): Promise<readonly string[]> {
    if (events.length === 0) return [];
    const failure = { code, message, connection: channel };
    return await this.#worker.operate("reject", { channel, events: namesOf(events), failure, attempts });
  }

  depth(channel: string): Promise<ChannelDepth> {
    return this.#worker.operate("depth", { channel });
  }

  channels(): Promise<readonly string[]> {
    return this.#worker.operate("channels", {});
  }

  watch(channel: string, listener: () => void): Disposable {
    return this.#watchers.add(channel, listener);
  }

  /** Notifies now, so that whoever waits for events gets the new one with the commit that stores it. */
  #announce(channel: string): void {
    // A lease that is in this commit gets it as well. If that is bounded, others hear of what it has left.
    if (this.#worker.hasLeaseOf(channel)) this.#unannounced.add(channel);
    else this.#watchers.notify(channel);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#watchers[Symbol.dispose]();
    return Promise.resolve();
  }
}

/** The length of the bodies, in bytes. */
function lengthOf(leased: readonly LeasedEvent[]): number {
  return leased.reduce((sum, { event }) => sum + event.body.length, 0);
}

/** Without what callers have beside the names, which would travel to the worker, too. */
function namesOf(events: readonly HeldEvent[]): readonly HeldEvent[] {
  return events.map(({ tag, delivery }) => delivery === undefined ? { tag } : { tag, delivery });
}
