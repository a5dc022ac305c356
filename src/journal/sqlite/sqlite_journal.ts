/**
 * The journal in one SQLite file, for one process. The work is done by a worker: see `worker.ts`.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";
import type { RepeatKey } from "../../event/repeat_key.ts";
import type { VerifiedEvent } from "../../event/verified_event.ts";
import { GatewayError, StartupError } from "../../errors.ts";
import { steadyNow } from "../../time/steady_clock.ts";
import type { ChannelQueues } from "../../channels/channel_queues.ts";
import type { DeadLetters } from "../../dead_letters/dead_letters.ts";
import type {
  AppendListener,
  AppendOptions,
  Claimed,
  ClaimLimit,
  Holding,
  JournalStats,
  LaneBacklog,
  LaneHolding,
  LaneKey,
  RecalledKey,
  RememberedEvent,
  Settlement,
  StopStore,
} from "../journal.ts";
import type { JournalFile, JournalStore, Salvaged } from "../journal_store.ts";
import type { HealthReports } from "../../health/health.ts";
import { JournalLog } from "./journal_log.ts";
import { decodeEvent, encodeBody, encodeHeaders } from "../event_codec.ts";
import { asidePath, journalPath, markSalvaged } from "./worker/file.ts";
import { WorkerClient } from "./worker_client.ts";
import type { HandshakeStore } from "../../auth/challenges/handshakes.ts";
import type { EventRecords } from "../../records/records.ts";
import { SqliteRecords } from "./records/records.ts";
import { SqliteHandshakes } from "./handshakes.ts";
import { SqliteKeptValues } from "./kept_values.ts";
import type { KeptValues } from "../../records/kept_values.ts";
import { SqliteChannelQueues } from "./channel_queues.ts";
import { SqliteDeadLetters } from "./dead_letters.ts";

/** Options of {@linkcode openSqliteJournal}. */
export interface SqliteJournalOptions {
  /** The directory of the file; made when it is needed. */
  readonly directory: string;
  readonly logger: Logger;
  /** Where is reported that nothing can be appended. @default nowhere */
  readonly health?: HealthReports | undefined;
  /** How long to wait for another process to let go of the file, in milliseconds. @default 1000 */
  readonly lockWaitMs?: number;
  /** How long delivered events are kept after their delivery, in milliseconds. @default 86400000 */
  readonly retentionMs?: number;
  /** Delivered events are removed, oldest first, while the store is larger than this. @default 1 GiB */
  readonly retentionBytes?: number;
  /** Nothing is appended while the store is larger than this. @default 10 GiB */
  readonly maxBytes?: number;
  /** Operations that may wait for the next commit. @default 10000 */
  readonly maxWaiting?: number;
  /** Bytes of headers and bodies that may wait to be committed. @default 64 MiB */
  readonly maxWaitingBytes?: number;
  /**
   * Whether another process that uses the directory is waited for: until it ends, operations are rejected and
   * {@linkcode SqliteJournal.problem} says why. @default false
   */
  readonly waitsForOwner?: boolean;
  /**
   * Whether a file is made at once where there is none, so that it is known whether another process uses the directory.
   *
   * @default false
   */
  readonly opensAtOnce?: boolean;
  /** How often it is looked for what can be removed, in milliseconds. @default 1000 */
  readonly sweepIntervalMs?: number;
  /** The time that dues and leases are reckoned by, in milliseconds since 1970. @default steadyNow */
  readonly now?: () => number;
}

const MIB = 1024 * 1024;

/** From which part of the store's bound on it is said what a webhook holds: of a hundred webhooks at most. */
const HOLDER_SHARE = 1 / 100;

const DAY_MS = 24 * 60 * 60 * 1000;

/** Whether a directory holds a journal, or nobody can say that it does not since it cannot be entered. */
export async function mayHoldSqliteJournal(directory: string): Promise<boolean> {
  try {
    await Deno.stat(journalPath(directory));
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return false;
    if (error instanceof Deno.errors.PermissionDenied) return true;
    throw error;
  }
}

