/**
 * One connector's hold on a channel: which messages it has and has not acknowledged, and for how long they
 * stay its own. Transports come and go on a session; it knows none of them.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";
import type { ChannelQueues, LeasedEvent, Rejection } from "../channels/channel_queues.ts";
import { assertCount, GatewayError } from "../errors.ts";
import type { Channel } from "./channel_directory.ts";
import type { EndCode, Report, TRANSPORT_NAMES, WebhookMessage } from "./protocol/messages.ts";
import { encodeEvent } from "./protocol/codec.ts";
import { exhaustion, handOut } from "./hand_out.ts";
import type { RelayMetrics } from "./relay_metrics.ts";
import { Wakeup } from "../time/wakeup.ts";

/** Leases are lengthened this many times within their time, so that one renewal that fails harms nobody. */
const RENEWALS_PER_LEASE = 3;

/** Bodies after which no further event is taken from the queue at once, in bytes. */
const BATCH_BYTES = 1024 * 1024;

/** How soon after a long poll the next one comes from a connector that is there, in milliseconds. */
const POLL_GAP_MS = 1_000;

/** Heartbeats that may be missing. */
const MISSED_HEARTBEATS = 3;

/** Why a session ended, for the connector and the log. */
export interface End {
  /** `left`: the connector ended it itself. */
  readonly code: EndCode | "left";
  readonly message: string;
}

/** Ends a transport. Resolves when the reason has been sent to the connector; never rejects. */
export type Detach = (end: End) => Promise<void> | void;

const SUPERSEDED: End = {
  code: "superseded",
  message: "The connector has resumed with another connection",
};

/** How the connector is reached at the moment. */
export type TransportName = typeof TRANSPORT_NAMES[number];

/** What came of the connector's reports. */
export interface Settled {
  /** How many of the messages were known. */
  readonly known: number;
  /** The last sequence that was handed out before a pause, if there was a report that asked for one. */
  readonly paused: number | undefined;
}

/** A message that the connector has. */
interface Outstanding {
  readonly sequence: number;
  readonly bytes: number;
  readonly delivery: number;
}

/** Whose session it is, and the queue that it takes messages from. */
export interface SessionOptions {
  readonly id: string;
  readonly connectorId: string;
  readonly channel: Channel;
  readonly token: string;
  /** Whose connection it began with; empty for Unix sockets. */
  readonly address: string;
  readonly transport: TransportName;
  /** Messages that may be unacknowledged at once. */
  readonly window: number;
  /** Bodies of messages that may be unacknowledged at once, in bytes; one message may always be. */
  readonly windowBytes: number;
  readonly queues: ChannelQueues;
  readonly metrics: RelayMetrics;
  readonly logger: Logger;
  /** Called when its transport is gone, and it waits to be resumed. */
  readonly onDetached: () => void;
}

/** The messages that one connector holds of a channel, and until when they are its own. */
export class RelaySession {
  readonly id: string;
  readonly connectorId: string;
  readonly channelName: string;
  /** Of the connector that opened it; empty for Unix sockets. */
  readonly address: string;
  /** In milliseconds since 1970. */
  readonly openedAt: number = Date.now();
  readonly transport: TransportName;
  readonly window: number;
  readonly windowBytes: number;
  readonly #queues: ChannelQueues;
  readonly #metrics: RelayMetrics;
  readonly #logger: Logger;
  readonly #onDetached: () => void;
  readonly #limits: Channel["limits"];
  readonly #ackTimeoutMs: number;
  readonly #heartbeatIntervalMs: number;
  /** The unacknowledged messages by tag, in the order in which they were handed out. */
  readonly #outstanding = new Map<string, Outstanding>();
  /** Body bytes of the unacknowledged messages. */
  #outstandingBytes = 0;
  readonly #wakeup = new Wakeup();
  readonly #ended = new AbortController();
  readonly #watch: Disposable;
  readonly #clock: ReturnType<typeof setInterval>;
  #token: string;
  #sequence = 0;
  #pausedUntil = 0;
  /** Grows with every pause: a lease that was under way when one began is given back. */
  #pauses = 0;
  #stopped = false;
  /** Whether there may be something to lease. */
  #mayBeMore = true;
  #heardAt = performance.now();
  #acknowledgedAt: number | undefined;
  /** Ends the transport that serves the session now. */
  #attached: Detach | undefined;
  #end: End | undefined;

