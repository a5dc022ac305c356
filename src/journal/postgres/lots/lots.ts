/**
 * Everything that is written: what is asked for while a lot is under way goes with the next one, in one statement and
 * one commit.
 *
 * Senders wait for two seconds at most; what they were refused is removed by a later lot. Outcomes wait for as long as it
 * takes. A lot of which the server refuses a value goes in parts, until whose value that is stands alone: nothing else
 * waits for it.
 *
 * @module
 */

import { GatewayError } from "../../../errors.ts";
import { pause } from "../../../time/abortable.ts";
import { NextTurn } from "../../../time/next_turn.ts";
import { CommitPace, mayRide, type PacedQueue } from "../../commit_pace.ts";
import type { AppendListener, AppendOptions, Settlement } from "../../journal.ts";
import type { VerifiedEvent } from "../../../event/verified_event.ts";
import type { Member } from "../cluster/member.ts";
import type { PostgresConnection } from "../connection/connection.ts";
import { PostgresError } from "../../../io/postgres/errors.ts";
import { journalUnavailable } from "../unavailable.ts";
import type { Ended, GivenUp, Packs } from "../packs/packs.ts";
import type { WaitingLane } from "../packs/waiting_lane.ts";
import type { JournalLog } from "../journal_log.ts";
import { LotPart } from "./lot_part.ts";
import type { LotRow } from "./lot_statement.ts";
import { LotWriter } from "./lot_writer.ts";
import { concludeOrdered, type OrderedOutcome } from "./ordered_outcome.ts";
import { draining, eventRefused } from "./refusals.ts";
import { RefusedPacks } from "./refused_packs.ts";
import { type Append, WaitingLot } from "./waiting_lot.ts";

/** How long a lot is tried for, from its first append on, in milliseconds: senders have their answer within two seconds. */
const LOT_TIMEOUT_MS = 1_800;

/** The pause after a lot that could not be written, in milliseconds. */
const PAUSE_MS = 100;

/** With more appends than this a lot costs each of them little. */
const MOST_GATHERED = 256;

/** Bytes of events of one lot; a single larger event is one, too. */
const LOT_BYTES = 8 * 1024 * 1024;

/** Appends of one lot: as many packs as a block of numbers has. */
const LOT_APPENDS = 1_000;

/** After how long an event is delivered again that cannot be a dead letter, in milliseconds. */
const PUT_BACK_MS = 60_000;

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
  /** Whether packs of a lane may be this gateway's in the tables that it does not know yet. */
  readonly isTaking: (lane: WaitingLane) => boolean;
  /** Called with lanes of events that wait, since they cannot be dead letters. */
  readonly onPutBack: (lanes: Iterable<WaitingLane>) => void;
}

/** A lot on its way, and whoever waits for its outcomes. */
interface Sending {
  readonly lot: WaitingLot;
  /** What is still to be sent of it, in its order. */
  left: LotPart[];
  readonly ended: Ended;
  readonly recorded: PromiseWithResolvers<void>;
  isRecorded: boolean;
  /** Of the packs, when it was taken. */
  readonly life: number;
}

/** Writes lots, one after the other. */
export class Lots implements PacedQueue {
  readonly mostGathered = MOST_GATHERED;
  readonly #options: LotsOptions;
  readonly #refused = new RefusedPacks();
  readonly #writer: LotWriter;
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
  #isUnderWay = false;
  #waitingBytes = 0;
  #waitingCount = 0;
  #closing: PromiseWithResolvers<void> | undefined;
  /** Aborts when nothing more is to be written. */
  readonly #end = new AbortController();
  /** The lot under way. */
  #running: Promise<void> = Promise.resolve();

  constructor(options: LotsOptions) {
    this.#options = options;
    this.#writer = new LotWriter({ ...options, refused: this.#refused });
  }

  get commits(): number {
    return this.#writer.commits;
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
    return this.#refused.isWithdrawn(mark);
  }

  /** Resolves once this gateway is registered. */
  async enter(signal: AbortSignal): Promise<void> {
    await this.#writer.enter(signal);
  }

