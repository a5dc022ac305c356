/**
 * The undelivered events of one webhook: which of them are in memory, on which outputs they wait, and what
 * becomes of each. A bounded number is claimed; the rest stays in the journal, however many there are.
 *
 * @module
 */

import { type Deadlines, Timer } from "../../time/deadlines.ts";
import { assertCount, type DeliveryError, GatewayError } from "../../errors.ts";
import type { DeliveryResult } from "../../modules/module.ts";
import type { VerifiedEvent } from "../../event/verified_event.ts";
import type { AttemptFailure } from "../../dead_letters/dead_letters.ts";
import type { EventMetrics, WebhookCounters } from "../event_metrics.ts";
import type {
  Appended,
  AppendListener,
  IdempotencyKey,
  Journal,
  LaneKey,
  PendingEvent,
} from "../../journal/journal.ts";
import { LinkedList } from "../../time/linked_list.ts";
import type { MemoryBudget } from "./memory_budget.ts";
import { OutputQueue, type OutputQueueOwner } from "./output_queue.ts";
import { DURABLE_POLICY, retryDelayMs } from "../retry_policy.ts";
import { type DeliveryRoute, longestPauseMs, type RouteLookup, type RouteStep } from "../route.ts";
import { type Decision, EventRun } from "./event_run.ts";
import type { DeliveryOwner, OutcomeRecorder } from "./outcome_recorder.ts";

/** Events of one webhook that are out of the journal at once. */
const WINDOW = 1024;

/** Body bytes of one webhook's events that are out of the journal at once. */
const WINDOW_BYTES = 32 * 1024 * 1024;

/** How long the events of a webhook that was removed wait for it to come back, in milliseconds. */
const MISSING_GRACE_MS = 60_000;

const LONGEST_WAIT_MS = 60_000;

/** What all lanes share. */
export interface LaneContext {
  readonly journal: Journal;
  readonly recorder: OutcomeRecorder;
  readonly metrics: EventMetrics;
  readonly budget: MemoryBudget;
  readonly deadlines: Deadlines;
  readonly lookUp: (lane: LaneKey) => RouteLookup;
  /** The time by `steadyNow`. */
  readonly now: () => number;
  /** A number in [0, 1), for jitter. */
  readonly random: () => number;
}

/** The events of one webhook. */
export class Lane implements OutputQueueOwner, DeliveryOwner {
  readonly name: LaneKey;
  /** Events that were accepted and whose end is not in the journal, as far as this process knows. */
  pending = 0;
  readonly #context: LaneContext;
  #counters: WebhookCounters;
  readonly #active = new LinkedList<EventRun>();
  readonly #timer: Timer;
  readonly #refill = () => this.#fill();
  #route: RouteLookup | undefined;
  #queues: readonly OutputQueue[] = [];
  /** Queues of routes that were changed, as long as deliveries are under way there. */
  #formerQueues: readonly OutputQueue[] = [];
  #missingSince: number | undefined;
  /** Places of the window that events under way into the journal have taken. */
  #arriving = 0;
  /** Events under way into the journal that will have to be claimed. */
  #unclaimed = 0;
  /** Whether the journal holds events that are not claimed. */
  #hasBacklog = false;
  /** When the first of them is due. */
  #nextDueAt = 0;
  #claiming = false;
  #activeBytes = 0;
  #underWay = 0;
  /** Events that have left, and of which the journal does not know it yet. */
  #unsettled = 0;
  #stopped = false;

  constructor(name: LaneKey, context: LaneContext) {
    this.name = name;
    this.#context = context;
    this.#counters = context.metrics.of(name);
    this.#timer = new Timer(this.#refill);
  }

  /** Deliveries under way. */
  get underWay(): number {
    return this.#underWay;
  }

  /** Whether something is known to wait here: claimed, in the journal or on the way into it. */
  get knowsOfWork(): boolean {
    return this.#hasBacklog || this.#isMoving;
  }

