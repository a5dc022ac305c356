/**
 * The undelivered events of one webhook: which of them are in memory, on which outputs they wait, and what
 * becomes of each. A bounded number is claimed; the rest stays in the journal, however many there are.
 *
 * @module
 */

import { assertCount, type DeliveryError, GatewayError } from "../../errors.ts";
import type { DeliveryResult } from "../../modules/module.ts";
import type { VerifiedEvent } from "../../event/verified_event.ts";
import type { AttemptFailure } from "../../dead_letters/dead_letters.ts";
import type { WebhookCounters } from "../event_metrics.ts";
import type { AppendListener, IdempotencyKey, LaneKey, PendingEvent } from "../../journal/journal.ts";
import { LinkedList } from "../../time/linked_list.ts";
import { Arrival, type ArrivalOwner } from "./arrival.ts";
import { Backlog, type BacklogOwner } from "./backlog.ts";
import { ClaimWindow } from "./claim_window.ts";
import type { LaneContext } from "./context.ts";
import { CurrentRoute } from "./current_route.ts";
import type { OutputQueue, OutputQueueOwner } from "./output_queue.ts";
import { DURABLE_POLICY, retryDelayMs } from "../retry_policy.ts";
import { type DeliveryRoute, longestPauseMs, type RouteStep } from "../route.ts";
import { type Decision, EventRun } from "./event_run.ts";
import type { DeliveryOwner } from "./outcome_recorder.ts";

/** How many seconds a sender is asked to wait whose event found the queue full. */
const RETRY_AFTER_SECONDS = 5;

const WEBHOOK_GONE: AttemptFailure = {
  code: "webhook_not_found",
  message: "The webhook was removed from the configuration before the event was delivered",
  connection: "",
};

/** The events of one webhook. */
export class Lane implements OutputQueueOwner, DeliveryOwner, ArrivalOwner, BacklogOwner {
  readonly name: LaneKey;
  /** Events that were accepted and whose end is not in the journal, as far as this process knows. */
  pending = 0;
  readonly #context: LaneContext;
  #counters: WebhookCounters;
  readonly #active = new LinkedList<EventRun>();
  readonly #window: ClaimWindow;
  readonly #backlog: Backlog;
  readonly #current: CurrentRoute;
  #underWay = 0;
  /** Events that have left, and of which the journal does not know it yet. */
  #unsettled = 0;
  #stopped = false;

  constructor(name: LaneKey, context: LaneContext) {
    this.name = name;
    this.#context = context;
    this.#counters = context.metrics.of(name);
    this.#window = new ClaimWindow(context.budget);
    this.#backlog = new Backlog(this, this.#window, context);
    this.#current = new CurrentRoute(name, this, context);
  }

  /** Deliveries under way. */
  get underWay(): number {
    return this.#underWay;
  }

  /** Whether something is known to wait here: claimed, in the journal or on the way into it. */
  get knowsOfWork(): boolean {
    return this.#backlog.exists || this.#moving > 0;
  }

