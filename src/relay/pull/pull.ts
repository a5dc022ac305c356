/**
 * Pull: consumers that can only send requests fetch events from the channels, and settle each by the handle of its
 * lease. `../PULL.md` describes the requests.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";
import type { ChannelQueues, TimedLease } from "../../channels/channel_queues.ts";
import { assertCount, GatewayError } from "../../errors.ts";
import { ReportLimiter } from "../../observability/report_limiter.ts";
import { type Channel, type ChannelDirectory, ChannelRefusal, invalidToken } from "../channel_directory.ts";
import { exhaustion } from "../hand_out.ts";
import type { RelayMetrics } from "../relay_metrics.ts";
import { ChannelPolls, type PollEnd, type PollRequest, type Pulled } from "./channel_polls.ts";
import { parseLeaseHandle } from "./lease_handle.ts";

/** Seconds after which a poll that may not wait now should be made again. */
const RETRY_AFTER_SECONDS = 5;

/** How long after its last request a consumer still counts as one that is there, in milliseconds. */
const PRESENT_MS = 60_000;

/** What a {@linkcode Pull} needs. */
export interface PullOptions {
  readonly directory: Pick<ChannelDirectory, "find">;
  readonly queues: ChannelQueues;
  readonly metrics: RelayMetrics;
  readonly logger: Logger;
  /** Polls of all channels that may wait at once. */
  readonly mostPolls: number;
  /** Called when a consumer of a channel is heard of. */
  readonly onConsumer: (channel: string) => void;
}

/** What came of the leases that a request names. */
export interface SettledLeases {
  readonly done: number;
  /** The handles of leases that were over, whose events others hold or have settled. */
  readonly lost: readonly string[];
}

/** What came of leases that were given back. */
export interface ReleasedLeases extends SettledLeases {
  /** How many of the events became dead letters, being given back too often. */
  readonly deadLetters: number;
}

/** The polls that a channel has here, while there are some. */
interface Polled {
  readonly polls: ChannelPolls;
  users: number;
}

/** The consumers that pull from this gateway. */
export class Pull implements Disposable {
  readonly #directory: Pick<ChannelDirectory, "find">;
  readonly #queues: ChannelQueues;
  readonly #metrics: RelayMetrics;
  readonly #logger: Logger;
  readonly #mostPolls: number;
  readonly #failures = new ReportLimiter();
  readonly #channels = new Map<string, Polled>();
  /** When a consumer of a channel was last heard of, by the monotonic clock. */
  readonly #heardAt = new Map<string, number>();
  readonly #onConsumer: (channel: string) => void;
  #closed = false;

  constructor({ directory, queues, metrics, logger, mostPolls, onConsumer }: PullOptions) {
    this.#onConsumer = onConsumer;
    this.#directory = directory;
    this.#queues = queues;
    this.#metrics = metrics;
    this.#logger = logger;
    this.#mostPolls = mostPolls;
  }

  /**
   * The next events of a channel; waits until there are some. What a consumer does not get since it has gone away is
   * given back at once.
   *
   * @throws {GatewayError} `draining`, `too_many_connections`, `journal_unavailable`, and `unauthorized` or
   * `channel_not_found` when the configuration changes meanwhile
   */
  async receive(request: PollRequest): Promise<Pulled> {
    const { channel: { name }, waitMs } = request;
    this.#heard(name);
    if (waitMs > 0) this.#requireRoom(request.channel);
    const polled = this.#use(name);
    try {
      const pulled = await polled.polls.receive(request);
      this.#metrics.handedOut(name, pulled.events);
      if (pulled.events.length > 0) this.#giveBackUnlessRead(request, pulled);
      return pulled;
    } finally {
      this.#letGo(name, polled);
    }
  }