  /** Whether events are on their way into the journal, through an output or out of the journal. */
  get #isMoving(): boolean {
    return this.#moving > 0;
  }

  get #moving(): number {
    return this.#active.size + this.#arriving + this.#unclaimed + this.#unsettled;
  }

  /** Whether its events wait for the configuration. */
  get isParked(): boolean {
    return this.#route === "missing" || this.#route === "blocked";
  }

  get freePlaces(): number {
    return this.#stopped || typeof this.#route !== "object" ? 0 : this.#route.concurrency - this.#underWay;
  }

  isUnderWayBefore(step: RouteStep): boolean {
    return this.#formerQueues.some((queue) => queue.isBusy && queue.step.name === step.name);
  }

  /**
   * Appends an event to the journal and sees to its delivery.
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
      return listener.onRefused(new GatewayError("overloaded", message, { retryAfterSeconds: 5 }));
    }
    if (this.#route === undefined) this.refresh();
    const { journal } = this.#context;
    const bytes = event.body.length;
    const claim = this.#hasRoom() && !this.#hasBacklog;
    this.pending++;
    if (claim) {
      this.#arriving++;
      this.#takeMemory(bytes);
    } else {
      this.#unclaimed++;
      this.#hasBacklog = true;
    }
    const options = idempotency === undefined ? { claim } : { claim, idempotency };
    journal.append(event, options, new Arrival(this, event, bytes, claim, listener));
  }

  /** @internal @param sequence `undefined` when the event was refused, or is a repeated one */
  arrived({ event, bytes, isClaimed }: Arrival, sequence: number | undefined): void {
    if (sequence === undefined) this.#forget();
    else this.#counters.accepted.increment();
    if (isClaimed) {
      this.#arriving = assertCount(this.#arriving - 1, "events that arrive");
      if (sequence === undefined) {
        this.#releaseMemory(bytes);
        this.#fill();
      } else this.#take({ sequence, event, attempts: 1, progress: undefined }, bytes);
    } else {
      this.#unclaimed = assertCount(this.#unclaimed - 1, "unclaimed events");
      if (sequence !== undefined) this.#nextDueAt = 0;
      this.#hasBacklog = true;
      this.#fill();
    }
  }

  /**
   * The journal holds so many events of this webhook: there may be some that nobody has claimed, however much
   * is under way here. A claim that finds none costs little.
   */
  recover(pending: number): void {
    // While anything moves, the two counts cannot be compared.
    if (!this.#isMoving) this.pending = pending;
    this.#hasBacklog = true;
    this.#nextDueAt = 0;
    this.refresh();
    this.#fill();
  }

  /** Looks where the events go now. */
  refresh(): void {
    const route = this.#context.lookUp(this.name);
    if (route !== "missing") this.#missingSince = undefined;
    else this.#missingSince ??= this.#context.now();
    if (route !== this.#route) this.#changeRoute(route);
    if (this.#isGone()) { for (const run of this.#active.toArray()) this.#advance(run); }
    if (this.isParked && this.#isGone()) this.#fill();
  }

  /** Takes nothing new; what is under way ends. */
  stop(): void {
    this.#stopped = true;
    this.#context.deadlines.clear(this.#timer);
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
    const { step } = queue;
    if (result === "delivered") run.deliver(step);
    else this.#fail(queue, run, result);
    if (this.#formerQueues.length > 0) this.#formerQueues = this.#formerQueues.filter(({ isBusy }) => isBusy);
    this.#advance(run, queue.route);
    // The place that is free now is for all queues, also for those of a route that was changed meanwhile.
    for (const other of this.#queues) if (other !== queue) other.goOn();
  }

  #fail(queue: OutputQueue, run: EventRun, error: DeliveryError): void {
    const { step } = queue;
    const failure = { code: codeOf(error), message: error.message, connection: step.output.connection };
    const delayMs = error.disposition === "dead_letter" ? undefined : this.#delayMs(step, run, error);
    run.fail(step, failure, delayMs);
    this.#context.recorder.failed(this.name, run.pending.event.id, failure, delayMs !== undefined);
    if (delayMs === undefined || !step.ordered) return;
    const current = this.#queues.find((other) => other.step.ordered && other.step.name === step.name);
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

  #changeRoute(route: RouteLookup): void {
    for (const queue of this.#queues) {
      for (const run of queue.close()) {
        run.withdraw(queue.step);
        run.resume(queue.step);
      }
    }
    this.#formerQueues = [...this.#formerQueues, ...this.#queues].filter(({ isBusy }) => isBusy);
    // Those of a webhook that was removed are shown no more, and those of one that comes back are others.
    if (route === "missing" || this.#route === "missing") {
      this.#counters = this.#context.metrics.of(this.name);
    }
    this.#route = route;
    this.#queues = typeof route === "object"
      ? route.steps.map((step) => new OutputQueue(route, step, this, this.#context.deadlines))
      : [];
    for (const run of this.#active.toArray()) this.#advance(run);
    this.#fill();
  }

  /** A claimed event begins its way. @param bytes the memory that was taken for it */
  #take(pending: PendingEvent, bytes: number): void {
    const run = new EventRun(pending, bytes);
    this.#active.add(run);
    this.#advance(run);
  }

  /** @param former the route by which an attempt has just ended, if one has */
  #advance(run: EventRun, former?: DeliveryRoute): void {
    if (typeof this.#route === "object") {
      this.#follow(run, this.#route, decide(run, this.#route));
      return;
    }
    if (run.isBegun) return;
    // What the attempt has decided holds, even if the webhook was switched off or removed meanwhile.
    const decision = former === undefined ? undefined : decide(run, former);
    if (decision !== undefined && decision.next !== "begin") this.#follow(run, former!, decision);
    else if (this.#isGone()) this.#bury(run, WEBHOOK_GONE);
  }

  #follow(run: EventRun, route: DeliveryRoute, decision: Decision): void {
    switch (decision.next) {
      case "begin":
        if (run.startedAt !== undefined && route.steps.length > 1) this.#storeProgress(run, route);
        for (const step of decision.steps) {
          run.begin(step);
          this.#queues[route.steps.indexOf(step)]?.add(run);
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
      this.#nextDueAt = this.#hasBacklog ? Math.min(this.#nextDueAt, dueAt) : dueAt;
      this.#hasBacklog = true;
      this.#fill();
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
    this.#releaseMemory(run.bytes);
    if (this.#hasBacklog && this.#active.size <= WINDOW / 2) this.#fill();
  }

  #isGone(): boolean {
    const since = this.#missingSince;
    return this.#route === "missing" && since !== undefined &&
      this.#context.now() - since >= MISSING_GRACE_MS;
  }

  /** An empty lane may always take one event, so that no webhook starves while others fill the memory. */
  #hasRoom(): boolean {
    const taken = this.#active.size + this.#arriving;
    return taken === 0 ||
      taken < WINDOW && this.#activeBytes < WINDOW_BYTES &&
        this.#context.budget.roomFor(this.#activeBytes) > 0;
  }

  #takeMemory(bytes: number): void {
    this.#activeBytes = assertCount(this.#activeBytes + bytes, "body bytes of a webhook");
    this.#context.budget.take(bytes);
  }

  #releaseMemory(bytes: number): void {
    this.#activeBytes = assertCount(this.#activeBytes - bytes, "body bytes of a webhook");
    this.#context.budget.release(bytes);
  }

  /** Claims what is due, as much as there is room for. */
  #fill(): void {
    const mayClaim = typeof this.#route === "object" || this.#isGone();
    if (!this.#hasBacklog || this.#claiming || this.#stopped || !mayClaim) return;
    if (!this.#hasRoom()) {
      if (this.#context.budget.free <= 0) this.#context.budget.whenFree(this.#refill);
      return;
    }
    const waitMs = this.#nextDueAt - this.#context.now();
    if (waitMs > 0) this.#wakeIn(waitMs);
    else this.#claim();
  }

  async #claim(): Promise<void> {
    this.#claiming = true;
    try {
      const claimed = await this.#context.journal.claim(this.name, {
        events: WINDOW - this.#active.size - this.#arriving,
        bytes: Math.max(
          1,
          Math.min(WINDOW_BYTES - this.#activeBytes, this.#context.budget.roomFor(this.#activeBytes)),
        ),
        longestPauseMs: typeof this.#route === "object" ? longestPauseMs(this.#route) : undefined,
      });
      this.#hasBacklog = claimed.nextDueAt !== undefined || this.#unclaimed > 0;
      this.#nextDueAt = this.#unclaimed > 0 ? 0 : claimed.nextDueAt ?? 0;
      for (const pending of claimed.events) {
        const bytes = pending.event.body.length;
        this.#takeMemory(bytes);
        this.#take(pending, bytes);
      }
      // Replayed events are in the journal without ever having arrived here.
      this.pending = Math.max(this.pending, this.#moving);
      this.#claiming = false;
      // What came in the meantime would wait for the next event to leave otherwise.
      if (claimed.events.length > 0 || this.#nextDueAt > 0) this.#fill();
      else if (this.#hasBacklog) this.#wakeIn(RETRY_CLAIM_MS);
    } catch (error) {
      this.#claiming = false;
      this.#context.recorder.journalFailed(error);
      this.#wakeIn(RETRY_CLAIM_MS);
    }
  }

  #wakeIn(milliseconds: number): void {
    const { deadlines } = this.#context;
    deadlines.clear(this.#timer);
    deadlines.set(Math.min(milliseconds, LONGEST_WAIT_MS), this.#timer);
  }
}

const RETRY_CLAIM_MS = 1000;

/** An event on its way into the journal. Its result is reported to the lane first, then to the sender. */
class Arrival implements AppendListener {
  constructor(
    readonly lane: Lane,
    readonly event: VerifiedEvent,
    /** How much memory it counts for. */
    readonly bytes: number,
    readonly isClaimed: boolean,
    readonly sender: AppendListener,
  ) {}

  /** An exception of the lane must not keep the results of the other events of the commit from being reported. */
  onAppended(appended: Appended): void {
    try {
      this.lane.arrived(this, "sequence" in appended ? appended.sequence : undefined);
    } catch (cause) {
      return this.sender.onRefused(new GatewayError("internal_error", undefined, { cause }));
    }
    this.sender.onAppended(appended);
  }

  onRefused(error: GatewayError): void {
    this.lane.arrived(this, undefined);
    this.sender.onRefused(error);
  }
}

const WEBHOOK_GONE: AttemptFailure = {
  code: "webhook_not_found",
  message: "The webhook was removed from the configuration before the event was delivered",
  connection: "",
};

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