  /** Events on their way into the journal, through an output or out of the journal. */
  get #moving(): number {
    return this.#window.events + this.#backlog.arriving + this.#unsettled;
  }

  /** Whether its events wait for the configuration. */
  get isParked(): boolean {
    return this.#current.isParked;
  }

  get freePlaces(): number {
    const { route } = this.#current;
    return this.#stopped || route === undefined ? 0 : route.concurrency - this.#underWay;
  }

  get mayClaim(): boolean {
    return this.#current.route !== undefined || this.#current.isGone;
  }

  get longestPauseMs(): number | undefined {
    const { route } = this.#current;
    return route === undefined ? undefined : longestPauseMs(route);
  }

  isUnderWayBefore(step: RouteStep): boolean {
    return this.#current.isUnderWayBefore(step);
  }

  /**
   * Appends an event to the journal; its delivery follows.
   *
   * @param queue events that may wait here: beyond it, the event is refused with `overloaded`
   */
  accept(
    event: VerifiedEvent,
    queue: number,
    idempotency: IdempotencyKey | undefined,
    listener: AppendListener,
  ): void {
    if (this.pending >= queue) {
      const message = "Too many events of this webhook wait to be delivered";
      const error = new GatewayError("overloaded", message, { retryAfterSeconds: RETRY_AFTER_SECONDS });
      return listener.onRefused(error);
    }
    if (!this.#current.isKnown) this.refresh();
    const bytes = event.body.memory;
    const claim = !this.#backlog.exists && this.#window.hasRoomFor(bytes);
    this.pending++;
    if (claim) this.#window.take(bytes);
    else this.#backlog.expect();
    const options = idempotency === undefined ? { claim } : { claim, idempotency };
    this.#context.journal.append(event, options, new Arrival(this, event, bytes, claim, listener));
  }

  arrived({ event, bytes, isClaimed }: Arrival, sequence: number | undefined): void {
    if (sequence === undefined) this.#forget();
    else this.#counters.accepted.increment();
    if (!isClaimed) {
      this.#backlog.arrived(sequence !== undefined);
    } else if (sequence !== undefined) {
      this.onClaimed({ sequence, event, attempts: 1, progress: undefined }, bytes);
    } else {
      this.#window.release(bytes);
      this.#backlog.fill();
    }
  }

  /**
   * The journal holds so many events of this webhook: there may be some that nobody has claimed, however much
   * is under way here. A claim that finds none costs little.
   */
  recover(pending: number): void {
    // While anything moves, the two counts cannot be compared.
    if (this.#moving === 0) this.pending = pending;
    this.#backlog.suspect();
    this.refresh();
    this.#backlog.fill();
  }

  /** Looks where the events go now. */
  refresh(): void {
    const change = this.#current.refresh();
    // Those of a webhook that was removed are shown no more, and those of one that comes back are others.
    if (change === "another") this.#counters = this.#context.metrics.of(this.name);
    if (change !== "none") {
      this.#advanceAll();
      this.#backlog.fill();
    }
    if (!this.#current.isGone) return;
    this.#advanceAll();
    this.#backlog.fill();
  }

  #advanceAll(): void {
    for (const run of this.#active.toArray()) this.#advance(run);
  }

  /** Takes nothing new; what is under way ends. */
  stop(): void {
    this.#stopped = true;
    this.#backlog.stop();
  }

  /** Gives the claimed events back that were not attempted. To be called when nothing is under way. */
  release(): void {
    for (const run of this.#active.toArray()) {
      const { sequence } = run.pending;
      this.#context.recorder.settle({ sequence, state: "retry", dueAt: 0, unattempted: true });
    }
    this.#active.clear();
  }

  began(): void {
    this.#underWay++;
  }

  ended(queue: OutputQueue, run: EventRun, result: DeliveryResult): void {
    this.#underWay = assertCount(this.#underWay - 1, "deliveries under way");
    if (result === "delivered") run.deliver(queue.step);
    else this.#fail(queue, run, result);
    this.#current.forgetEnded();
    this.#advance(run, queue.route);
    this.#current.goOnBeside(queue);
  }

  #fail(queue: OutputQueue, run: EventRun, error: DeliveryError): void {
    const { step } = queue;
    const failure = { code: codeOf(error), message: error.message, connection: step.output.connection };
    const delayMs = error.disposition === "dead_letter" ? undefined : this.#delayMs(step, run, error);
    run.fail(step, failure, delayMs);
    this.#context.recorder.failed(this.name, run.pending.event.id, failure, delayMs !== undefined);
    if (delayMs === undefined || !step.ordered) return;
    const current = this.#current.orderedQueueLike(step);
    if (current === undefined && !this.isParked) return;
    // Its place in line is kept: it stays claimed, and goes again before the later ones.
    const { sequence } = run.pending;
    const progress = progressOf(run, queue.route);
    const recorded = this.#context.recorder.settle({ sequence, state: "attempt", failure, ...progress });
    if (current === undefined) {
      run.resume(step);
      return;
    }
    run.begin(step);
    current.return(run, delayMs, recorded);
  }

  #delayMs(step: RouteStep, run: EventRun, error: DeliveryError): number | undefined {
    return retryDelayMs(step.retry ?? DURABLE_POLICY, run.attemptOf(step), error, this.#context.random());
  }

  onClaimed(pending: PendingEvent, bytes: number): void {
    const run = new EventRun(pending, bytes);
    this.#active.add(run);
    this.#advance(run);
  }

  onClaimEnded(): void {
    // Replayed events are in the journal without ever having arrived here.
    this.pending = Math.max(this.pending, this.#moving);
  }

  /** @param former the route by which an attempt has just ended, if one has */
  #advance(run: EventRun, former?: DeliveryRoute): void {
    const { route } = this.#current;
    if (route !== undefined) {
      this.#follow(run, route, decide(run, route));
      return;
    }
    if (run.isBegun) return;
    // What the attempt has decided holds, even if the webhook was switched off or removed meanwhile.
    const decision = former === undefined ? undefined : decide(run, former);
    if (decision !== undefined && decision.next !== "begin") this.#follow(run, former!, decision);
    else if (this.#current.isGone) this.#bury(run, WEBHOOK_GONE);
  }

  #follow(run: EventRun, route: DeliveryRoute, decision: Decision): void {
    switch (decision.next) {
      case "begin":
        if (run.startedAt !== undefined && route.steps.length > 1) this.#storeProgress(run, route);
        for (const step of decision.steps) {
          run.begin(step);
          this.#current.queueOf(step)?.add(run);
        }
        break;
      case "wait":
        break;
      case "retry":
        this.#retryLater(run, route, decision);
        break;
      case "delivered":
        this.#leave(run);
        this.#context.recorder.delivered(run.pending.sequence, this);
        break;
      case "dead":
        this.#bury(run, decision.failure);
    }
  }

  #storeProgress(run: EventRun, route: DeliveryRoute): void {
    const progress = run.toProgress(route);
    if (progress === undefined) return;
    this.#context.recorder.settle({ sequence: run.pending.sequence, state: "progress", progress });
  }

  #retryLater(
    run: EventRun,
    route: DeliveryRoute,
    { delayMs, failure }: Decision & { readonly next: "retry" },
  ): void {
    const { sequence } = run.pending;
    const dueAt = this.#context.now() + Math.ceil(delayMs);
    const settled = this.#context.recorder.settle({
      sequence,
      state: "retry",
      dueAt,
      failure,
      ...progressOf(run, route),
    });
    this.#leave(run);
    settled.then(() => {
      this.#concluded();
      this.#backlog.putBack(dueAt);
    });
  }

  async #bury(run: EventRun, failure: AttemptFailure): Promise<void> {
    this.#leave(run);
    const isSettled = await this.#context.recorder.dead(
      this.name,
      run.pending,
      failure,
      run.toDeadProgress(),
    );
    if (isSettled) this.#counters.dead.increment();
    this.#concluded();
    this.#forget();
  }

  onDelivered(): void {
    this.#counters.delivered.increment();
    this.#concluded();
    this.#forget();
  }

  #concluded(): void {
    this.#unsettled = assertCount(this.#unsettled - 1, "outcomes on their way into the journal");
  }

  #forget(): void {
    this.pending = assertCount(this.pending - 1, "pending events");
  }

  /** The event is no longer held here; its outcome may still be on its way into the journal. */
  #leave(run: EventRun): void {
    this.#active.delete(run);
    this.#unsettled++;
    this.#window.release(run.bytes);
    if (this.#backlog.exists && this.#window.isHalfEmpty) this.#backlog.fill();
  }
}

/** Only chains have a time to end in: reading the clock would cost as much as the rest of the decision. */
function decide(run: EventRun, route: DeliveryRoute): Decision {
  return run.decide(route, route.steps.length > 1 ? performance.now() : 0);
}

function progressOf(run: EventRun, route: DeliveryRoute): { readonly progress?: string } {
  const progress = run.toProgress(route);
  return progress === undefined ? {} : { progress };
}

function codeOf(error: DeliveryError): AttemptFailure["code"] {
  return error.code as AttemptFailure["code"];
}