/**
 * Makes the journal of a directory. Where there is one already it is opened and checked; otherwise nothing is
 * made on disk before the first operation, unless that is asked for. A disk that cannot be used is no reason not to start: the
 * operations that need it are rejected until it can.
 *
 * @throws {StartupError} when another process uses the directory and is not waited for, or a newer version has
 *   written the file
 */
export async function openSqliteJournal(options: SqliteJournalOptions): Promise<SqliteJournal> {
  const journal = new SqliteJournal(options);
  if (options.opensAtOnce !== true && !await mayHoldSqliteJournal(options.directory)) return journal;
  try {
    await journal.open();
  } catch (error) {
    await journal[Symbol.asyncDispose]();
    throw error;
  }
  return journal;
}

/** A {@linkcode Journal}, its dead letters and the channels, in one file. */
export class SqliteJournal implements JournalStore, JournalFile {
  readonly deadLetters: DeadLetters;
  readonly channels: ChannelQueues;
  readonly handshakes: HandshakeStore;
  readonly keptValues: KeptValues;
  readonly records: EventRecords;
  readonly stops: StopStore;
  readonly file: JournalFile = this;
  readonly #directory: string;
  readonly #worker: WorkerClient;
  readonly #sweeper: ReturnType<typeof setInterval>;
  readonly #waitsForOwner: boolean;
  readonly #maxBytes: number;
  #holders: readonly LaneHolding[] = [];
  #isSweeping = false;

