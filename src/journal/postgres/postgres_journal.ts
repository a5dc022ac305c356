/**
 * The journal in PostgreSQL, for any number of gateways: whoever appended an event delivers it. What a gateway leaves,
 * the others take over.
 *
 * @module
 */

import type { Logger } from "@logtape/logtape";
import { GatewayError } from "../../errors.ts";
import { webhookPath } from "../../event/names.ts";
import type { RepeatKey } from "../../event/repeat_key.ts";
import type { VerifiedEvent } from "../../event/verified_event.ts";
import type { HealthReports } from "../../health/health.ts";
import { steadyNow } from "../../time/steady_clock.ts";
import type {
  AppendListener,
  AppendOptions,
  Claimed,
  ClaimLimit,
  Holding,
  Journal,
  JournalListener,
  JournalStats,
  LaneBacklog,
  LaneKey,
  RecalledKey,
  RememberedEvent,
  Settlement,
} from "../journal.ts";
import { Adoption } from "./cluster/adoption.ts";
import { Beats, type Others, type Tempo, USUAL_TEMPO } from "./cluster/beats.ts";
import { Member, type MemberName } from "./cluster/member.ts";
import { measure, type Retention, sweep, type TableSizes } from "./cluster/upkeep.ts";
import type { PostgresClient } from "../../io/postgres/client.ts";
import type { PostgresConnection, PostgresServer } from "./connection/connection.ts";
import { PostgresError } from "../../io/postgres/errors.ts";
import { JournalLog } from "./journal_log.ts";
import { PostgresKeyClaims } from "./key_claims/key_claims.ts";
import { LANE_SHARE } from "./lane_share.ts";
import { Lots } from "./lots/lots.ts";
import { OrderedLanes } from "./lanes/ordered_lanes.ts";
import { Claims } from "./packs/claims.ts";
import { Packs } from "./packs/packs.ts";
import type { WaitingLane } from "./packs/waiting_lane.ts";
import { findRepeated, recall, remember } from "./remembered_keys.ts";
import { Wakeups } from "./wakeups/wakeups.ts";
import { journalUnavailable } from "./unavailable.ts";

const MIB = 1024 * 1024;

/** From which part of the journal's bound on it is said what a webhook holds. */
const HOLDER_SHARE = 1 / 100;

/** How long anything beside lots may take, in milliseconds. */
const TIMEOUT_MS = 10_000;

/** How long measuring and sweeping may take, in milliseconds. */
const UPKEEP_TIMEOUT_MS = 60_000;

/** Which part of the time between two beats is for taking over what others have left. */
const ADOPT_SHARE = 1 / 2;

/** How long the end of what is under way is waited for, in milliseconds. */
const CLOSE_TIMEOUT_MS = 5_000;

/** Before the tables are measured. */
const NOTHING: TableSizes = {
  ...{ disk: 0, kept: 0, deadLetters: 0, deadLetterBytes: 0, channelBytes: 0 },
  inChannels: new Map(),
};

/** Options of {@linkcode PostgresJournal.open}. */
export interface PostgresJournalOptions extends Partial<Retention> {
  /** Ends after the journal. */
  readonly server: PostgresServer;
  /** What people know this gateway by. */
  readonly member: MemberName;
  readonly logger: Logger;
  /** Where is reported that nothing can be appended. @default nowhere */
  readonly health?: HealthReports | undefined;
  /** Nothing is appended while pending events and dead letters have more bytes than this. @default 10 GiB */
  readonly maxBytes?: number;
  /** Appends that may wait for the next commit. @default 10000 */
  readonly maxWaiting?: number;
  /** Bytes of events that may wait to be committed. @default 64 MiB */
  readonly maxWaitingBytes?: number;
  /** How often gateways say that they live. @default every 3 s, dead after 15 s, deliveries for 10 s */
  readonly tempo?: Tempo;
  /** How often the tables are measured, and what is kept no longer is removed, in milliseconds. @default 10000 */
  readonly sweepIntervalMs?: number;
  /** The time that dues are reckoned by, in milliseconds since 1970. @default steadyNow */
  readonly now?: () => number;
}

