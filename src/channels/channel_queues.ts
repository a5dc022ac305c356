/**
 * The contract of channel queues: durable, bounded, first in first out, shared by several consumers. An event
 * is *leased* to one consumer for a time; when it is not acknowledged by then, it is leased again.
 *
 * @module
 */

import type { VerifiedEvent } from "../event/verified_event.ts";

/** A channel's bounds, given with each event since they are the webhook's configuration. */
export interface EnqueueOptions {
  /** After this time the event becomes a dead letter `expired`, in milliseconds. */
  readonly ttlMs: number;
  /** Events that may stand in the channel, leased ones included. */
  readonly maxSize: number;
}

/** An event that is leased to a consumer. */
export interface LeasedEvent {
  /** Names this event in the channel; the same on every delivery. */
  readonly tag: string;
  readonly event: VerifiedEvent;
  /** Which delivery this is, from 1. */
  readonly delivery: number;
}

/** How events are leased. */
export interface LeaseOptions {
  /** Of bodies, by their `length`: once they have so many, no further event is taken. @default Infinity */
  readonly bytes?: number;
  /**
   * Whether the lease is its consumer's for the whole time, whatever happens to this process; it is named by its
   * tag and delivery. Other leases may end with the process that gave them. @default false
   */
  readonly isTimed?: boolean;
}

/** Names one timed lease of an event: of all its leases only this one was that delivery. */
export type TimedLease = Pick<LeasedEvent, "tag" | "delivery">;

/** Names an event that a consumer holds. */
export interface HeldEvent {
  readonly tag: string;
  /** Only if the timed lease of this delivery stands. @default whatever holds the event */
  readonly delivery?: number;
}

/** How events are acknowledged. */
export interface AcknowledgeOptions {
  /** Whether it can be done some milliseconds later, together with what else comes by then. @default false */
  readonly mayWait?: boolean;
}

/** How full a channel is. */
export interface ChannelDepth {
  readonly ready: number;
  readonly leased: number;
  /** When the oldest event was received, in milliseconds since 1970; `undefined` when the channel is empty. */
  readonly oldestReceivedAt: number | undefined;
}

/** Why a consumer gave an event back for good. Holds no secret. */
export interface Rejection {
  readonly code: "output_rejected" | "output_failed" | "expired";
  readonly message: string;
  /** How often it was handed out. @default the deliveries that were counted */
  readonly attempts?: number;
}

/**
 * The queues of all channels. Every method resolves when the change would survive a crash, and rejects with a
 * `GatewayError` `journal_unavailable` when the store cannot be used; then nothing has happened.
 *
 * What consumers say of events comes in batches: each is one step of the store, however many events it names. It
 * returns the tags of those that it applied to, each once; others had dealt with the rest.
 */
export interface ChannelQueues extends AsyncDisposable {
  /**
   * Appends an event. One whose id stands in the channel already is not added again: a repeated delivery.
   *
   * @throws {DeliveryError} `overloaded` when the channel is full
   */
  enqueue(channel: string, event: VerifiedEvent, options: EnqueueOptions): Promise<void>;
  /**
   * Takes the oldest events that are due and not leased.
   *
   * @param visibilityMs how long they are the consumer's, in milliseconds
   */
  lease(
    channel: string,
    limit: number,
    visibilityMs: number,
    options?: LeaseOptions,
  ): Promise<readonly LeasedEvent[]>;
  /**
   * Lengthens leases, for a consumer that is alive and still at work: they last `visibilityMs` from now on.
   *
   * @returns the tags that still stand in the channel
   */
  renew(channel: string, tags: readonly string[], visibilityMs: number): Promise<readonly string[]>;
  /**
   * Makes timed leases last `visibilityMs` from now on, also those that are over, as long as nobody else was given the
   * events. A lease that was ended stays so.
   */
  extend(channel: string, leases: readonly TimedLease[], visibilityMs: number): Promise<readonly string[]>;
  /** Removes events that their consumer has dealt with. */
  acknowledge(
    channel: string,
    tags: readonly string[],
    options?: AcknowledgeOptions,
  ): Promise<readonly string[]>;
  /** Gives events back, to be leased again after the delay in milliseconds. */
  release(channel: string, events: readonly HeldEvent[], delayMs: number): Promise<readonly string[]>;
  /** Gives back, at once, events that their consumer never saw: these leases do not count as deliveries. */
  takeBack(channel: string, tags: readonly string[]): Promise<readonly string[]>;
  /** Moves events to the dead letters, all for the same reason. */
  reject(channel: string, events: readonly HeldEvent[], rejection: Rejection): Promise<readonly string[]>;
  depth(channel: string): Promise<ChannelDepth>;
  /** Channels that hold events. */
  channels(): Promise<readonly string[]>;
  /**
   * Calls the listener whenever a channel may have events to lease, until disposed. It may be called in vain, and
   * before an event is there, which a lease that is asked for then waits for.
   */
  watch(channel: string, listener: () => void): Disposable;
}
