/**
 * The polls of one channel. One that finds nothing waits, and costs nothing meanwhile but its deadline: the queue says
 * when there may be events, and then they go to the polls that have waited longest.
 *
 * @module
 */

import type { ChannelQueues, LeasedEvent } from "../../channels/channel_queues.ts";
import type { GatewayError } from "../../errors.ts";
import { LinkedList, Listed } from "../../time/linked_list.ts";
import type { Channel } from "../channel_directory.ts";
import { handOut } from "../hand_out.ts";

/** Bodies in one answer, in bytes; one event may always be. */
const ANSWER_BYTES = 8 * 1024 * 1024;

/** What one poll asks for. Times are in milliseconds. */
export interface PollRequest {
  /** As it was when the poll came. */
  readonly channel: Channel;
  readonly token: string;
  /** Events at most. */
  readonly limit: number;
  readonly waitMs: number;
  readonly leaseMs: number;
  /** Aborts when the consumer goes away. */
  readonly signal: AbortSignal;
}

/** What a poll gets. */
export interface Pulled {
  readonly events: readonly LeasedEvent[];
  /** Until when they are the consumer's, in milliseconds since 1970. */
  readonly deadline: number;
}

/** Why a poll waits no longer: its time is over, or it is refused. */
export type PollEnd = "due" | GatewayError;

const NOTHING: Pulled = { events: [], deadline: 0 };

/** A poll that waits. */
class WaitingPoll extends Listed<WaitingPoll> {
  readonly answer = Promise.withResolvers<Pulled>();
  /** Whether a lease is under way for it, whose events it gets although its time may be over by then. */
  isServed = false;
  end: PollEnd | undefined;

  constructor(readonly request: PollRequest) {
    super();
  }
}

/** The polls of a channel at this gateway, until it is disposed. */
export class ChannelPolls implements Disposable {
  readonly #queues: ChannelQueues;
  readonly #endOf: (request: PollRequest) => PollEnd | undefined;
  readonly #watch: Disposable;
  readonly #waiting = new LinkedList<WaitingPoll>();
  /** Grows whenever there may be events. */
  #changes = 0;
  #isServing = false;

  /** @param endOf why a poll may not wait at this moment; `undefined` where it may */
  constructor(
    channel: string,
    queues: ChannelQueues,
    endOf: (request: PollRequest) => PollEnd | undefined,
  ) {
    this.#queues = queues;
    this.#endOf = endOf;
    this.#watch = queues.watch(channel, () => {
      this.#changes++;
      void this.#serve();
    });
  }

  /** Polls that wait. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /**
   * The next events; waits until there are some. None when the time is over or the consumer goes away first.
   *
   * @throws {GatewayError} `journal_unavailable`, or why the poll is refused since
   */
  async receive(request: PollRequest): Promise<Pulled> {
    const dueAt = performance.now() + request.waitMs;
    for (;;) {
      const changes = this.#changes;
      const pulled = await this.#lease(request);
      const end = this.#endOf(request);
      if (request.signal.aborted || typeof end === "object") {
        await this.#takeBack(request.channel.name, pulled);
        if (typeof end === "object") throw end;
        return NOTHING;
      }
      const waitMs = dueAt - performance.now();
      if (pulled.events.length > 0 || end === "due" || waitMs <= 0) return pulled;
      if (changes === this.#changes) return await this.#wait(request, waitMs);
    }
  }

  /** Answers the polls that wait, with nothing or with what is leased for them already. */
  answer(): void {
    this.#endEach(() => "due");
  }

  /** Ends the polls that may not wait any more. */
  review(): void {
    this.#endEach(({ request }) => this.#endOf(request));
  }

  [Symbol.dispose](): void {
    this.#watch[Symbol.dispose]();
  }

  async #wait(request: PollRequest, waitMs: number): Promise<Pulled> {
    const { signal } = request;
    const poll = new WaitingPoll(request);
    const end = () => this.#end(poll, "due");
    const timer = setTimeout(end, waitMs);
    signal.addEventListener("abort", end);
    this.#waiting.add(poll);
    try {
      return await poll.answer.promise;
    } finally {
      this.#waiting.delete(poll);
      signal.removeEventListener("abort", end);
      clearTimeout(timer);
    }
  }

  #endEach(endOf: (poll: WaitingPoll) => PollEnd | undefined): void {
    let next: WaitingPoll | undefined;
    for (let poll = this.#waiting.first; poll !== undefined; poll = next) {
      next = poll.next;
      const end = endOf(poll);
      if (end !== undefined) this.#end(poll, end);
    }
  }

  #end(poll: WaitingPoll, end: PollEnd): void {
    poll.end = end;
    if (!poll.isServed) this.#finish(poll, NOTHING);
  }

  /** Serves polls until one finds nothing and nothing has come meanwhile. */
  async #serve(): Promise<void> {
    if (this.#isServing) return;
    this.#isServing = true;
    for (let poll = this.#waiting.first; poll !== undefined; poll = this.#waiting.first) {
      const changes = this.#changes;
      const hasFound = await this.#serveOne(poll);
      if (!hasFound && changes === this.#changes) break;
    }
    this.#isServing = false;
  }

  /** Leases for a poll, and answers it if there is something. Returns whether there was. Never rejects. */
  async #serveOne(poll: WaitingPoll): Promise<boolean> {
    const { channel, signal } = poll.request;
    try {
      poll.isServed = true;
      const pulled = await this.#lease(poll.request);
      poll.isServed = false;
      const isGone = signal.aborted || typeof poll.end === "object";
      if (isGone) await this.#takeBack(channel.name, pulled);
      if (pulled.events.length > 0 || poll.end !== undefined) this.#finish(poll, isGone ? NOTHING : pulled);
      return pulled.events.length > 0;
    } catch (error) {
      this.#waiting.delete(poll);
      poll.answer.reject(error);
      // The others find out for themselves whether the queue can be used.
      return true;
    }
  }

  #finish(poll: WaitingPoll, pulled: Pulled): void {
    this.#waiting.delete(poll);
    if (typeof poll.end === "object") poll.answer.reject(poll.end);
    else poll.answer.resolve(pulled);
  }

  async #lease({ channel, limit, leaseMs }: PollRequest): Promise<Pulled> {
    // Before it is asked for, so that it is never later than the end of the lease.
    const deadline = Date.now() + leaseMs;
    const { events } = await handOut(this.#queues, {
      channel: channel.name,
      limits: channel.limits,
      limit,
      visibilityMs: leaseMs,
      options: { bytes: ANSWER_BYTES, isTimed: true },
    });
    return { events, deadline };
  }

  /** Gives back what its consumer never saw, so that it does not count as handed out. */
  async #takeBack(channel: string, { events }: Pulled): Promise<void> {
    await this.#queues.takeBack(channel, events.map(({ tag }) => tag));
  }
}
