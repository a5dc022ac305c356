/**
 * The claimed events of one webhook: each goes through the route of now, and its outcome into the journal.
 *
 * @module
 */

import { assertCount, type DeliveryError } from "../../errors.ts";
import type { AttemptFailure } from "../../dead_letters/dead_letters.ts";
import { webhookPath } from "../../event/names.ts";
import type { Holding, LaneKey, PendingEvent } from "../../journal/journal.ts";
import type { DeliveryResult } from "../../modules/module.ts";
import { LinkedList } from "../../time/linked_list.ts";
import type { Pacer } from "../pacer.ts";
import { DURABLE_POLICY, retryDelayMs } from "../retry_policy.ts";
import type { DeliveryRoute, RouteStep, Routing } from "../route.ts";
import type { StepChoice } from "../../filters/routing.ts";
import { isOfTarget } from "../stops/switch_off.ts";
import type { LaneContext } from "./context.ts";
import { CurrentRoute, type RouteChange } from "./current_route.ts";
import { type Decision, EventRun, failureOf } from "./event_run.ts";
import type { DeliveryOwner } from "./outcome_recorder.ts";
import type { OutputQueue, OutputQueueOwner } from "./output_queue.ts";

const WEBHOOK_GONE: AttemptFailure = {
  code: "webhook_not_found",
  message: "The webhook was removed from the configuration before the event was delivered",
  connection: "",
};

/** How long an event waits that was tried while its webhook was off, unless none else is left or it is on again. */
const TRIED_PAUSE_MS = 7 * 24 * 60 * 60_000;

/** The lane that the events belong to. */
export interface ActiveRunsOwner {
  /**
   * An event is held here no more; its outcome may still be on its way into the journal.
   *
   * @param bytes of the run
   * @param isDiscarded whether its body takes no memory any more
   */
  onLeft(bytes: number, isDiscarded: boolean): void;
  /** An event is held here no more: another gateway delivers it. @param bytes of the run */
  onGone(bytes: number): void;
  /** The journal has an event back. @param dueAt when it is to be attempted again, by `steadyNow` */
  onPutBack(dueAt: number): void;
  /** An output that did not take events has taken one, whosever it was. */
  onTargetBack(): void;
  /** All outputs have taken an event. @param receivedAt in milliseconds since 1970 */
  onTaken(receivedAt: number): void;
  /** The journal knows that an event was delivered. */
  onDelivered(): void;
  /** The journal knows that an event is done which no output was to take. */
  onUnrouted(): void;
  /** An event is given up. @param isSettled whether the journal has it among the dead letters */
  onDead(isSettled: boolean): void;
}

