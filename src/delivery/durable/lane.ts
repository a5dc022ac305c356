/**
 * The undelivered events of one webhook. A bounded number is out of the journal, on the way to its outputs; the rest
 * stays in there, however many there are.
 *
 * @module
 */

import { assertCount, GatewayError } from "../../errors.ts";
import type { RepeatKey } from "../../event/repeat_key.ts";
import { webhookPath } from "../../event/names.ts";
import type { VerifiedEvent } from "../../event/verified_event.ts";
import type { AppendedEvent, AppendListener, LaneKey, PendingEvent } from "../../journal/journal.ts";
import type { WebhookCounters } from "../event_metrics.ts";
import { longestPauseMs } from "../route.ts";
import { ActiveRuns, type ActiveRunsOwner } from "./active_runs.ts";
import { Arrival, type ArrivalOwner } from "./arrival.ts";
import { Backlog, type BacklogOwner } from "./backlog.ts";
import { ClaimWindow } from "./claim_window.ts";
import type { LaneContext } from "./context.ts";

/** How many seconds a sender is asked to wait whose event found the queue full. */
const RETRY_AFTER_SECONDS = 5;

/** The events of one webhook. */
export class Lane implements ActiveRunsOwner, ArrivalOwner, BacklogOwner {
  readonly name: LaneKey;
  /** Events of all lanes of the namespace that are {@linkcode pending}. */
  readonly siblings: { events: number };
  #pending = 0;
  /** Events that wait at the gateway that delivers what is accepted here, as it said last. */
  elsewhere = 0;
  readonly #path: string;
  readonly #context: LaneContext;
  #counters: WebhookCounters;
  readonly #window: ClaimWindow;
  readonly #backlog: Backlog;
  readonly #runs: ActiveRuns;

  constructor(name: LaneKey, context: LaneContext, siblings: { events: number }) {
    this.name = name;
    this.siblings = siblings;
    this.#path = webhookPath(name.namespace, name.webhook);
    this.#context = context;
    this.#counters = context.metrics.of(name);
    this.#window = new ClaimWindow(context.budget);
    this.#backlog = new Backlog(this, this.#window, context);
    this.#runs = new ActiveRuns(name, this, context);
  }

  /** Events that were accepted and whose end is not in the journal, as far as this process knows. */
  get pending(): number {
    return this.#pending;
  }

  set pending(count: number) {
    this.siblings.events += count - this.#pending;
    this.#pending = count;
  }

  /** Deliveries under way. */
  get underWay(): number {
    return this.#runs.underWay;
  }

  /** Whether events are on their way out of the journal. */
  get isClaiming(): boolean {
    return this.#backlog.isClaiming;
  }

  /** Whether something is known to wait here: claimed, in the journal or on the way into it. */
  get knowsOfWork(): boolean {
    return this.#backlog.exists || this.#moving > 0;
  }