  /** Use {@linkcode openSqliteJournal}. */
  constructor(options: SqliteJournalOptions) {
    const maxBytes = options.maxBytes ?? 10 * 1024 * MIB;
    const now = options.now ?? steadyNow;
    this.#directory = options.directory;
    this.#maxBytes = maxBytes;
    this.#waitsForOwner = options.waitsForOwner ?? false;
    this.#worker = new WorkerClient(
      {
        directory: options.directory,
        lockWaitMs: options.lockWaitMs ?? 1_000,
        retentionMs: options.retentionMs ?? DAY_MS,
        // Below the bound: finished events must never be what appends are refused for.
        retentionBytes: Math.min(options.retentionBytes ?? 1024 * MIB, maxBytes * 0.9),
        maxBytes,
      },
      {
        maxWaiting: options.maxWaiting ?? 10_000,
        maxWaitingBytes: options.maxWaitingBytes ?? 64 * MIB,
      },
      new JournalLog(options.logger, options.health),
      now,
    );
    this.deadLetters = new SqliteDeadLetters(this.#worker);
    this.records = new SqliteRecords(this.#worker);
    this.handshakes = new SqliteHandshakes(this.#worker);
    this.keptValues = new SqliteKeptValues(this.#worker);
    this.stops = stopStoreOf(this.#worker);
    this.channels = new SqliteChannelQueues(this.#worker, now);
    this.#sweeper = setInterval(() => void this.#sweep(), options.sweepIntervalMs ?? 1_000);
    Deno.unrefTimer(this.#sweeper);
  }

  /**
   * Opens the file now.
   *
   * @throws {StartupError} when it must not be used
   */
  async open(): Promise<void> {
    const { outcome } = await this.#worker.open();
    if (outcome === "in_use" && !this.#waitsForOwner) {
      throw new StartupError("data_directory_in_use", [
        `The directory ${this.#directory} is in use by another process: stop it, or set DATA_DIR to another directory`,
      ]);
    }
    if (outcome === "newer_schema") {
      throw new StartupError("data_directory_newer", [
        `The journal in ${this.#directory} was written by a newer version: use that version, or set DATA_DIR to another directory`,
      ]);
    }
  }

  append(event: VerifiedEvent, { claim, keys }: AppendOptions, listener: AppendListener): void {
    this.#worker.append({
      event,
      headers: encodeHeaders(event),
      body: encodeBody(event.body),
      claim,
      keys,
    }, listener);
  }

  async claim(
    { namespace, webhook }: LaneKey,
    { events, bytes, largest, longestPauseMs, early }: ClaimLimit,
  ): Promise<Claimed> {
    const claimed = await this.#worker.operate("claim", {
      namespace,
      webhook,
      events,
      bytes,
      largest,
      longestPauseMs,
      early,
    });
    return {
      events: claimed.events.map(({ event, ...rest }) => ({ event: decodeEvent(event), ...rest })),
      nextDueAt: claimed.nextDueAt,
    };
  }

  settle(settlement: Settlement): Promise<void> {
    return this.#worker.settle(settlement);
  }

  /** The file has one user. */
  holds(): Holding {
    return "yes";
  }

  follow(): void {}

  lanes(): Promise<readonly LaneBacklog[]> {
    return this.#worker.operate("lanes", {});
  }

  findRepeated({ namespace, webhook }: LaneKey, key: RepeatKey): Promise<string | undefined> {
    return this.#worker.operate("findRepeated", { namespace, webhook, key });
  }

  async remember(events: readonly RememberedEvent[]): Promise<void> {
    await this.#worker.operate("remember", { events });
  }

  recall({ namespace, webhook }: LaneKey, limit: number): Promise<readonly RecalledKey[]> {
    return this.#worker.operate("recall", { namespace, webhook, limit });
  }

  get isOpen(): boolean {
    return this.#worker.isStarted;
  }

  /** Of the file: it is gone, or another process uses it. */
  get problem(): string | undefined {
    return this.#worker.problem;
  }

  hold(): Promise<{ readonly hold: number; readonly inode: number }> {
    return this.#worker.hold({ type: "hold" });
  }

  async release(hold: number): Promise<void> {
    await this.#worker.hold({ type: "release", hold });
  }

  async salvage(path: string): Promise<Salvaged> {
    const total = { pending: 0, deadLetters: 0, messages: 0 };
    for (let begins = true;; begins = false) {
      const slice = await this.#worker.operate("salvage", { path, begins });
      total.pending += slice.pending;
      total.deadLetters += slice.deadLetters;
      total.messages += slice.messages;
      const { more, problem, isDamaged } = slice;
      if (more) continue;
      if (problem !== undefined) {
        throw new GatewayError("journal_unavailable", `${path} cannot be read: ${problem}`);
      }
      markSalvaged(path);
      return { ...total, isDamaged };
    }
  }

  async salvageSetAside(name: string): Promise<Salvaged> {
    const path = asidePath(this.#directory, name);
    if (path === undefined) {
      throw new GatewayError("invalid_query", `'${name}' is not the name of a file that was set aside`);
    }
    try {
      await Deno.stat(path);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      throw new GatewayError("not_found", `There is no file '${name}' beside the journal`);
    }
    return await this.salvage(path);
  }

  stats(): JournalStats {
    const { lastSequence: _, ...figures } = this.#worker.figures;
    return {
      ...figures,
      oldestAgeMs: this.#worker.oldestAgeMs,
      waiting: this.#worker.waiting,
      holders: this.#holders,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#sweeper);
    await this.channels[Symbol.asyncDispose]();
    await this.#worker[Symbol.asyncDispose]();
  }

  /**
   * Sweeps in slices; each rides along with the next commit. A journal that another process has begun meanwhile
   * is opened, so that it is known that the directory is in use.
   */
  async #sweep(): Promise<void> {
    if (this.#isSweeping) return;
    this.#isSweeping = true;
    try {
      if (!this.#worker.isStarted) {
        if (this.#waitsForOwner && await mayHoldSqliteJournal(this.#directory)) await this.open();
        return;
      }
      while (await this.#worker.operate("sweep", {}));
      this.#holders = await this.#worker.operate("holders", { leastBytes: this.#maxBytes * HOLDER_SHARE });
    } catch {
      // The worker has reported it; the next interval tries again.
    } finally {
      this.#isSweeping = false;
    }
  }
}

/** What only looks makes no file. */
function stopStoreOf(worker: WorkerClient): StopStore {
  return {
    list: async () => worker.isStarted ? await worker.operate("listStops", {}) : [],
    put: async (stopped) => await worker.operate("putStop", { stopped }),
    remove: async (lane) => worker.isStarted && await worker.operate("removeStop", lane),
  };
}
