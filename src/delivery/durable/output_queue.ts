/**
 * Events of one webhook that wait for one of its outputs.
 *
 * @module
 */

import type { VerifiedEvent } from "../../event/verified_event.ts";
import type { Deadlines } from "../../time/deadlines.ts";
import { assertCount, DeliveryError } from "../../errors.ts";
import type { Holding } from "../../journal/journal.ts";
import type { DeliveryResult } from "../../modules/module.ts";
import type { DeliverySource, ScheduledDelivery } from "../outputs/output_scheduler.ts";
import type { DeliveryRoute, Payload, RouteStep } from "../route.ts";
import type { EventRun } from "./event_run.ts";

/** The webhook that a queue belongs to. */
export interface OutputQueueOwner {
  /**
   * How many of so many deliveries may begin now, over all steps of the webhook. Where none may because of a rate, the
   * queues go on in time.
   */
  freePlaces(wanted: number): number;
  /** Whether the event is still this gateway's to deliver. One that is `gone` has left its lane with this. */
  holds(run: EventRun): Holding;
  /** Whether deliveries of the step are under way that began before the route was changed. */
  isUnderWayBefore(step: RouteStep): boolean;
  /** A delivery begins. */
  began(): void;
  /** A delivery has ended. To be called before the queue gives anything else out. */
  ended(queue: OutputQueue, run: EventRun, result: DeliveryResult): void;
}

/** The queue of one webhook before one output. */
export class OutputQueue implements DeliverySource {
  readonly route: DeliveryRoute;
  readonly step: RouteStep;
  readonly batchKey: string;
  readonly #owner: OutputQueueOwner;
  readonly #deadlines: Deadlines;
  #waiting: EventRun[] = [];
  /** Runs whose attempt failed and that must go again before all others, in their order. */
  #returned: EventRun[] = [];
  /** Deliveries whose events have taken several turns to be made, and that may go now. */
  #reshaped: QueuedDelivery[] = [];
  #returnInMs = 0;
  #recorded: Promise<unknown>[] = [];
  #underWay = 0;
  #blocked = false;
  #closed = false;

  constructor(route: DeliveryRoute, step: RouteStep, owner: OutputQueueOwner, deadlines: Deadlines) {
    this.route = route;
    this.step = step;
    this.batchKey = step.batchKey ?? "";
    this.#owner = owner;
    this.#deadlines = deadlines;
  }

