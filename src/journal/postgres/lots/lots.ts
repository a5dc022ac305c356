/**
 * Everything that is written: what is asked for while a lot is under way goes with the next one, in one statement and
 * one commit.
 *
 * A lot whose answer was lost may have happened, or happen yet. It is sent again, with the same numbers, once the
 * session was raised: from then on the former one does nothing. Senders wait for two seconds at most; the numbers of
 * what they were refused are removed by a later lot. Events with keys stay, if they are there: a sender that repeats one
 * may have been answered by then that it is accepted. Outcomes wait for as long as it takes.
 *
 * @module
 */

import { GatewayError } from "../../../errors.ts";
import { pause } from "../../../time/abortable.ts";
import { NextTurn } from "../../../time/next_turn.ts";
import { CommitPace, mayRide, type PacedQueue } from "../../commit_pace.ts";
import type { AppendListener, AppendOptions, Settlement } from "../../journal.ts";
import type { VerifiedEvent } from "../../../event/verified_event.ts";
import type { Member, Membership } from "../cluster/member.ts";
import type { PostgresClient } from "../../../io/postgres/client.ts";
import type { PostgresConnection } from "../connection/connection.ts";
import { PostgresError } from "../../../io/postgres/errors.ts";
import { Receipts } from "../receipts.ts";
import { journalUnavailable } from "../unavailable.ts";
import { numberLanes } from "../packs/lane_numbers.ts";
import type { Ended, GivenUp, Packs } from "../packs/packs.ts";
import type { WaitingLane } from "../packs/waiting_lane.ts";
import type { JournalLog } from "../journal_log.ts";
import { draining, mayPass } from "./refusals.ts";
import { lotQuery, type Outcomes } from "./lot_values.ts";
import type { LotRow } from "./lot_statement.ts";
import { PackNumbers } from "./pack_numbers.ts";
import { type Append, type NewPack, WaitingLot } from "./waiting_lot.ts";

/** How long a lot is tried for, from its first append on, in milliseconds: senders have their answer within two seconds. */
const LOT_TIMEOUT_MS = 1_800;

/** The pause before a lot is sent again to a server that has refused it, in milliseconds. */
const AGAIN_MS = 25;

/** The pause after a lot that could not be written, in milliseconds. */
const PAUSE_MS = 100;

/** With more appends than this a lot costs each of them little. */
const MOST_GATHERED = 256;

/** Bytes of events of one lot; a single larger event is one, too. */
const LOT_BYTES = 8 * 1024 * 1024;

/** Appends of one lot: as many packs as a block of numbers has. */
const LOT_APPENDS = 1_000;

/** Marks of refused packs that are remembered. */
const MOST_WITHDRAWN = 10_000;

/** What {@linkcode Lots} works with. */
export interface LotsOptions {
  readonly connection: PostgresConnection;
  readonly member: Member;
  readonly packs: Packs;
  readonly log: JournalLog;
  /** Appends that may wait for the next lots. */
  readonly maxWaiting: number;
  /** Bytes of events that may wait for the next lots. */
  readonly maxWaitingBytes: number;
  readonly keepsDelivered: boolean;
  /** Called with the numbers of packs that are in the tables, or never will be: nobody knows which. */
  readonly onUnsure: (numbers: readonly number[]) => void;
  readonly now: () => number;
  /** Called when packs of webhooks whose order counts were committed. */
  readonly onOrdered: (outcome: OrderedOutcome) => void;
}

/** What a lot has led to for webhooks whose order counts. */
export interface OrderedOutcome {
  /** Lanes that are held here, and have something to claim. */
  readonly waiting: ReadonlySet<WaitingLane>;
  /** Lanes that are not, and which gateway holds them; `undefined` where none does. */
  readonly foreign: ReadonlyMap<WaitingLane, number | undefined>;
}

/** A lot on its way, with whoever waits for its outcomes. */
interface Sending {
  readonly lot: WaitingLot;
  readonly givenUp: readonly GivenUp[];
  readonly ended: Ended;
  readonly recorded: PromiseWithResolvers<void>;
  /** Taken over from the packs when it is sent; again with each try. */
  packs: Outcomes["packs"];
  /** Whether it may be in the tables although nobody knows. */
  wasSent: boolean;
  /** Whether its packs have numbers. */
  isNumbered: boolean;
}