/** A journal but for what stands beside its events. */
export type EventJournal = Omit<Journal, "deadLetters">;

/** The events of a journal in PostgreSQL, of which this gateway delivers its own. */
export class PostgresJournal implements EventJournal {
  readonly #packs = new Packs();
  /** This gateway among those that share the journal. */
  readonly member: Member;
  readonly #lots: Lots;
  readonly #claims: Claims;
  readonly #beats: Beats;
  readonly #adoption: Adoption;
  readonly #ordered: OrderedLanes;
  /** What this gateway and the others say to each other. */
  readonly wakeups: Wakeups;
  readonly claims: PostgresKeyClaims;
  readonly #log: JournalLog;
  /** For everything but lots and beats. */
  readonly #connection: PostgresConnection;
  readonly #lotConnection: PostgresConnection;
  readonly #retention: Retention;
  readonly #maxBytes: number;
  readonly #sweepIntervalMs: number;
  readonly #adoptMs: number;
  readonly #now: () => number;
  #listener: JournalListener | undefined;
  /** Lanes of which other gateways had something at the last beat. */
  #elsewhere: readonly number[] = [];
  #sizes: TableSizes = NOTHING;
  #sweptAt = -Infinity;
  #upkeep: Promise<void> | undefined;
  #isMeasured = false;
  #wasAlive = true;
  #buried = 0;
  #closed: Promise<void> | undefined;