/** Events that are out of the journal, wherever they wait, and what is under way with them. */
export class ActiveRuns implements OutputQueueOwner, DeliveryOwner {
  readonly route: CurrentRoute;
  readonly #name: LaneKey;
  readonly #path: string;
  readonly #owner: ActiveRunsOwner;
  readonly #context: LaneContext;
  readonly #runs = new LinkedList<EventRun>();
  #underWay = 0;
  /** Events that have left, and of which the journal does not know it yet. */
  #unsettled = 0;
  #stopped = false;
  /** What events wait for, where deliveries have a rate. */
  #pacer: Pacer | undefined;
  readonly #onRoom = () => this.route.goOn();
  readonly #onBack = () => this.#owner.onTargetBack();
  readonly #unrouted: DeliveryOwner = {
    onDelivered: () => {
      this.#concluded();
      this.#owner.onUnrouted();
    },
  };
  /** The choice of steps that was begun last, while it is under way. */
  #lastChoice: Promise<void> | undefined;

  constructor(name: LaneKey, owner: ActiveRunsOwner, context: LaneContext) {
    this.route = new CurrentRoute(name, this, context);
    this.#name = name;
    this.#path = webhookPath(name.namespace, name.webhook);
    this.#owner = owner;
    this.#context = context;
  }

  /** Deliveries under way. */
  get underWay(): number {
    return this.#underWay;
  }

  /** Whether no event is out of the journal. */
  get isEmpty(): boolean {
    return this.#runs.first === undefined;
  }

  /** Whether the webhook is switched off, and one event may show whether its target is back. */
  get triesOne(): boolean {
    return this.#context.stops.allows(this.#path) === "one";
  }

  /** Events that have left, and of which the journal does not know it yet. */
  get unsettled(): number {
    return this.#unsettled;
  }

  freePlaces(wanted: number): number {
    const { route } = this.route;
    const allowed = this.#context.stops.allows(this.#path);
    if (this.#stopped || route === undefined || allowed === "none") return 0;
    const concurrency = allowed === "one" ? 1 : route.concurrency;
    const places = Math.min(wanted, concurrency - this.#underWay);
    const { pacer } = route;
    if (pacer === undefined || places <= 0) return places;
    const room = pacer.room(places);
    if (room === 0) this.#waitForRoom(pacer);
    return room;
  }

  holds(run: EventRun): Holding {
    const holding = this.#context.journal.holds(run.pending.sequence);
    if (holding === "gone" && run.list !== undefined) {
      this.#runs.delete(run);
      this.#owner.onGone(run.bytes);
    }
    return holding;
  }

  #waitForRoom(pacer: Pacer): void {
    if (this.#pacer !== pacer) this.#pacer?.forget(this.#onRoom);
    this.#pacer = pacer;
    pacer.whenRoom(this.#onRoom);
  }

  isUnderWayBefore(step: RouteStep): boolean {
    return this.route.isUnderWayBefore(step);
  }

  /** Looks where the events go now, and sends them there. */
  refresh(): RouteChange {
    const former = this.route.route;
    const change = this.route.refresh();
    if (change !== "none" || this.route.isGone) {
      for (const run of this.#runs.toArray()) this.#advance(run);
    }
    if (this.route.isStopped) {
      for (const run of this.#runs.toArray()) if (!run.isBegun) this.#giveBack(run, former, 0);
    }
    return change;
  }

  /** Forgets events that another gateway delivers. What is under way ends, and is not recorded. */
  dropGone(): void {
    this.route.dropGone();
    for (const run of this.#runs.toArray()) if (!run.isBegun) this.holds(run);
  }

  /** What waits for a place may go now. */
  goOn(): void {
    this.route.goOn();
  }

  /** Begins nothing new; what is under way ends. */
  stop(): void {
    this.#stopped = true;
    this.#pacer?.forget(this.#onRoom);
  }

  /** Gives the events back that were not attempted. To be called when nothing is under way. */
  release(): void {
    for (const run of this.#runs.toArray()) {
      const { sequence } = run.pending;
      this.#context.recorder.settle({ sequence, state: "retry", dueAt: 0, unattempted: true });
    }
    this.#runs.clear();
  }

  /** An event begins its way. @param bytes how much memory it counts for */
  begin(pending: PendingEvent, bytes: number): void {
    const run = new EventRun(pending, bytes);
    this.#runs.add(run);
    this.#advance(run);
  }

  began(): void {
    this.#underWay++;
    this.route.route?.pacer?.count(1);
  }

  ended(queue: OutputQueue, run: EventRun, result: DeliveryResult): void {
    this.#underWay = assertCount(this.#underWay - 1, "deliveries under way");
    if (result === "delivered") this.#deliver(queue, run);
    else if (run.list !== undefined) this.#notDelivered(queue, run, result);
    this.route.forgetEnded();
    this.#advance(run, queue.route);
    this.route.goOnBeside(queue);
  }

  #deliver({ step }: OutputQueue, run: EventRun): void {
    run.deliver(step);
    const { stops } = this.#context;
    if (!stops.isQuiet) stops.delivered(this.#path);
  }

  #notDelivered(queue: OutputQueue, run: EventRun, error: DeliveryError): void {
    const { stops } = this.#context;
    const wasOff = stops.isSwitchedOff(this.#path);
    stops.failed(this.#path, error);
    if (isOfTarget(error)) queue.step.output.scheduler.whenBack(this.#onBack);
    if (wasOff && isOfTarget(error)) this.#failWhileOff(queue, run, error);
    else if (error.code === "output_throttled") this.#putBack(queue, run, error);
    else this.#fail(queue, run, error);
  }

  /** A try of a target that is off uses up no attempt. Where order does not matter, another event is tried next. */
  #failWhileOff({ step, route }: OutputQueue, run: EventRun, error: DeliveryError): void {
    this.#context.recorder.failed(this.#name, run.pending.event.id, failureOf(step, error), true);
    run.withdraw(step);
    if (!run.isBegun) this.#giveBack(run, route, step.ordered ? 0 : this.#context.now() + TRIED_PAUSE_MS);
  }

  /** The output has asked for a pause, whatever the event: it goes again, and the attempt does not count. */
  #putBack({ step }: OutputQueue, run: EventRun, error: DeliveryError): void {
    this.#context.recorder.failed(this.#name, run.pending.event.id, failureOf(step, error), true);
    const current = step.ordered ? this.route.orderedQueueLike(step) : undefined;
    if (current === undefined) run.withdraw(step);
    else current.return(run, 0, Promise.resolve());
  }

  #fail(queue: OutputQueue, run: EventRun, error: DeliveryError): void {
    const { step } = queue;
    const failure = failureOf(step, error);
    const delayMs = error.disposition === "dead_letter" ? undefined : this.#delayMs(step, run, error);
    run.fail(step, failure, delayMs);
    this.#context.recorder.failed(this.#name, run.pending.event.id, failure, delayMs !== undefined);
    if (delayMs === undefined || !step.ordered) return;
    const current = this.route.orderedQueueLike(step);
    if (current === undefined && !this.route.isParked) return;
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

  /** @param former the route by which an attempt has just ended, if one has */
  #advance(run: EventRun, former?: DeliveryRoute): void {
    if (run.list === undefined) return; // It has left already.
    const { route } = this.route;
    if (route !== undefined) {
      if (route.routing !== undefined && !this.#choose(run, route, route.routing)) return;
      this.#follow(run, route, decide(run, route));
      return;
    }
    if (run.isBegun) return;
    // What the attempt has decided holds, even if the webhook was switched off or removed meanwhile.
    const decision = former === undefined ? undefined : decide(run, former);
    if (decision !== undefined && decision.next !== "begin") this.#follow(run, former!, decision);
    else if (this.route.isStopped && former !== undefined) this.#giveBack(run, former, 0);
    else if (this.route.isGone) this.#bury(run, WEBHOOK_GONE);
  }

  /**
   * Chooses which steps of the route take the event. Where order matters, no event is chosen for before an earlier one.
   *
   * @returns whether it is known; otherwise it goes on by itself once it is
   */
  #choose(run: EventRun, route: DeliveryRoute, routing: Routing): boolean {
    if (run.chosenBy === route) return true;
    if (run.isChoosing) return false;
    const { event } = run.pending;
    const before = this.route.isOrdered ? this.#lastChoice : undefined;
    const choices = before === undefined ? routing.choose(event) : before.then(() => routing.choose(event));
    if (choices instanceof Promise) {
      this.#chooseLater(run, route, choices);
      return false;
    }
    run.choose(route, choices);
    return true;
  }

  #chooseLater(run: EventRun, route: DeliveryRoute, choosing: Promise<readonly StepChoice[]>): void {
    run.isChoosing = true;
    const choice: Promise<void> = choosing.then((choices) => {
      run.isChoosing = false;
      if (this.#lastChoice === choice) this.#lastChoice = undefined;
      if (run.list !== undefined) run.choose(route, choices);
      this.#advance(run);
    });
    this.#lastChoice = choice;
  }

  #follow(run: EventRun, route: DeliveryRoute, decision: Decision): void {
    switch (decision.next) {
      case "begin":
        if (run.startedAt !== undefined && route.steps.length > 1) this.#storeProgress(run, route);
        for (const step of decision.steps) {
          run.begin(step);
          this.route.queueOf(step)?.add(run);
        }
        break;
      case "wait":
        break;
      case "retry":
        this.#retryLater(run, route, decision);
        break;
      case "delivered":
        this.#owner.onTaken(run.pending.event.receivedAt);
        this.#leave(run, true);
        this.#context.recorder.delivered(run.pending.sequence, this);
        break;
      case "unrouted":
        this.#leave(run);
        this.#context.recorder.delivered(run.pending.sequence, this.#unrouted);
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

  async #retryLater(
    run: EventRun,
    route: DeliveryRoute,
    { delayMs, failure }: Decision & { readonly next: "retry" },
  ): Promise<void> {
    const { sequence } = run.pending;
    const dueAt = this.#context.now() + Math.ceil(delayMs);
    const progress = progressOf(run, route);
    const settled = this.#context.recorder.settle({ sequence, state: "retry", dueAt, failure, ...progress });
    this.#leave(run);
    await settled;
    this.#concluded();
    this.#owner.onPutBack(dueAt);
  }

  /** The event goes back into the journal, and what the claim has counted is taken back. */
  async #giveBack(run: EventRun, route: DeliveryRoute | undefined, dueAt: number): Promise<void> {
    const { sequence } = run.pending;
    const progress = route === undefined ? {} : progressOf(run, route);
    const settled = this.#context.recorder.settle({
      sequence,
      state: "retry",
      dueAt,
      unattempted: true,
      ...progress,
    });
    this.#leave(run);
    await settled;
    this.#concluded();
    this.#owner.onPutBack(dueAt);
  }

  async #bury(run: EventRun, failure: AttemptFailure): Promise<void> {
    this.#leave(run);
    const progress = run.toDeadProgress();
    const isSettled = await this.#context.recorder.dead(this.#name, run.pending, failure, progress);
    this.#concluded();
    this.#owner.onDead(isSettled);
  }

  onDelivered(): void {
    this.#concluded();
    this.#owner.onDelivered();
  }

  #concluded(): void {
    this.#unsettled = assertCount(this.#unsettled - 1, "outcomes on their way into the journal");
  }

  /** @param isDelivered whether nobody needs its body any more, the journal neither */
  #leave(run: EventRun, isDelivered = false): void {
    this.#runs.delete(run);
    this.#unsettled++;
    this.#owner.onLeft(run.bytes, isDelivered && run.discardBody());
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