  get waiting(): { readonly count: number; readonly bytes: number } {
    let bytes = 0;
    for (const { pending } of this.#waiting) bytes += pending.event.body.length;
    return { count: this.#waiting.length, bytes };
  }

  /** Whether deliveries that began here are under way. */
  get isBusy(): boolean {
    return this.#underWay > 0;
  }

  add(run: EventRun): void {
    this.#waiting.push(run);
    this.#offer();
  }

  /**
   * Puts an ordered run back before all others: from {@linkcode goOn} on, nothing leaves the queue until the
   * delay is over.
   *
   * @param recorded resolves when the next attempt has been recorded
   */
  return(run: EventRun, delayMs: number, recorded: Promise<unknown>): void {
    this.#returned.push(run);
    this.#recorded.push(recorded);
    this.#returnInMs = Math.max(this.#returnInMs, delayMs);
  }

  /** To be called when a delivery of the webhook has ended: what waits here may go now. */
  goOn(): void {
    if (this.#returned.length === 0) this.#offer();
    else if (!this.#blocked && !this.#hasToWait()) this.#goAgainLater();
  }

  take(limit: number, maxBytes: number): readonly ScheduledDelivery[] {
    if (this.#reshaped.length > 0) return this.#reshaped.splice(0, limit);
    if (this.#closed || this.#blocked || this.#hasToWait()) return [];
    const most = this.#countHeld(this.#owner.freePlaces(Math.min(limit, this.#waiting.length)));
    const { payload } = this.step;
    if (payload !== undefined) return this.#takeReshaped(payload, most, maxBytes);
    const count = maxBytes === Infinity ? most : this.#countWithin(maxBytes, most);
    return this.#waiting.splice(0, count).map((run) => this.#begin(run));
  }

  /** Of an ordered step, what takes several turns goes alone: nothing that is later may be ready before it. */
  #takeReshaped(payload: Payload, most: number, maxBytes: number): readonly ScheduledDelivery[] {
    const taken: QueuedDelivery[] = [];
    let bytes = 0;
    for (let count = 0; count < most && bytes < maxBytes; count++) {
      const run = this.#waiting[0]!;
      const made = payload.reshape(run.pending.event);
      if (made instanceof Promise && this.step.ordered && this.#underWay > 0) break;
      this.#waiting.shift();
      const delivery = this.#begin(run);
      if (made instanceof Promise) {
        made.then((event) => this.#onReshaped(delivery, event));
        if (this.step.ordered) break;
      } else if (made instanceof DeliveryError) queueMicrotask(() => delivery.end(made));
      else {
        delivery.event = made;
        bytes += made.body.length;
        taken.push(delivery);
      }
    }
    return taken;
  }

  #onReshaped(delivery: QueuedDelivery, made: VerifiedEvent | DeliveryError): void {
    if (made instanceof DeliveryError) return delivery.end(made);
    delivery.event = made;
    this.#reshaped.push(delivery);
    this.step.output.scheduler.offer(this);
  }

  /** How many of the first may be delivered; those that another gateway delivers are taken out. */
  #countHeld(most: number): number {
    let count = 0;
    while (count < most && count < this.#waiting.length) {
      const holding = this.#owner.holds(this.#waiting[count]!);
      if (holding === "not_now") break;
      if (holding === "yes") count++;
      else this.#waiting.splice(count, 1);
    }
    return count;
  }

  /** How many of the first have bodies of so many bytes together; at least one of any size, if any may go. */
  #countWithin(maxBytes: number, most: number): number {
    let bytes = 0;
    for (let count = 0; count < most; count++) {
      bytes += this.#waiting[count]!.pending.event.body.length;
      if (bytes > maxBytes && count > 0) return count;
    }
    return most;
  }

  /** Takes events out that another gateway delivers. */
  dropGone(): void {
    this.#waiting = this.#waiting.filter((run) => this.#owner.holds(run) !== "gone");
  }

  /** Gives nothing out any more. What is under way ends as usual. Returns the runs that were waiting. */
  close(): readonly EventRun[] {
    this.#closed = true;
    this.step.output.scheduler.withdraw(this);
    // Their deliveries are under way, though the output does not have them yet.
    if (this.#reshaped.length > 0) this.step.output.scheduler.offer(this);
    const waiting = [...this.#returned, ...this.#waiting];
    this.#waiting = this.#returned = [];
    return waiting;
  }

  #begin(run: EventRun): QueuedDelivery {
    this.#underWay++;
    this.route.enter();
    this.#owner.began();
    return new QueuedDelivery(this, run);
  }

  /** @internal */
  end(run: EventRun, result: DeliveryResult): void {
    this.#underWay = assertCount(this.#underWay - 1, "deliveries to an output");
    this.#owner.ended(this, run, result);
    this.route.leave();
    this.goOn();
  }

  /** Asks the output to take what waits here. */
  #offer(): void {
    if (this.#waiting.length > 0 && !this.#closed) this.step.output.scheduler.offer(this);
  }

  /** Whether something must arrive before what waits here. */
  #hasToWait(): boolean {
    return this.step.ordered && (this.#underWay > 0 || this.#owner.isUnderWayBefore(this.step));
  }

  async #goAgainLater(): Promise<void> {
    this.#blocked = true;
    await Promise.all([this.#deadlines.wait(this.#returnInMs), ...this.#recorded]);
    for (const run of this.#returned) run.resume(this.step);
    this.#waiting = [...this.#returned, ...this.#waiting];
    this.#returned = [];
    this.#recorded = [];
    this.#returnInMs = 0;
    this.#blocked = false;
    this.#offer();
  }
}

/** An event of a queue on its way through the output. */
class QueuedDelivery implements ScheduledDelivery {
  /** As the output gets it. */
  event: VerifiedEvent;
  readonly config: unknown;
  readonly attempt: number;
  readonly #queue: OutputQueue;
  readonly #run: EventRun;

  constructor(queue: OutputQueue, run: EventRun) {
    this.event = run.pending.event;
    this.config = queue.step.config;
    this.attempt = run.attemptOf(queue.step);
    this.#queue = queue;
    this.#run = run;
  }

  end(result: DeliveryResult): void {
    this.#queue.end(this.#run, result);
  }
}
