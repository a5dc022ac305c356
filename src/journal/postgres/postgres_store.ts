/**
 * The whole journal in PostgreSQL: the events of this gateway, and what stands beside them for all.
 *
 * @module
 */

import { StartupError } from "../../errors.ts";
import type { RepeatKey } from "../../event/repeat_key.ts";
import type { VerifiedEvent } from "../../event/verified_event.ts";
import type {
  AppendListener,
  AppendOptions,
  Claimed,
  ClaimLimit,
  Holding,
  JournalListener,
  JournalStats,
  LaneBacklog,
  LaneKey,
  RecalledKey,
  RememberedEvent,
  Settlement,
} from "../journal.ts";
import type { ClusterStats, JournalStore } from "../journal_store.ts";
import { PostgresChannelQueues } from "./channels/channel_queues.ts";
import type { PostgresConnection, PostgresServer } from "./connection/connection.ts";
import { PostgresError } from "../../io/postgres/errors.ts";
import { PostgresContents } from "./contents.ts";
import { PostgresJournal, type PostgresJournalOptions } from "./postgres_journal.ts";
import { NewerTablesError } from "./schema/schema.ts";

/** How long the server is waited for before the gateway starts without it, in milliseconds. */
const START_TIMEOUT_MS = 5_000;

interface StoreParts {
  readonly server: PostgresServer;
  readonly events: PostgresJournal;
  readonly contents: PostgresContents;
  readonly channels: PostgresChannelQueues;
}

/** All parts of a journal in PostgreSQL. */
export class PostgresStore implements JournalStore {
  readonly #parts: StoreParts;
  readonly #events: PostgresJournal;

  /**
   * Opens the journal, whose server ends with it. A server that cannot be reached is no reason not to start.
   *
   * @throws {StartupError} when a newer version has made the tables
   */
  static async open(options: PostgresJournalOptions): Promise<PostgresStore> {
    await using undo = new AsyncDisposableStack();
    const { server, logger } = options;
    undo.use(server);
    const connection = server.connection();
    await reach(connection);
    const events = undo.use(await PostgresJournal.open(options));
    const contents = new PostgresContents(connection, {
      onBuried: (added) => events.countDeadLetters(added),
      onRemoved: (count) => events.countDeadLetters(-count),
      onReplayed: () => events.adopt(),
      dropWaiting: (wanted) => events.drop(wanted),
    }, { lookMs: options.tempo?.beatMs, maxBytes: options.maxBytes });
    const channels = PostgresChannelQueues.open({
      server,
      wakeups: events.wakeups,
      logger,
      onBuried: (count) => events.countDeadLetters(count),
      refuse: (event) => events.refuse(event),
    });
    undo.move();
    return new PostgresStore({ server, events, contents, channels });
  }

  private constructor(parts: StoreParts) {
    this.#parts = parts;
    this.#events = parts.events;
  }

  append(event: VerifiedEvent, options: AppendOptions, listener: AppendListener): void {
    this.#events.append(event, options, listener);
  }

  claim(lane: LaneKey, limit: ClaimLimit): Promise<Claimed> {
    return this.#events.claim(lane, limit);
  }

  settle(settlement: Settlement): Promise<void> {
    return this.#events.settle(settlement);
  }

  holds(sequence: number): Holding {
    return this.#events.holds(sequence);
  }

  follow(listener: JournalListener): void {
    this.#events.follow(listener);
  }

  lanes(): Promise<readonly LaneBacklog[]> {
    return this.#events.lanes();
  }

  findRepeated(lane: LaneKey, key: RepeatKey): Promise<string | undefined> {
    return this.#events.findRepeated(lane, key);
  }

  remember(events: readonly RememberedEvent[]): Promise<void> {
    return this.#events.remember(events);
  }

  recall(lane: LaneKey, limit: number): Promise<readonly RecalledKey[]> {
    return this.#events.recall(lane, limit);
  }

  get claims(): PostgresJournal["claims"] {
    return this.#events.claims;
  }

  get isOpen(): boolean {
    return this.#events.isOpen;
  }

  stats(): JournalStats {
    return this.#events.stats();
  }

  cluster(): ClusterStats {
    const { gateways, pending } = this.#events.others;
    return { gateways: gateways + 1, pending: pending + (this.#events.stats().pending ?? 0) };
  }

  /** A server that is away is expected back, and other instances have the same one: no reason to take this one out. */
  get problem(): string | undefined {
    return undefined;
  }

  get channels(): PostgresChannelQueues {
    return this.#parts.channels;
  }

  get deadLetters(): PostgresContents["deadLetters"] {
    return this.#parts.contents.deadLetters;
  }

  get keptValues(): PostgresContents["keptValues"] {
    return this.#parts.contents.keptValues;
  }

  get handshakes(): PostgresContents["handshakes"] {
    return this.#parts.contents.handshakes;
  }

  get rates(): PostgresContents["rates"] {
    return this.#parts.contents.rates;
  }

  get records(): PostgresContents["records"] {
    return this.#parts.contents.records;
  }

  /** This gateway among those that share the journal. */
  get member(): PostgresJournal["member"] {
    return this.#events.member;
  }

  get stops(): PostgresContents["stops"] {
    return this.#parts.contents.stops;
  }

  /** It is none. */
  get file(): undefined {
    return undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { server, events, contents, channels } = this.#parts;
    contents.stops[Symbol.dispose]();
    await channels[Symbol.asyncDispose]();
    await events[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  }
}

/** @throws {StartupError} */
async function reach(connection: PostgresConnection): Promise<void> {
  try {
    await connection.use(() => Promise.resolve(), AbortSignal.timeout(START_TIMEOUT_MS));
  } catch (error) {
    if (error instanceof NewerTablesError) {
      throw new StartupError("data_directory_newer", [error.message], { cause: error });
    }
    // The journal says what is wrong as long as it is.
    if (!(error instanceof PostgresError)) throw error;
  }
}