/** Writes lots, one after the other. */
export class Lots implements PacedQueue {
  readonly mostGathered = MOST_GATHERED;
  readonly #options: LotsOptions;
  readonly #numbers = new PackNumbers();
  readonly #pace = new CommitPace(this, () => this.#begin());
  readonly #nextTurn = new NextTurn(() => this.#begin());
  /** Lots that take no more. */
  #full: WaitingLot[] = [];
  #collecting = new WaitingLot();
  #givenUp: GivenUp[] = [];
  #recorded = outcomesToRecord();
  #hasOutcomes = false;
  /** Whether an outcome waits that must not wait for company. */
  #isUrgent = false;
  /** Numbers whose senders were refused. */
  #abandoned: number[] = [];
  /** The marks of those whose order counts. */
  #abandonedMarks: number[] = [];
  /** Marks that were among them lately. */
  readonly #withdrawn = new Set<number>();
  readonly #receipts = new Receipts<number>();
  /** Numbers of events with keys whose senders were refused. */
  #unsure: number[] = [];
  /** The connection that the session is of. */
  #client: PostgresClient | undefined;
  #membership: Membership | undefined;
  #isUnderWay = false;
  #waitingBytes = 0;
  #waitingCount = 0;
  #closing: PromiseWithResolvers<void> | undefined;
  /** Aborts when nothing more is to be written. */
  readonly #end = new AbortController();
  /** The lot under way. */
  #running: Promise<void> = Promise.resolve();
  commits = 0;

  constructor(options: LotsOptions) {
    this.#options = options;
  }

  /** Appends that wait, and one for all outcomes. */
  get waiting(): number {
    return this.#waitingCount + (this.#hasOutcomes ? 1 : 0);
  }

  get hasFull(): boolean {
    return this.#full.length > 0;
  }

  get appends(): number {
    return this.#collecting.count;
  }

  get canWait(): boolean {
    return this.#collecting.count === 0 && !this.#isUrgent;
  }

