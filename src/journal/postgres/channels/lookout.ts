/**
 * Looks at the channels: how full they are, whether something may be leased, and what has stood there for too long.
 *
 * @module
 */

import type { ChannelDepth } from "../../../channels/channel_queues.ts";
import type { ChannelWatchers } from "../../../channels/channel_watchers.ts";
import { endsBefore, pause } from "../../../time/abortable.ts";
import { steadyNow } from "../../../time/steady_clock.ts";
import { PostgresError } from "../../../io/postgres/errors.ts";
import type { Wakeups } from "../wakeups/wakeups.ts";
import type { Caller } from "./caller.ts";
import { type Call, CallQueue } from "./call_queue.ts";
import { CHANNELS, DEPTH, type DepthRow, EXPIRE, type ExpiredRow, LOOK, type LookRow } from "./statements.ts";
import { failedStatement } from "../unavailable.ts";

/** How often it is looked whether something may be leased, in milliseconds, and where nobody says so. */
const LOOK_MS = 1_000;
const LOOK_UNHEARD_MS = 250;

/** How often it is looked for events that have stood there for too long, and where no channel was used here. */
const EXPIRE_MS = 1_000;
const EXPIRE_UNUSED_MS = 30_000;

/** How long a look may take, in milliseconds. */
const TIMEOUT_MS = 5_000;

/** Channels of a statement, and questions that may wait. */
const MOST_CHANNELS = 1_000;
const MAX_WAITING = 100_000;

const EXPIRED = "It stood in the channel for longer than its time to live";

/** Begins what gateways say of a channel. */
const WORD = "channel ";

const NEVER = new Promise<void>(() => {});

/** What it looks with, and who learns of it. */
export interface LookoutOptions {
  readonly caller: Caller;
  readonly watchers: ChannelWatchers;
  readonly wakeups: Wakeups;
  /** Called when events have become dead letters. */
  readonly onBuried: (count: number) => void;
  readonly onFailed: (error: unknown) => void;
}

interface DepthCall extends Call<ChannelDepth> {
  readonly channel: string;
}

/** Looks again and again, until disposed. */
export class Lookout implements AsyncDisposable {
  readonly #options: LookoutOptions;
  readonly #depths: CallQueue<"depth", DepthCall>;
  readonly #closed = new AbortController();
  readonly #running: readonly Promise<void>[];
  /** Aborts when a channel is used for the first time. */
  readonly #used = new AbortController();
  #listening: Disposable | undefined;

  constructor(options: LookoutOptions) {
    this.#options = options;
    this.#depths = new CallQueue({
      kindOf: () => "depth",
      carryOut: (calls, _kind, signal) => this.#findDepths(calls, signal),
      timeoutMs: TIMEOUT_MS,
      mostKeys: MOST_CHANNELS,
      mostBytes: Infinity,
      maxWaiting: MAX_WAITING,
      maxWaitingBytes: Infinity,
    });
    this.#running = [this.#keepLooking(), this.#keepExpiring()];
  }

  /** A channel is used here. */
  used(): void {
    this.#used.abort();
  }

  watch(channel: string, listener: () => void): Disposable {
    const { watchers, wakeups } = this.#options;
    this.used();
    this.#listening ??= wakeups.listen({
      onSaid: (word) => {
        if (word.startsWith(WORD)) watchers.notify(word.slice(WORD.length));
      },
      onMissed: () => void this.#try(() => this.#look()),
    });
    return watchers.add(channel, listener);
  }

  /** Something may be leased from a channel, here or over another gateway. */
  changed(channel: string): void {
    this.used();
    this.#options.watchers.notify(channel);
    this.#options.wakeups.say(WORD + channel);
  }

  depth(channel: string): Promise<ChannelDepth> {
    const { promise, resolve, reject } = Promise.withResolvers<ChannelDepth>();
    this.#depths.add({ channel, bytes: 0, keys: [channel], resolve, reject });
    return promise;
  }

  /** @throws {GatewayError} `journal_unavailable` */
  async channels(): Promise<readonly string[]> {
    try {
      const rows = await this.#options.caller.read<{ readonly name: string }>(CHANNELS, [], timeout());
      return rows.map(({ name }) => name);
    } catch (error) {
      throw error instanceof PostgresError ? failedStatement(error) : error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort();
    this.#listening?.[Symbol.dispose]();
    this.#depths.end();
    await Promise.all(this.#running);
  }

  async #findDepths(calls: readonly DepthCall[], signal: AbortSignal): Promise<void> {
    const rows = await this.#options.caller.read<DepthRow>(
      DEPTH,
      [calls.map(({ channel }) => channel)],
      signal,
    );
    const byName = new Map(rows.map((row) => [row.name, row]));
    for (const { channel, resolve } of calls) {
      const { all, leased, oldest } = byName.get(channel) ?? { all: 0, leased: 0, oldest: null };
      resolve({ ready: all - leased, leased, oldestReceivedAt: oldest ?? undefined });
    }
  }

  /** Also while it is said what has come: what is said may be lost, and nobody says that a gateway has ended. */
  async #keepLooking(): Promise<void> {
    const { signal } = this.#closed;
    await endsBefore(AbortSignal.any([signal, this.#used.signal]), NEVER);
    while (!signal.aborted) {
      await pause(this.#options.wakeups.isHeard ? LOOK_MS : LOOK_UNHEARD_MS, signal);
      await this.#try(() => this.#look());
    }
  }

  async #keepExpiring(): Promise<void> {
    const { signal } = this.#closed;
    const untilUsed = AbortSignal.any([signal, this.#used.signal]);
    while (!signal.aborted) {
      if (this.#used.signal.aborted) await pause(EXPIRE_MS, signal);
      else await pause(EXPIRE_UNUSED_MS, untilUsed);
      await this.#try(() => this.#expire());
    }
  }

  async #try(look: () => Promise<void>): Promise<void> {
    if (this.#closed.signal.aborted) return;
    try {
      await look();
    } catch (error) {
      if (!this.#closed.signal.aborted) this.#options.onFailed(error);
    }
  }

  async #look(): Promise<void> {
    const { caller, watchers } = this.#options;
    const watched = [...watchers.channels];
    if (watched.length === 0) return;
    for (const { name, ready, next } of await caller.read<LookRow>(LOOK, [watched], timeout())) {
      if (ready) watchers.notify(name);
      else if (next !== null) watchers.notifyAt(name, steadyNow() + next);
    }
  }

  async #expire(): Promise<void> {
    const { caller, onBuried } = this.#options;
    let buried = 0;
    do {
      const rows = await caller.run((send) => send<ExpiredRow>(EXPIRE, [EXPIRED]), timeout());
      buried = rows[0]?.moved ?? 0;
      if (buried > 0) onBuried(buried);
    } while (buried > 0 && !this.#closed.signal.aborted);
  }
}

function timeout(): AbortSignal {
  return AbortSignal.timeout(TIMEOUT_MS);
}