  private constructor(options: PostgresJournalOptions) {
    const { server, tempo = USUAL_TEMPO, retentionMs = 0, now = steadyNow } = options;
    this.#maxBytes = options.maxBytes ?? 10 * 1024 * MIB;
    this.#retention = {
      retentionMs,
      retentionBytes: Math.min(options.retentionBytes ?? 1024 * MIB, this.#maxBytes * 0.9),
    };
    this.#sweepIntervalMs = options.sweepIntervalMs ?? 10_000;
    this.#adoptMs = tempo.beatMs * ADOPT_SHARE;
    this.#now = now;
    this.#log = new JournalLog(options.logger, options.health);
    this.member = new Member(options.member, tempo.limitMs, () => this.#lose());
    this.#connection = server.connection();
    this.#lotConnection = server.connection();
    this.#lots = new Lots({
      connection: this.#lotConnection,
      member: this.member,
      packs: this.#packs,
      log: this.#log,
      maxWaiting: options.maxWaiting ?? 10_000,
      maxWaitingBytes: options.maxWaitingBytes ?? 64 * MIB,
      keepsDelivered: retentionMs > 0,
      onUnsure: (numbers) => this.#adoption.lookFor(numbers),
      now,
      onOrdered: (outcome) => this.#ordered.appended(outcome),
      isTaking: (lane) => this.#ordered.isTaking(lane),
      onPutBack: (lanes) => this.#reportWaiting(lanes),
    });
    this.wakeups = new Wakeups(server, options.logger);
    this.#ordered = new OrderedLanes({
      connection: this.#connection,
      packs: this.#packs,
      member: this.member,
      wakeups: this.wakeups,
      onWaiting: (lanes) => this.#reportWaiting(lanes),
      onForeign: ({ key }) => this.#listener?.onGone(key),
      isWithdrawn: (mark) => this.#lots.isWithdrawn(mark),
    });
    this.claims = new PostgresKeyClaims({
      connection: server.connection(),
      member: this.member,
      packs: this.#packs,
      log: this.#log,
      onMissing: () => this.#lots.wake(),
    });
    this.#claims = new Claims({
      connection: this.#connection,
      packs: this.#packs,
      owner: () => this.member.id,
      takeUnread: (lane) => this.#ordered.take(lane),
      record: () => this.#lots.changed(),
      now,
    });
    this.#adoption = new Adoption(this.#packs, this.member, (lanes) => this.#reportWaiting(lanes));
    this.#beats = new Beats({
      connection: server.connection(),
      member: this.member,
      tempo,
      load: () => this.#packs,
      onMissing: () => this.#lots.wake(),
      onBeat: (client) => this.#onBeat(client),
      onDead: (id) => this.#log.declaredDead(id),
    });
  }

  /**
   * Opens the journal: registers this gateway, and takes over what ended ones have left. A server that cannot be reached
   * is no reason not to start: operations are rejected until it can.
   */
  static async open(options: PostgresJournalOptions): Promise<PostgresJournal> {
    const journal = new PostgresJournal(options);
    await journal.#open();
    return journal;
  }

  async #open(): Promise<void> {
    try {
      await this.#lots.enter(AbortSignal.timeout(TIMEOUT_MS));
    } catch (error) {
      if (!(error instanceof PostgresError)) throw error;
      this.#log.failed(error);
    }
    await this.#beats.start();
  }

  append(event: VerifiedEvent, options: AppendOptions, listener: AppendListener): void {
    const refusal = this.refuse(event);
    if (refusal === undefined) this.#lots.append(event, options, listener);
    else listener.onRefused(refusal);
  }

  async claim(lane: LaneKey, limit: ClaimLimit): Promise<Claimed> {
    return await this.#reachable(() => this.#claims.claim(lane, limit));
  }

  /** Ends events that wait here, undelivered. See {@linkcode Claims.drop}. */
  drop(wanted: ReadonlyMap<number, readonly number[]>): Promise<readonly LaneKey[]> {
    return this.#reachable(() => this.#claims.drop(wanted));
  }

  settle(settlement: Settlement): Promise<void> {
    if (settlement.state === "dead" && this.#packs.isClaimed(settlement.sequence)) this.countDeadLetters(1);
    return this.#lots.settle(settlement);
  }

  holds(sequence: number): Holding {
    if (!this.#packs.isClaimed(sequence)) return "gone";
    if (this.member.isAlive) return "yes";
    this.#wasAlive = false;
    return "not_now";
  }

  follow(listener: JournalListener): void {
    this.#listener = listener;
  }

  lanes(): Promise<readonly LaneBacklog[]> {
    return Promise.resolve(this.#packs.backlogs());
  }

  findRepeated(lane: LaneKey, key: RepeatKey): Promise<string | undefined> {
    return this.#ask((client) => findRepeated(client, lane, key));
  }

  remember(events: readonly RememberedEvent[]): Promise<void> {
    return this.#ask((client) => remember(client, this.#packs, events));
  }

  recall(lane: LaneKey, limit: number): Promise<readonly RecalledKey[]> {
    return this.#ask((client) => recall(client, lane, limit, this.#now()));
  }

  /** The tables may hold something at any time. */
  get isOpen(): boolean {
    return true;
  }

  /** The other gateways, as they said at their last beats. */
  get others(): Others {
    return this.#beats.others;
  }

  /** Takes over at once what no gateway has, such as replayed dead letters. */
  async adopt(): Promise<void> {
    this.#ordered.look();
    await this.#ask((client) => this.#adoption.adopt(client, Infinity));
  }

  /** Dead letters were made, or removed, beside this journal. */
  countDeadLetters(change: number): void {
    if (change > 0) this.#buried += change;
    this.#sizes = { ...this.#sizes, deadLetters: Math.max(0, this.#sizes.deadLetters + change) };
  }

  /** Why an event cannot be taken, into a channel either: so much stands in the tables already. */
  refuse(event: VerifiedEvent): GatewayError | undefined {
    const { others } = this.#beats;
    const { bytes } = this.#packs;
    const { deadLetterBytes, channelBytes, inChannels } = this.#sizes;
    if (bytes + others.bytes + deadLetterBytes + channelBytes >= this.#maxBytes) {
      const message = "The journal holds as much as JOURNAL_MAX_BYTES lets it";
      return new GatewayError("journal_unavailable", message, { retryAfterSeconds: 5 });
    }
    const share = this.#maxBytes * LANE_SHARE;
    const ownShare = share / (others.gateways + 1);
    if (bytes < ownShare && bytes + others.bytes + channelBytes < share) return undefined;
    const lane = this.#packs.findLane(event);
    const own = lane?.bytes ?? 0;
    const elsewhere = others.lanes.get(lane?.id ?? 0)?.bytes ?? 0;
    const inChannel = inChannels.get(webhookPath(event.namespace, event.webhook)) ?? 0;
    if (own < ownShare && own + elsewhere + inChannel < share) return undefined;
    return new GatewayError("journal_share_full", undefined, { retryAfterSeconds: 5 });
  }

  stats(): JournalStats {
    const { pending, oldestAt } = this.#packs;
    return {
      pending,
      oldestReceivedAt: oldestAt,
      oldestAgeMs: oldestAt === undefined ? undefined : Math.max(0, this.#now() - oldestAt),
      deadLetters: this.#sizes.deadLetters,
      buried: this.#buried,
      bytes: this.#sizes.disk,
      waiting: this.#lots.waiting,
      commits: this.#lots.commits,
      damaged: 0,
      holders: this.#packs.holders(this.#maxBytes * HOLDER_SHARE),
    };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#closed ??= this.#close();
  }

  /** Writes what waits, and leaves what is pending to the others. */
  async #close(): Promise<void> {
    const signal = AbortSignal.timeout(CLOSE_TIMEOUT_MS);
    await this.#ordered[Symbol.asyncDispose]();
    await this.claims.close(signal);
    await this.#lots.close(signal);
    await this.#beats.stop();
    await this.wakeups[Symbol.asyncDispose]();
    await this.#upkeep;
    try {
      await this.#lotConnection.use((client) => this.member.leave(client), signal);
    } catch (error) {
      // The others take over all the same, a little later.
      if (!(error instanceof PostgresError)) throw error;
    }
  }

  async #onBeat(client: PostgresClient): Promise<void> {
    if (!this.#wasAlive) {
      this.#wasAlive = true;
      this.#listener?.onHolding();
    }
    this.#reportElsewhere();
    this.#ordered.look();
    const adopted = await this.#adoption.adopt(client, this.#adoptMs);
    if (adopted > 0) this.#log.adopted(adopted);
    // Beside the beats, which must not wait for it.
    if (performance.now() - this.#sweptAt >= this.#sweepIntervalMs) this.#upkeep ??= this.#keepUp();
    if (!this.#isMeasured) await this.#upkeep;
  }

  /** What any gateway does for all. */
  async #keepUp(): Promise<void> {
    try {
      await this.#connection.use(async (client) => {
        this.#sizes = await measure(client);
        this.#isMeasured = true;
        await sweep(client, this.#retention, this.#sizes.kept, this.#now());
      }, AbortSignal.timeout(UPKEEP_TIMEOUT_MS));
    } catch (error) {
      // The next beat tries again.
      if (!(error instanceof PostgresError)) throw error;
    } finally {
      this.#sweptAt = performance.now();
      this.#upkeep = undefined;
    }
  }

  /** The others have declared this gateway dead: what it has in memory is theirs. */
  #lose(): void {
    this.#log.lost(this.#packs.pending);
    const lost = this.#packs.lose();
    this.#ordered.lost();
    this.#lots.lost();
    for (const lane of lost) this.#listener?.onGone(lane);
  }

  #reportWaiting(lanes: Iterable<WaitingLane>): void {
    for (const lane of lanes) {
      const { key, pending, added } = lane;
      lane.added = 0;
      this.#listener?.onWaiting({ ...key, pending, added });
    }
  }

  /** What other gateways have of the webhooks whose order counts. */
  #reportElsewhere(): void {
    const { lanes } = this.#beats.others;
    for (const id of new Set([...this.#elsewhere, ...lanes.keys()])) {
      const lane = this.#packs.laneOfId(id);
      if (lane !== undefined) this.#listener?.onElsewhere(lane.key, lanes.get(id)?.pending ?? 0);
    }
    this.#elsewhere = [...lanes.keys()];
  }

  #ask<Result>(work: (client: PostgresClient) => Promise<Result>): Promise<Result> {
    return this.#reachable(() => this.#connection.use(work, AbortSignal.timeout(TIMEOUT_MS)));
  }

  async #reachable<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof PostgresError)) throw error;
      throw journalUnavailable(error);
    }
  }
}