  /** Events on their way into the journal, through an output or out of the journal. */
  get #moving(): number {
    return this.#window.events + this.#backlog.arriving + this.#runs.unsettled;
  }

  /** Whether its events wait for the configuration. */
  get isParked(): boolean {
    return this.#runs.route.isParked && !this.#runs.route.isStopped;
  }

  get mayClaim(): boolean {
    const { route, isGone } = this.#runs.route;
    if (route === undefined) return isGone;
    const allowed = this.#context.stops.allows(this.#path);
    return allowed === "all" || (allowed === "one" && this.#runs.isEmpty);
  }

  get triesOne(): boolean {
    return this.#runs.triesOne;
  }

  get longestPauseMs(): number | undefined {
    const { route } = this.#runs.route;
    // Events that were tried while the webhook was off have a longer one.
    return route === undefined || this.triesOne ? undefined : longestPauseMs(route);
  }

  /**
   * Appends an event to the journal; its delivery follows.
   *
   * @param queue events that may wait here: beyond it, the event is refused with `overloaded`
   */
  accept(
    event: VerifiedEvent,
    queue: number,
    keys: readonly RepeatKey[] | undefined,
    listener: AppendListener,
  ): void {
    const bytes = event.body.memory;
    if (this.pending + this.elsewhere >= queue) {
      this.#context.budget.noteLeft(bytes);
      const message = "Too many events of this webhook wait to be delivered";
      const error = new GatewayError("overloaded", message, { retryAfterSeconds: RETRY_AFTER_SECONDS });
      return listener.onRefused(error);
    }
    if (!this.#runs.route.isKnown) this.refresh();
    // Where it is not known whether earlier events wait, it gets its turn out of the journal, behind them.
    const claim = !this.#backlog.exists && this.#context.knowsJournal && this.#window.hasRoomFor(bytes) &&
      !this.#runs.route.isStopped && (!this.triesOne || this.#runs.isEmpty);
    this.pending++;
    if (claim) this.#window.take(bytes);
    else this.#backlog.expect();
    const ordered = this.#runs.route.isOrdered;
    const options = keys === undefined ? { claim, ordered } : { claim, ordered, keys };
    this.#context.journal.append(event, options, new Arrival(this, event, bytes, claim, listener));
  }

  /** Takes no event, since those of the namespace that wait are as many as the policy permits. */
  refuse(event: VerifiedEvent, listener: AppendListener): void {
    this.#context.budget.noteLeft(event.body.memory);
    const message = "Too many events of this namespace wait to be delivered";
    listener.onRefused(new GatewayError("overloaded", message, { retryAfterSeconds: RETRY_AFTER_SECONDS }));
  }

  arrived({ event, bytes, isClaimed }: Arrival, appended: AppendedEvent | undefined): void {
    if (appended === undefined) this.#forget();
    else this.#counters.accepted.increment();
    if (!isClaimed) {
      this.#context.budget.noteLeft(bytes);
      this.#backlog.arrived(appended !== undefined);
    } else if (appended !== undefined && appended.waits !== true) {
      this.#runs.begin({ sequence: appended.sequence, event, attempts: 1, progress: undefined }, bytes);
    } else {
      this.#window.release(bytes);
      if (appended !== undefined) this.#backlog.suspect();
      this.#backlog.fill();
    }
  }

  /**
   * The journal holds so many events of this webhook: there may be some that nobody has claimed, however much
   * is under way here. A claim that finds none costs little.
   *
   * @param added how many of them have not been accepted here, and were not counted before
   */
  recover(pending: number, added = 0): void {
    // While anything moves, the two counts cannot be compared.
    this.pending = this.#moving === 0 ? pending : this.pending + added;
    this.#backlog.suspect();
    this.refresh();
    this.#backlog.fill();
  }

  /** Looks where the events go now. */
  refresh(): void {
    const change = this.#runs.refresh();
    // Those of a webhook that was removed are shown no more, and those of one that comes back are others.
    if (change === "another") this.#counters = this.#context.metrics.of(this.name);
    if (change !== "none" || this.#runs.route.isGone) this.#backlog.fill();
  }

  /** The target is back: what waits for its next attempt need not. */
  goOn(): void {
    this.#runs.goOn();
    this.#backlog.hasten();
  }

  /** The journal holds nothing of it here any more. What is on its way ends without it. */
  onTakenOver(): void {
    this.pending = this.#moving;
    this.#runs.dropGone();
  }

  /** So many events that waited in the journal are gone from it. */
  dropped(count: number): void {
    this.pending = Math.max(this.#moving, this.pending - count);
  }

  /** An operator has mended what was wrong: nothing waits for its next attempt, no output for its next probe. */
  retryNow(): void {
    const { route } = this.#runs.route;
    for (const { output } of route?.steps ?? []) output.scheduler.tryNow();
    this.onTargetBack();
  }

  /** What the journal could not say whether it is held may go now. */
  onHolding(): void {
    this.#runs.goOn();
  }

  /** Takes nothing new; what is under way ends. */
  stop(): void {
    this.#runs.stop();
    this.#backlog.stop();
  }

  /** Gives the claimed events back that were not attempted. To be called when nothing is under way, no claim either. */
  release(): void {
    this.#runs.release();
  }

  onClaimed(pending: PendingEvent, bytes: number): void {
    this.#runs.begin(pending, bytes);
  }

  onClaimEnded(): void {
    // Replayed events are in the journal without ever having arrived here.
    this.pending = Math.max(this.pending, this.#moving);
  }

  onLeft(bytes: number, isDiscarded: boolean): void {
    this.#window.release(bytes, isDiscarded);
    if (this.#backlog.exists && this.#window.isHalfEmpty) this.#backlog.fill();
  }

  onGone(bytes: number): void {
    this.#forget();
    this.#window.release(bytes);
    this.#backlog.fill();
  }

  onPutBack(dueAt: number): void {
    this.#backlog.putBack(dueAt);
  }

  onTargetBack(): void {
    const { stops } = this.#context;
    if (stops.allows(this.#path) === "all") this.goOn();
    else stops.tryNow(this.#path);
  }

  onTaken(receivedAt: number): void {
    // The wall clock may have been set back meanwhile.
    this.#counters.seconds.observe(Math.max(0, Date.now() - receivedAt) / 1000);
  }

  onDelivered(): void {
    this.#counters.delivered.increment();
    this.#forget();
  }

  onUnrouted(): void {
    this.#counters.unrouted.increment();
    this.#forget();
  }

  onDead(isSettled: boolean): void {
    if (isSettled) this.#counters.dead.increment();
    this.#forget();
  }

  #forget(): void {
    this.pending = assertCount(this.pending - 1, "pending events");
  }
}