  /**
   * Removes events that were handled, also after their leases: nobody needs to get them again.
   *
   * @throws {GatewayError} `invalid_handle`, `journal_unavailable`
   */
  async acknowledge(channel: Channel, handles: readonly string[]): Promise<SettledLeases> {
    const settled = await this.#settle(
      channel,
      handles,
      (leases) => this.#queues.acknowledge(channel.name, leases.map(({ tag }) => tag)),
    );
    this.#metrics.settled(channel.name, "acknowledged", settled.done);
    return settled;
  }

  /**
   * Gives events back, to be handed out again after the delay in milliseconds. Those that may not be handed out again
   * become dead letters.
   *
   * @throws {GatewayError} `invalid_handle`, `journal_unavailable`
   */
  async release(
    channel: Channel,
    handles: readonly string[],
    delayMs: number,
  ): Promise<ReleasedLeases> {
    const { name, limits: { maxDeliveries } } = channel;
    let deadLetters = 0;
    const settled = await this.#settle(channel, handles, async (leases) => {
      const again = leases.filter(({ delivery }) => delivery < maxDeliveries);
      const exhausted = Map.groupBy(leases, ({ delivery }) => delivery);
      const [released, ...rejected] = await Promise.all([
        this.#queues.release(name, again, delayMs),
        ...exhausted.entries().filter(([delivery]) => delivery >= maxDeliveries).map(
          ([delivery, those]) => this.#queues.reject(name, those, exhaustion(delivery)),
        ),
      ]);
      const dead = rejected.flat();
      deadLetters = dead.length;
      return [...released!, ...dead];
    });
    this.#metrics.settled(name, "released", settled.done - deadLetters);
    this.#metrics.settled(name, "rejected", deadLetters);
    return { ...settled, deadLetters };
  }

  /**
   * Makes leases last so many milliseconds from now on.
   *
   * @throws {GatewayError} `invalid_handle`, `journal_unavailable`
   */
  extend(channel: Channel, handles: readonly string[], leaseMs: number): Promise<SettledLeases> {
    return this.#settle(channel, handles, (leases) => this.#queues.extend(channel.name, leases, leaseMs));
  }

  /**
   * Moves events to the dead letters.
   *
   * @throws {GatewayError} `invalid_handle`, `journal_unavailable`
   */
  async reject(channel: Channel, handles: readonly string[], message: string): Promise<SettledLeases> {
    const rejection = { code: "output_rejected", message } as const;
    const settled = await this.#settle(
      channel,
      handles,
      (leases) => this.#queues.reject(channel.name, leases, rejection),
    );
    this.#metrics.settled(channel.name, "rejected", settled.done);
    return settled;
  }

  /** How many consumers a channel has: those whose polls wait, or one where a request came within the last minute. */
  consumersOf(channel: string): number {
    const heardAt = this.#heardAt.get(channel) ?? -Infinity;
    const isPresent = performance.now() - heardAt < PRESENT_MS;
    return Math.max(this.#channels.get(channel)?.polls.waiting ?? 0, isPresent ? 1 : 0);
  }

  /** Refuses the polls of a channel that its configuration, which has changed, does not admit any more. */
  review(channel: string): void {
    if (this.#directory.find(channel) === undefined) this.#heardAt.delete(channel);
    this.#channels.get(channel)?.polls.review();
  }

  /** Answers all polls that wait, so that their consumers look for another instance. */
  answerAll(): void {
    for (const { polls } of this.#channels.values()) polls.answer();
  }

  /** Answers all polls that wait, and lets none in any more. */
  [Symbol.dispose](): void {
    this.#closed = true;
    this.answerAll();
  }

  /** Polls that wait hold no place among the requests under way, so they have a bound of their own. */
  #requireRoom({ name, limits: { maxPolls } }: Channel): void {
    const users = this.#channels.get(name)?.users ?? 0;
    let all = 0;
    for (const { users } of this.#channels.values()) all += users;
    if (users < maxPolls && all < this.#mostPolls) return;
    throw new GatewayError("too_many_connections", undefined, {
      retryAfterSeconds: RETRY_AFTER_SECONDS,
      reason: users < maxPolls
        ? "Polls wait on half of MAX_CONNECTIONS"
        : `As many polls wait as max_polls of the channel allows: ${maxPolls}`,
    });
  }

  #use(channel: string): Polled {
    if (this.#closed) throw new GatewayError("draining", undefined, { retryAfterSeconds: 1 });
    const polled = this.#channels.get(channel) ??
      { polls: this.#pollsOf(channel), users: 0 };
    this.#channels.set(channel, polled);
    polled.users++;
    return polled;
  }

  #pollsOf(channel: string): ChannelPolls {
    return new ChannelPolls(channel, this.#queues, (request) => this.#endOf(request));
  }

  #endOf({ channel: { name }, token }: PollRequest): PollEnd | undefined {
    if (this.#closed) return "due";
    const channel = this.#directory.find(name);
    if (channel === undefined) return new ChannelRefusal("channel_not_found", name);
    return channel.accepts(token) ? undefined : invalidToken(name);
  }

  #letGo(channel: string, polled: Polled): void {
    polled.users = assertCount(polled.users - 1, "polls of a channel");
    if (polled.users > 0) return;
    polled.polls[Symbol.dispose]();
    this.#channels.delete(channel);
  }

  /** The signal aborts for a consumer that goes away before it has the answer, and not afterwards. */
  #giveBackUnlessRead({ channel: { name }, signal }: PollRequest, { events }: Pulled): void {
    // Without the bodies, which would stay in memory for as long as the signal.
    const leases = events.map(({ tag, delivery }): TimedLease => ({ tag, delivery }));
    signal.addEventListener("abort", () => {
      this.#queues.release(name, leases, 0).then((released) => {
        this.#metrics.settled(name, "released", released.length);
      }).catch((error) => {
        // They come back when their leases end.
        this.#failures.run(
          "give back",
          (suppressed) =>
            this.#logger.warning("Giving back events of channel {channel} that nobody has got failed", {
              channel: name,
              error,
              suppressed,
            }),
        );
      });
    }, { once: true });
  }

  /**
   * Nothing is done where one of the handles is not one of the channel.
   *
   * @param act returns the tags of the leases that it applied to
   */
  async #settle(
    channel: Channel,
    handles: readonly string[],
    act: (leases: readonly TimedLease[]) => Promise<readonly string[]>,
  ): Promise<SettledLeases> {
    this.#heard(channel.name);
    /** Of several leases of an event only the last can stand. */
    const last = new Map<string, { readonly handle: string; readonly lease: TimedLease }>();
    const all = new Set(handles);
    for (const handle of all) {
      const lease = parseLeaseHandle(channel, handle);
      const other = last.get(lease.tag);
      if (other === undefined || other.lease.delivery < lease.delivery) {
        last.set(lease.tag, { handle, lease });
      }
    }
    const applied = await act(Array.from(last.values(), ({ lease }) => lease));
    const done = new Set(applied.map((tag) => last.get(tag)?.handle));
    return { done: done.size, lost: [...all].filter((handle) => !done.has(handle)) };
  }

  #heard(channel: string): void {
    this.#heardAt.set(channel, performance.now());
    this.#onConsumer(channel);
  }
}