  /** Registers this gateway where it is not: with what waits, or now. */
  wake(): void {
    if (!this.#isUnderWay) this.#nextTurn.ask();
  }

  /** This gateway was declared dead: it registers again, and what was to be recorded is of no use any more. */
  lost(): void {
    this.#writer.leave();
    this.#givenUp = [];
    this.#refused.clear();
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
    } else if (!this.#writer.hasEntered && this.#closing === undefined) {
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
    const removes = !this.#refused.isEmpty;
    if (lot.count === 0 && !this.#hasOutcomes && !removes) return undefined;
    const { packs } = this.#options;
    const sending: Sending = {
      lot,
      left: [new LotPart({ lot, packs: packs.takeChanged(), givenUp: this.#givenUp, removes })],
      ended: packs.takeEnded(),
      recorded: this.#recorded,
      isRecorded: false,
      life: packs.life,
    };
    this.#givenUp = [];
    this.#recorded = outcomesToRecord();
    this.#hasOutcomes = false;
    this.#isUrgent = false;
    return sending;
  }

  /** Tries until all of the lot is committed or its time is up. */
  async #send(sending: Sending): Promise<void> {
    const begunAt = Math.min(sending.lot.begunAt, performance.now());
    const leftMs = Math.max(1, LOT_TIMEOUT_MS - (performance.now() - begunAt));
    const timeUp = AbortSignal.any([AbortSignal.timeout(leftMs), this.#end.signal]);
    for (let part = sending.left[0]; part !== undefined; part = sending.left[0]) {
      try {
        const row = await this.#writer.write(part, sending.life, timeUp);
        sending.left.shift();
        this.#conclude(sending, part, row);
      } catch (error) {
        if (!(error instanceof PostgresError)) throw error;
        if (!error.isOfData || timeUp.aborted) return await this.#giveUp(sending, error);
        sending.left.shift();
        this.#split(sending, part, error);
      }
    }
  }

  /** A value of a part is refused: smaller parts are sent in its place, until it is known whose it is. */
  #split(sending: Sending, part: LotPart, error: PostgresError): void {
    const parts = part.divide();
    if (parts.length > 0) {
      // Its events go under new numbers: nothing may stay under the former one.
      if (part.isOnePack) this.#forget(part);
      sending.left.unshift(...parts);
      return;
    }
    const { log } = this.#options;
    if (part.hasAppends) {
      log.refusedEvent(error);
      this.#forget(part);
      for (const append of part.lot.refusePacks(eventRefused(error))) this.#add(append);
    } else if (part.hasOutcomes) {
      const bare = part.toBare();
      if (bare !== undefined) sending.left.unshift(bare);
      else this.#leave(part, error, sending.life);
    } else {
      log.refusedOutcome(error, "Packs whose senders were refused stay, and may be delivered");
      this.#refused.removed();
    }
    this.#finish(sending);
  }

  #conclude(sending: Sending, { lot, packs: changed, removes }: LotPart, row: LotRow): void {
    const { packs, onUnsure, onOrdered, isTaking } = this.#options;
    const isLost = packs.life !== sending.life;
    if (removes) this.#refused.removed();
    // Lots before this one have happened, or never will.
    if (this.#refused.hasUnsure) onUnsure(this.#refused.takeUnsure());
    if (!isLost) packs.recorded(changed);
    this.#finish(sending);
    const { taken, again } = lot.concludeKeyed(row);
    const inPacks = taken.filter((pack) => !pack.isOrdered);
    for (const pack of inPacks.length === 0 ? lot.packs : [...lot.packs, ...inPacks]) {
      packs.appended(pack.toPack());
      pack.report();
    }
    if (lot.ordered.length > 0) {
      onOrdered(concludeOrdered(lot, row, new Set(taken), { packs, isLost, isTaking }));
    }
    for (const append of again) this.#add(append);
  }

  /** Says that the outcomes are recorded, once all of them are. */
  #finish(sending: Sending): void {
    if (sending.isRecorded || sending.left.some(({ hasOutcomes }) => hasOutcomes)) return;
    sending.isRecorded = true;
    const { packs } = this.#options;
    if (packs.life === sending.life) packs.ended(sending.ended);
    sending.recorded.resolve();
  }

  /** The outcomes of one pack cannot be recorded. */
  #leave({ packs: [pack], givenUp }: LotPart, error: PostgresError, life: number): void {
    const { packs, log, now, onPutBack } = this.#options;
    if (givenUp.length === 0) {
      return log.refusedOutcome(error, "This gateway knows it; whoever takes over from it does not");
    }
    log.refusedOutcome(error, "What was to be a dead letter is delivered again in a minute");
    if (packs.life !== life) return;
    const dueAt = Math.ceil(now()) + PUT_BACK_MS;
    for (const one of givenUp) packs.putBack(pack!, one, dueAt);
    this.#hasOutcomes = true;
    onPutBack(new Set(givenUp.map(({ lane }) => lane)));
  }

  /** The senders are refused; outcomes go with the next lot. On a full disk, those that make room go at once. */
  async #giveUp(sending: Sending, error: PostgresError): Promise<void> {
    for (const part of sending.left) {
      this.#forget(part);
      part.lot.refuse(journalUnavailable(error));
    }
    if (error.isFull) await this.#makeRoom(sending);
    this.#carryOver(sending);
    // They are looked for behind the next lot, which nobody may ask for.
    this.#hasOutcomes ||= this.#refused.hasUnsure;
    await pause(PAUSE_MS, this.#end.signal);
  }

  /** Removes the packs that are done: that succeeds where nothing can be added, by a statement of its own. */
  async #makeRoom({ left, life }: Sending): Promise<void> {
    for (const part of left) {
      const unwritten = new Set(part.givenUp.map(({ no }) => no));
      const done = part.packs.filter(({ left, no }) => left === 0 && !unwritten.has(no));
      if (done.length === 0) continue;
      const removal = new LotPart({ packs: done, removes: true, isBare: true });
      try {
        await this.#writer.write(removal, life, AbortSignal.timeout(LOT_TIMEOUT_MS));
      } catch (error) {
        if (!(error instanceof PostgresError)) throw error;
        return; // They go with the next lot.
      }
      part.packs = part.packs.filter((pack) => !done.includes(pack));
      this.#refused.removed();
    }
  }

  /** The appends of a part are not sent again as they are: what is in the tables of them all the same is removed. */
  #forget({ lot }: LotPart): void {
    this.#writer.gaveUp(lot);
    this.#refused.add(lot);
  }

  #carryOver({ left, ended, recorded, isRecorded, life }: Sending): void {
    const { packs } = this.#options;
    if (isRecorded) return;
    if (packs.life !== life) return recorded.resolve();
    packs.changeAgain(left.flatMap((part) => part.packs), ended);
    const givenUp = left.flatMap((part) => part.givenUp);
    this.#givenUp.unshift(...givenUp);
    this.#hasOutcomes ||= packs.hasChanged || givenUp.length > 0 || ended.size > 0;
    void this.#recorded.promise.then(recorded.resolve, recorded.reject);
  }
}

/** What whoever settles waits for. Where nobody does, nothing is lost: its rejection is no error of its own. */
function outcomesToRecord(): PromiseWithResolvers<void> {
  const recorded = Promise.withResolvers<void>();
  recorded.promise.catch(() => {});
  return recorded;
}