  constructor(options: SessionOptions) {
    this.id = options.id;
    this.connectorId = options.connectorId;
    this.channelName = options.channel.name;
    this.#token = options.token;
    this.address = options.address;
    this.transport = options.transport;
    this.window = options.window;
    this.windowBytes = options.windowBytes;
    this.#queues = options.queues;
    this.#metrics = options.metrics;
    this.#logger = options.logger;
    this.#onDetached = options.onDetached;
    this.#limits = options.channel.limits;
    const { ackTimeoutMs, heartbeatIntervalMs } = this.#limits;
    this.#ackTimeoutMs = ackTimeoutMs;
    this.#heartbeatIntervalMs = heartbeatIntervalMs;
    this.#watch = this.#queues.watch(this.channelName, () => {
      this.#mayBeMore = true;
      this.#wakeup.wake();
    });
    this.#clock = setInterval(
      () => this.#tick(),
      Math.min(ackTimeoutMs / RENEWALS_PER_LEASE, heartbeatIntervalMs),
    );
  }

  get heartbeatIntervalMs(): number {
    return this.#heartbeatIntervalMs;
  }

  get ackTimeoutMs(): number {
    return this.#ackTimeoutMs;
  }

  /** What the connector has identified itself with last. */
  get token(): string {
    return this.#token;
  }

  /** Unacknowledged messages. */
  get inFlight(): number {
    return this.#outstanding.size;
  }

  /** The sequence of the last message that was handed out. */
  get sequence(): number {
    return this.#sequence;
  }

  /** Whether a transport serves it now; for a moment after a long poll as well, since the next one comes. */
  get isConnected(): boolean {
    if (this.#end !== undefined) return false;
    return this.#attached !== undefined || this.transport === "long_poll" && this.silentMs < POLL_GAP_MS;
  }

  /** Since when nothing was heard of the connector, in milliseconds. */
  get silentMs(): number {
    return performance.now() - this.#heardAt;
  }

  /** When it acknowledged something last, in milliseconds since 1970; `undefined` if it has not yet. */
  get acknowledgedAt(): number | undefined {
    return this.#acknowledgedAt;
  }

  /** Why it ended; `undefined` while it lives. */
  get end(): End | undefined {
    return this.#end;
  }

  /** Aborts when the session ends. */
  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  /**
   * Gives the session a transport; the former one is ended.
   *
   * @param onEnd called when the session takes the transport away
   * @returns lets the transport go again, after which the session waits to be resumed
   */
  attach(onEnd: Detach): Disposable {
    void this.#attached?.(SUPERSEDED);
    this.#attached = onEnd;
    this.heard();
    return {
      [Symbol.dispose]: () => {
        if (this.#attached !== onEnd) return;
        this.#attached = undefined;
        this.heard();
        if (this.#end === undefined) this.#onDetached();
      },
    };
  }

  /** Something arrived from the connector. */
  heard(): void {
    this.#heardAt = performance.now();
  }

  /**
   * The next messages; waits until there are some. Empty when the signal aborts or the session ends first.
   *
   * @param limit messages at most
   * @throws {GatewayError} `journal_unavailable`
   */
  async take(limit: number, signal: AbortSignal): Promise<readonly WebhookMessage[]> {
    const stop = AbortSignal.any([signal, this.#ended.signal]);
    while (!stop.aborted) {
      const room = this.#roomFor(limit);
      const pauseMs = this.#pausedUntil - performance.now();
      if (room > 0 && pauseMs <= 0 && !this.#stopped && this.#mayBeMore) {
        const pauses = this.#pauses;
        const leased = await this.#lease(room);
        if (stop.aborted || this.#stopped || pauses !== this.#pauses) {
          await this.#takeBack(leased.map(({ tag }) => tag));
        } else if (leased.length > 0) {
          this.#metrics.handedOut(this.channelName, leased);
          return leased.map((one) => this.#handOut(one));
        } else await this.#wakeup.wait(stop);
      } else {
        await this.#wakeup.wait(stop, room > 0 && pauseMs > 0 ? pauseMs : undefined);
      }
    }
    return [];
  }

  /**
   * Carries out what the connector says became of messages. Resolves when that is durable.
   *
   * @throws {GatewayError} `journal_unavailable`
   */
  async settle(reports: readonly Report[]): Promise<Settled> {
    this.heard();
    const pauses = this.#pauses;
    const settling = this.#settle(reports);
    const paused = pauses === this.#pauses ? undefined : this.#sequence;
    // The connector has its places back at once, and what it gets for them is leased with the commit of its reports.
    this.#wakeup.wake();
    const known = await settling;
    this.#wakeup.wake();
    return { known, paused };
  }

  /** Hands out nothing more. */
  stop(): void {
    this.#stopped = true;
  }

  /**
   * Goes on after a connection was lost: the messages up to a sequence have arrived and stay the
   * connector's; the later ones are handed out again.
   *
   * @param token what the connector identifies itself with from now on
   */
  async resume(sequence: number, token: string): Promise<void> {
    this.#token = token;
    // First of all, so that the former transport takes nothing more that nobody would ever see.
    void this.#attached?.(SUPERSEDED);
    this.#attached = undefined;
    this.#stopped = false;
    this.heard();
    const lost = [...this.#outstanding].filter(([, sent]) => sent.sequence > sequence).map(([tag]) => tag);
    for (const tag of lost) this.#drop(tag);
    await this.#takeBack(lost);
    this.#metrics.settled(this.channelName, "released", lost.length);
    this.#wakeup.wake();
  }

  /** Ends the session and its transport, and gives back what is unacknowledged. */
  async close(end: End): Promise<void> {
    if (this.#end !== undefined) return;
    this.#end = end;
    clearInterval(this.#clock);
    this.#watch[Symbol.dispose]();
    const detached = this.#attached?.(end);
    this.#attached = undefined;
    this.#ended.abort();
    const tags = [...this.#outstanding.keys()];
    for (const tag of tags) this.#drop(tag);
    // What cannot be given back now is handed out again when its lease ends.
    const [released] = await Promise.allSettled([
      this.#queues.release(this.channelName, tags.map((tag) => ({ tag })), 0),
    ]);
    if (released.status === "fulfilled") {
      this.#metrics.settled(this.channelName, "released", released.value.length);
    }
    await detached;
  }

  /** The connector has said goodbye. */
  leave(): void {
    this.#closeInBackground({ code: "left", message: "The connector has disconnected" });
  }

  /** Ends the session for a failure: the connector backs off and comes again. */
  fail(error: unknown): void {
    if (error instanceof GatewayError && error.code === "invalid_message") {
      this.#closeInBackground({ code: "invalid_message", message: error.message });
      return;
    }
    this.#report(error);
    this.#closeInBackground({
      code: "journal_unavailable",
      message: "The gateway's queue cannot be used at the moment",
    });
  }

  #closeInBackground(end: End): void {
    this.close(end).catch((error) => this.#report(error));
  }

  /** How many messages more the connector may have, at most `limit`. */
  #roomFor(limit: number): number {
    const hasBytes = this.#outstandingBytes < this.windowBytes;
    return hasBytes ? Math.min(limit, this.window - this.#outstanding.size) : 0;
  }

  async #lease(limit: number): Promise<readonly LeasedEvent[]> {
    // Before it is asked for: what comes meanwhile counts.
    this.#mayBeMore = false;
    const bytes = Math.min(BATCH_BYTES, this.windowBytes - this.#outstandingBytes);
    const { events, mayBeMore } = await handOut(this.#queues, {
      channel: this.channelName,
      limits: this.#limits,
      limit,
      visibilityMs: this.#ackTimeoutMs,
      options: { bytes },
    });
    if (mayBeMore) this.#mayBeMore = true;
    return events;
  }

  #handOut(leased: LeasedEvent): WebhookMessage {
    const { length: bytes } = leased.event.body;
    this.#drop(leased.tag);
    this.#outstanding.set(leased.tag, {
      sequence: ++this.#sequence,
      bytes,
      delivery: leased.delivery,
    });
    this.#outstandingBytes += bytes;
    return encodeEvent(leased, this.#sequence);
  }

  /** The message is not the connector's any more. */
  #drop(tag: string): void {
    const bytes = this.#outstanding.get(tag)?.bytes ?? 0;
    this.#outstanding.delete(tag);
    this.#outstandingBytes = assertCount(this.#outstandingBytes - bytes, "bytes of unacknowledged messages");
  }

  /** Returns how many of the messages were known. */
  async #settle(reports: readonly Report[]): Promise<number> {
    const acknowledged: string[] = [];
    const released: string[] = [];
    const settling: Promise<number>[] = [];
    for (const report of reports) {
      const { message_id: tag } = report;
      // Also when it is not this session's any more: it was delivered, so nobody needs to get it again.
      if (report.type === "ack") acknowledged.push(tag);
      else {
        if (report.retry && (report.delay_ms ?? 0) > 0) this.#pause(report.delay_ms!);
        const mine = this.#outstanding.get(tag);
        // Somebody else may hold it by now, and must not lose it for that.
        if (mine === undefined) continue;
        if (report.retry && mine.delivery < this.#limits.maxDeliveries) released.push(tag);
        else settling.push(this.#reject(tag, report.retry ? exhaustion(mine.delivery) : rejectionOf(report)));
      }
    }
    if (acknowledged.length > 0) settling.push(this.#acknowledge(acknowledged));
    if (released.length > 0) settling.push(this.#release(released));
    return (await Promise.all(settling)).reduce((sum, known) => sum + known, 0);
  }

  async #acknowledge(tags: readonly string[]): Promise<number> {
    this.#acknowledgedAt = Date.now();
    // What is not recorded in the end is handed out again when its lease ends.
    for (const tag of tags) this.#drop(tag);
    const { length: known } = await this.#queues.acknowledge(this.channelName, tags, { mayWait: true });
    this.#metrics.settled(this.channelName, "acknowledged", known);
    return known;
  }

  async #release(tags: readonly string[]): Promise<number> {
    for (const tag of tags) this.#drop(tag);
    const released = await this.#queues.release(this.channelName, tags.map((tag) => ({ tag })), 0);
    this.#metrics.settled(this.channelName, "released", released.length);
    return released.length;
  }

  async #reject(tag: string, rejection: Rejection): Promise<number> {
    const { length: known } = await this.#queues.reject(this.channelName, [{ tag }], rejection);
    this.#drop(tag);
    this.#metrics.settled(this.channelName, "rejected", known);
    return known;
  }

  #pause(milliseconds: number): void {
    this.#pauses++;
    this.#pausedUntil = Math.max(this.#pausedUntil, performance.now() + milliseconds);
  }

  /** Gives back what the connector never saw. Were it counted as delivered, it would be taken for a repetition. */
  async #takeBack(tags: readonly string[]): Promise<void> {
    await this.#queues.takeBack(this.channelName, tags);
  }

  #tick(): void {
    const { silentMs } = this;
    const isAttached = this.#attached !== undefined;
    const allowedMs = isAttached ? MISSED_HEARTBEATS * this.#heartbeatIntervalMs : this.#ackTimeoutMs;
    if (silentMs > allowedMs) {
      const what = isAttached ? "Nothing was heard from the connector" : "The connector did not come back";
      const end: End = {
        code: "heartbeat_missed",
        message: `${what} for ${Math.round(silentMs / 1000)} seconds`,
      };
      this.#closeInBackground(end);
    } else this.#renew().catch((error) => this.#report(error));
  }

  /** Also finds out which messages somebody else has dealt with, for example over another gateway. */
  async #renew(): Promise<void> {
    const tags = [...this.#outstanding.keys()];
    if (tags.length === 0) return;
    const standing = new Set(await this.#queues.renew(this.channelName, tags, this.#ackTimeoutMs));
    const gone = tags.filter((tag) => !standing.has(tag));
    for (const tag of gone) this.#drop(tag);
    if (gone.length > 0) this.#wakeup.wake();
  }

  #report(error: unknown): void {
    this.#logger.warning("Keeping the messages of connector {connector} on channel {channel} failed", {
      connector: this.connectorId,
      channel: this.channelName,
      error,
    });
  }
}

function rejectionOf(
  { code = "output_rejected", error = "The connector rejected the event" }: Extract<
    Report,
    { readonly type: "nack" }
  >,
): Rejection {
  return { code, message: error };
}