  append(event: VerifiedEvent, options: AppendOptions, listener: AppendListener): void {
    const { packs, maxWaiting, maxWaitingBytes } = this.#options;
    if (this.#closing !== undefined) return listener.onRefused(draining());
    const isFull = this.#waitingCount >= maxWaiting ||
      (this.#waitingBytes > 0 && this.#waitingBytes + event.body.length > maxWaitingBytes);
    if (isFull) {
      const message = "Too many events wait for the journal";
      return listener.onRefused(new GatewayError("overloaded", message, { retryAfterSeconds: 1 }));
    }
    this.#add(WaitingLot.append(packs.lane(event), event, options, listener));
    this.#pace.asked();
  }

  /** Applies an outcome. All of one lot share one promise, which resolves when it is committed, however long that takes. */
  settle(settlement: Settlement): Promise<void> {
    if (this.#end.signal.aborted) return Promise.reject(draining());
    const settled = this.#options.packs.settle(settlement);
    if (settled === false) return Promise.resolve();
    if (settled !== true) this.#givenUp.push(settled);
    if (!mayRide(settlement, this.#options.now)) this.#isUrgent = true;
    return this.#outcome();
  }

  /** Packs have changed: resolves when that is committed, or they are another gateway's. */
  changed(): Promise<void> {
    this.#isUrgent = true;
    return this.#outcome();
  }

  /** Whether the senders of a pack of a webhook whose order counts were refused: it is removed. */
  isWithdrawn(mark: number): boolean {
    return this.#withdrawn.has(mark);
  }

  /** Resolves once this gateway is registered. */
  async enter(signal: AbortSignal): Promise<void> {
    await this.#options.connection.use(async (client) => void await this.#enter(client), signal);
  }

  /** Registers this gateway where it is not: with what waits, or now. */
  wake(): void {
    if (!this.#isUnderWay) this.#nextTurn.ask();
  }

  /** This gateway was declared dead: it registers again, and what was to be recorded is of no use any more. */
  lost(): void {
    this.#client = undefined;
    this.#givenUp = [];
    this.#abandoned = [];
    this.#abandonedMarks = [];
    this.#unsure = [];
    this.wake();
  }

  /**
   * Writes what waits, and takes nothing more.
   *
   * @param signal gives up what is not written by then
   */
  async close(signal: AbortSignal): Promise<void> {
    if (this.#closing === undefined) {
      this.#closing = Promise.withResolvers();
      if (!this.#isUnderWay) this.#nextTurn.ask();
    }
    const { promise, resolve } = this.#closing;
    signal.addEventListener("abort", () => resolve(), { once: true });
    await promise;
    this.#end.abort();
    await this.#running;
    this.#pace.reset();
    this.#recorded.reject(draining());
    for (const lot of [...this.#full, this.#collecting]) lot.refuse(draining());
  }

  #add(append: Append): void {
    const { count, bytes } = this.#collecting;
    const { length } = append.written;
    if (count >= LOT_APPENDS || (count > 0 && bytes + length > LOT_BYTES)) {
      this.#full.push(this.#collecting);
      this.#collecting = new WaitingLot();
    }
    this.#collecting.add(append);
    this.#waitingCount++;
    this.#waitingBytes += length;
  }

  #outcome(): Promise<void> {
    this.#hasOutcomes = true;
    this.#pace.asked();
    return this.#recorded.promise;
  }

  #begin(): void {
    if (!this.#isUnderWay && !this.#end.signal.aborted) this.#running = this.#run();
  }

  async #run(): Promise<void> {
    const { connection } = this.#options;
    this.#isUnderWay = true;
    const sending = this.#next();
    this.#pace.begun(sending?.lot.count ?? 0);
    if (sending !== undefined) {
      await this.#send(sending);
      this.#waitingCount -= sending.lot.count;
      this.#waitingBytes -= sending.lot.bytes;
    } else if (this.#client === undefined && this.#closing === undefined) {
      await this.#enterAgain();
    }
    this.#isUnderWay = false;
    if (this.#end.signal.aborted) return;
    if (this.#closing === undefined) this.#pace.ended();
    else if (this.waiting > 0 && connection.state !== "closed") this.#nextTurn.ask();
    else this.#closing.resolve();
  }

  async #enterAgain(): Promise<void> {
    try {
      await this.enter(AbortSignal.timeout(LOT_TIMEOUT_MS));
    } catch (error) {
      if (!(error instanceof PostgresError)) throw error;
      this.#options.log.failed(error);
    }
  }

  #next(): Sending | undefined {
    let lot = this.#full.shift();
    if (lot === undefined) {
      lot = this.#collecting;
      this.#collecting = new WaitingLot();
    }
    const hasAbandoned = this.#abandoned.length > 0 || this.#abandonedMarks.length > 0;
    if (lot.count === 0 && !this.#hasOutcomes && !hasAbandoned) return undefined;
    const sending: Sending = {
      lot,
      givenUp: this.#givenUp,
      recorded: this.#recorded,
      packs: this.#options.packs.takeChanged(),
      ended: this.#options.packs.takeEnded(),
      wasSent: false,
      isNumbered: false,
    };
    this.#givenUp = [];
    this.#recorded = outcomesToRecord();
    this.#hasOutcomes = false;
    this.#isUrgent = false;
    return sending;
  }

  /** Tries until the lot is committed or its time is up. */
  async #send(sending: Sending): Promise<void> {
    const { connection, log, packs } = this.#options;
    const { life } = packs;
    const begunAt = Math.min(sending.lot.begunAt, performance.now());
    const leftMs = Math.max(1, LOT_TIMEOUT_MS - (performance.now() - begunAt));
    const timeUp = AbortSignal.any([AbortSignal.timeout(leftMs), this.#end.signal]);
    while (true) {
      try {
        const row = await connection.use((client) => this.#try(client, sending, life), timeUp);
        if (row !== undefined) {
          log.wrote();
          return this.#conclude(sending, row, life);
        }
      } catch (error) {
        if (!(error instanceof PostgresError)) throw error;
        log.failed(error);
        if (error.endsConnection) this.#client = undefined;
        if (timeUp.aborted || !mayPass(error)) return await this.#giveUp(sending, error, life);
      }
      await pause(Math.max(AGAIN_MS, connection.pauseMs), timeUp);
    }
  }

  /** Sends the lot once. `undefined`: it is not certain that it has happened, and it is sent again. */
  async #try(
    client: PostgresClient,
    sending: Sending,
    life: number,
    keepsDelivered = this.#options.keepsDelivered,
  ): Promise<LotRow | undefined> {
    if (client !== this.#client) await this.#enter(client);
    await this.#prepare(client, sending);
    const { packs, now } = this.#options;
    // What was to be recorded is another gateway's since.
    const isLost = packs.life !== life;
    const outcomes = {
      packs: isLost ? [] : sending.packs,
      givenUp: isLost ? [] : sending.givenUp,
      abandoned: this.#abandoned,
      abandonedMarks: this.#abandonedMarks,
      formerTickets: this.#receipts.over,
    };
    for (const pack of sending.lot.ordered) {
      // What was sent before, as another gateway's, is in the lane; the holder may have got it since.
      pack.isHeld = !isLost && pack.lane.isHeld && (!sending.wasSent || pack.isHeld);
    }
    const sender = { ...this.#membership!, now: now(), keepsDelivered };
    const { statement, values } = lotQuery(sending.lot, outcomes, sender);
    sending.wasSent = true;
    const { rows: [row], notices } = await client.query<LotRow>(statement, values);
    this.commits++;
    // A wait for the standby that was cut short: the server keeps what it has, and may lose it.
    if (notices.some((code) => code.startsWith("01"))) return undefined;
    if (row?.alive === 1) return row;
    // The session is another one, or the row is gone.
    this.#client = undefined;
    return undefined;
  }

  async #enter(client: PostgresClient): Promise<void> {
    this.#membership = await this.#options.member.enter(client);
    this.#client = client;
  }

  async #prepare(client: PostgresClient, sending: Sending): Promise<void> {
    const { lot, givenUp } = sending;
    const lanes = [...lot.unknownLanes(), ...givenUp.map(({ lane }) => lane).filter(({ id }) => id === 0)];
    await numberLanes(client, this.#options.packs, lanes);
    if (sending.isNumbered) return;
    const { numbered } = lot;
    await this.#numbers.reserve(client, numbered.length);
    for (const pack of numbered) pack.no = this.#numbers.next();
    sending.isNumbered = true;
  }

  #conclude({ lot, packs: changed, ended, recorded }: Sending, row: LotRow, life: number): void {
    const { packs, onUnsure } = this.#options;
    this.#abandoned = [];
    this.#abandonedMarks = [];
    this.#receipts.answered(lot.ticket);
    // Lots before this one have happened, or never will.
    if (this.#unsure.length > 0) onUnsure(this.#unsure);
    this.#unsure = [];
    if (packs.life === life) packs.recorded(changed, ended);
    recorded.resolve();
    const { taken, again } = lot.concludeKeyed(row);
    const inPacks = taken.filter((pack) => !pack.isOrdered);
    for (const pack of inPacks.length === 0 ? lot.packs : [...lot.packs, ...inPacks]) {
      packs.appended(pack.toPack());
      pack.report();
    }
    if (lot.ordered.length > 0) this.#concludeOrdered(lot, row, new Set(taken), life);
    for (const append of again) this.#add(append);
  }

  /** Events are claimed only behind all that came before them; those of lanes of other gateways wait there. */
  #concludeOrdered(
    { ordered, keyed }: WaitingLot,
    { lined, unread, holders }: LotRow,
    taken: ReadonlySet<NewPack>,
    life: number,
  ): void {
    const { packs, onOrdered } = this.#options;
    const numbers = new Map(lined);
    const repeats = new Set(keyed.map(({ pack }) => pack).filter((pack) => !taken.has(pack)));
    const hasUnread = new Set(unread);
    const holderOf = new Map(holders);
    const waiting = new Set<WaitingLane>();
    const foreign = new Map<WaitingLane, number | undefined>();
    for (const pack of ordered) {
      const { lane, isHeld, isClaimed } = pack;
      if (repeats.has(pack)) continue;
      const no = numbers.get(pack.no);
      pack.no = no ?? pack.no;
      // Without a number it was appended by an earlier try, and another gateway has delivered it since.
      if (no === undefined || !isHeld || packs.life !== life) {
        pack.report(isClaimed);
        foreign.set(lane, holderOf.get(lane.id));
        continue;
      }
      const goesOn = isClaimed && !hasUnread.has(lane.id) && lane.nextDueAt !== 0 && lane.claiming === 0;
      packs.appended(pack.toPack(goesOn));
      pack.report(isClaimed && !goesOn);
      if (!goesOn) waiting.add(lane);
    }
    onOrdered({ waiting, foreign });
  }

  /** The senders are refused; outcomes go with the next lot. On a full disk, those that make room go at once. */
  async #giveUp(sending: Sending, error: PostgresError, life: number): Promise<void> {
    const { lot, wasSent, isNumbered } = sending;
    if (wasSent && isNumbered) {
      this.#receipts.gaveUp(lot.ticket);
      const keyed = new Set(lot.keyed.map(({ pack }) => pack));
      for (const pack of lot.numbered) {
        if (!pack.isOrdered) (keyed.has(pack) ? this.#unsure : this.#abandoned).push(pack.no);
        else if (!keyed.has(pack)) this.#withdraw(pack.no);
      }
    }
    lot.refuse(journalUnavailable(error));
    if (error.isFull) await this.#makeRoom(sending, life);
    this.#carryOver(sending, life);
    // They are looked for behind the next lot, which nobody may ask for.
    this.#hasOutcomes ||= this.#unsure.length > 0;
    await pause(PAUSE_MS, this.#end.signal);
  }

  /** Removes the packs that are done: that succeeds where nothing can be added, by a statement of its own. */
  async #makeRoom(sending: Sending, life: number): Promise<void> {
    const unwritten = new Set(sending.givenUp.map(({ no }) => no));
    const done = sending.packs.filter(({ left, no }) => left === 0 && !unwritten.has(no));
    if (done.length === 0) return;
    const removal = { ...sending, lot: new WaitingLot(), packs: done, givenUp: [], isNumbered: true };
    try {
      const signal = AbortSignal.timeout(LOT_TIMEOUT_MS);
      const row = await this.#options.connection.use(
        (client) => this.#try(client, removal, life, false),
        signal,
      );
      if (row === undefined) return;
      sending.packs = sending.packs.filter((pack) => !done.includes(pack));
      this.#abandoned = [];
      this.#abandonedMarks = [];
    } catch (error) {
      if (!(error instanceof PostgresError)) throw error;
      // They go with the next lot.
    }
  }

  #withdraw(mark: number): void {
    this.#abandonedMarks.push(mark);
    this.#withdrawn.add(mark);
    for (const oldest of this.#withdrawn) {
      if (this.#withdrawn.size <= MOST_WITHDRAWN) break;
      this.#withdrawn.delete(oldest);
    }
  }

  #carryOver({ packs: changed, givenUp, ended, recorded }: Sending, life: number): void {
    const { packs } = this.#options;
    if (packs.life !== life) return recorded.resolve();
    packs.changeAgain(changed, ended);
    this.#givenUp.unshift(...givenUp);
    this.#hasOutcomes ||= changed.length > 0 || givenUp.length > 0 || ended.size > 0;
    void this.#recorded.promise.then(recorded.resolve, recorded.reject);
  }
}

/** What whoever settles waits for. Where nobody does, nothing is lost: its rejection is no error of its own. */
function outcomesToRecord(): PromiseWithResolvers<void> {
  const recorded = Promise.withResolvers<void>();
  recorded.promise.catch(() => {});
  return recorded;
}
