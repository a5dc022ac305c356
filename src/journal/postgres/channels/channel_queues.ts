/**
 * Channels in PostgreSQL, shared by all gateways that use the same database.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";
import { ChannelWatchers } from "../../../channels/channel_watchers.ts";
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
} from "../../../channels/channel_queues.ts";
import { DeliveryError, type GatewayError } from "../../../errors.ts";
import type { VerifiedEvent } from "../../../event/verified_event.ts";
import { ReportLimiter } from "../../../observability/report_limiter.ts";
import { steadyNow } from "../../../time/steady_clock.ts";
import type { PostgresServer } from "../connection/connection.ts";
import type { Wakeups } from "../wakeups/wakeups.ts";
import { Caller } from "./caller.ts";
import { Enqueuer } from "./enqueue.ts";
import { Leaser } from "./lease.ts";
import { Lookout } from "./lookout.ts";
import { ChannelRooms } from "./room.ts";
import { Settler } from "./settle.ts";

/** Seconds after which a sender should try again that finds the journal's room used up. */
const RETRY_AFTER_SECONDS = 1;

/** What the queues need. */
export interface PostgresChannelQueuesOptions {
  /** Three connections to it are opened as they are needed. */
  readonly server: Pick<PostgresServer, "connection">;
  readonly wakeups: Wakeups;
  readonly logger: Logger;
  /** Called when events have become dead letters. */
  readonly onBuried?: (count: number) => void;
  /** Why the journal has no room for an event. @default there is room */
  readonly refuse?: (event: VerifiedEvent) => GatewayError | undefined;
}

/** The channels of all gateways that use a database. */
export class PostgresChannelQueues implements ChannelQueues {
  readonly #callers: readonly Caller[];
  readonly #enqueuer: Enqueuer;
  readonly #leaser: Leaser;
  readonly #settler: Settler;
  readonly #lookout: Lookout;
  readonly #watchers = new ChannelWatchers(steadyNow);
  readonly #rooms = new ChannelRooms();
  readonly #onBuried: (count: number) => void;
  readonly #refuse: (event: VerifiedEvent) => GatewayError | undefined;

  private constructor(
    { server, wakeups, logger, onBuried = () => {}, refuse }: PostgresChannelQueuesOptions,
  ) {
    const [enqueues, leases, settlements] = [0, 1, 2].map(() => new Caller(server.connection()));
    this.#callers = [enqueues!, leases!, settlements!];
    this.#onBuried = onBuried;
    this.#refuse = refuse ?? (() => undefined);
    this.#enqueuer = new Enqueuer(enqueues!, this.#rooms, (channel) => this.#lookout.changed(channel));
    this.#leaser = new Leaser(
      leases!,
      (channel, inMs) => this.#watchers.notifyAt(channel, steadyNow() + inMs),
    );
    this.#settler = new Settler(settlements!);
    const reports = new ReportLimiter();
    this.#lookout = new Lookout({
      caller: settlements!,
      watchers: this.#watchers,
      wakeups,
      onBuried,
      onFailed: (error) =>
        reports.run("look", (suppressed) => {
          logger.warning("The channels in PostgreSQL could not be looked at", { error, suppressed });
        }),
    });
  }

  /** Nothing is asked of the server before a channel is used, but whether events have stood there for too long. */
  static open(options: PostgresChannelQueuesOptions): PostgresChannelQueues {
    return new PostgresChannelQueues(options);
  }

  async enqueue(channel: string, event: VerifiedEvent, options: EnqueueOptions): Promise<void> {
    const refusal = this.#refuse(event);
    if (refusal?.code === "journal_share_full") {
      const message = "The events of this webhook that wait have its share of the journal";
      throw new DeliveryError("overloaded", message, { retryAfterSeconds: RETRY_AFTER_SECONDS });
    }
    if (refusal !== undefined) throw refusal;
    await this.#enqueuer.enqueue(channel, event, options);
  }

  async lease(
    channel: string,
    limit: number,
    visibilityMs: number,
    options: LeaseOptions = {},
  ): Promise<readonly LeasedEvent[]> {
    return await this.#leaser.lease(channel, limit, visibilityMs, options);
  }

  async renew(channel: string, tags: readonly string[], visibilityMs: number): Promise<readonly string[]> {
    return await this.#settler.renew(channel, tags, visibilityMs);
  }

  async extend(
    channel: string,
    leases: readonly TimedLease[],
    visibilityMs: number,
  ): Promise<readonly string[]> {
    return await this.#settler.extend(channel, leases, visibilityMs);
  }

  async acknowledge(
    channel: string,
    tags: readonly string[],
    { mayWait = false }: AcknowledgeOptions = {},
  ): Promise<readonly string[]> {
    const gone = await this.#settler.acknowledge(channel, tags, mayWait);
    if (gone.length > 0) this.#rooms.emptied(channel);
    return gone;
  }

  async release(channel: string, events: readonly HeldEvent[], delayMs: number): Promise<readonly string[]> {
    const released = await this.#settler.release(channel, events, delayMs);
    if (released.length === 0) return released;
    this.#leaser.returned(channel);
    if (delayMs > 0) this.#watchers.notifyAt(channel, steadyNow() + delayMs);
    else this.#lookout.changed(channel);
    return released;
  }

  async takeBack(channel: string, tags: readonly string[]): Promise<readonly string[]> {
    const takenBack = await this.#settler.takeBack(channel, tags);
    if (takenBack.length === 0) return takenBack;
    this.#leaser.returned(channel);
    this.#lookout.changed(channel);
    return takenBack;
  }

  async reject(
    channel: string,
    events: readonly HeldEvent[],
    rejection: Rejection,
  ): Promise<readonly string[]> {
    const gone = await this.#settler.reject(channel, events, rejection);
    if (gone.length === 0) return gone;
    this.#rooms.emptied(channel);
    this.#onBuried(gone.length);
    return gone;
  }

  async depth(channel: string): Promise<ChannelDepth> {
    return await this.#lookout.depth(channel);
  }

  async channels(): Promise<readonly string[]> {
    return await this.#lookout.channels();
  }

  watch(channel: string, listener: () => void): Disposable {
    return this.#lookout.watch(channel, listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#lookout[Symbol.asyncDispose]();
    this.#watchers[Symbol.dispose]();
    for (const part of [this.#enqueuer, this.#leaser, this.#settler]) part.end();
    for (const caller of this.#callers) await caller[Symbol.asyncDispose]();
  }
}
