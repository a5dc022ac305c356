import type { VerifiedEvent } from "../../event/verified_event.ts";
import type { Deadlines } from "../../time/deadlines.ts";
import { assertCount } from "../../errors.ts";
import type { DeliveryResult } from "../../modules/module.ts";
import type { DeliverySource, ScheduledDelivery } from "../outputs/output_scheduler.ts";
import type { Route, RouteStep } from "../route.ts";
import type { Run } from "./event_run.ts";

/** What a port belongs to. */
export interface PortOwner {
  /** Deliveries that may still begin, over all steps of the webhook. */
  readonly freePlaces: number;
  /** Whether deliveries of the step are under way that began before the route was changed. */
  isUnderWayBefore(step: RouteStep): boolean;
  /** A delivery begins. */
  began(): void;
  /** A delivery has ended. To be told before the port gives anything else out. */
  ended(port: Port, run: Run, result: DeliveryResult): void;
}

/** The queue of one webhook before one output. */
export class Port implements DeliverySource {
  readonly route: Route;
  readonly step: RouteStep;
  readonly batchKey: string;
  readonly #owner: PortOwner;
  readonly #deadlines: Deadlines;
  #queue: Run[] = [];
  /** Runs whose attempt failed and that must go again before all others, in their order. */
  #returned: Run[] = [];
  #returnInMs = 0;
  #recorded: Promise<unknown>[] = [];
  #underWay = 0;
  #blocked = false;
  #closed = false;

  constructor(route: Route, step: RouteStep, owner: PortOwner, deadlines: Deadlines) {
    this.route = route;
    this.step = step;
    this.batchKey = step.batchKey ?? "";
    this.#owner = owner;
    this.#deadlines = deadlines;
  }

  /** Whether deliveries that began here are under way. */
  get isBusy(): boolean {
    return this.#underWay > 0;
  }

  add(run: Run): void {
    this.#queue.push(run);
    this.#offer();
  }

  /**
   * Puts an ordered run back before all others: from {@linkcode goOn} on, nothing leaves the port until the
   * delay is over.
   *
   * @param recorded resolves when the next attempt has been recorded
   */
  return(run: Run, delayMs: number, recorded: Promise<unknown>): void {
    this.#returned.push(run);
    this.#recorded.push(recorded);
    this.#returnInMs = Math.max(this.#returnInMs, delayMs);
  }

  /** To be called when a delivery of the webhook has ended: what waits here may go now. */
  goOn(): void {
    if (this.#returned.length === 0) this.#offer();
    else if (!this.#blocked && !this.#hasToWait()) this.#goAgainLater();
  }

  take(limit: number): readonly ScheduledDelivery[] {
    if (this.#closed || this.#blocked || this.#hasToWait()) return [];
    const count = Math.min(limit, this.#owner.freePlaces, this.#queue.length);
    return this.#queue.splice(0, count).map((run) => this.#begin(run));
  }

  /** Gives nothing out any more. What is under way ends as usual. Returns the runs that were waiting. */
  close(): readonly Run[] {
    this.#closed = true;
    this.step.output.scheduler.withdraw(this);
    const waiting = [...this.#returned, ...this.#queue];
    this.#queue = this.#returned = [];
    return waiting;
  }

  #begin(run: Run): ScheduledDelivery {
    this.#underWay++;
    this.route.enter();
    this.#owner.began();
    return new PortDelivery(this, run);
  }

  /** @internal */
  end(run: Run, result: DeliveryResult): void {
    this.#underWay = assertCount(this.#underWay - 1, "deliveries to an output");
    this.#owner.ended(this, run, result);
    this.route.leave();
    this.goOn();
  }

  /** Asks the output to take what waits here. */
  #offer(): void {
    if (this.#queue.length > 0 && !this.#closed) this.step.output.scheduler.offer(this);
  }

  /** Whether something must arrive before what waits here. */
  #hasToWait(): boolean {
    return this.step.ordered && (this.#underWay > 0 || this.#owner.isUnderWayBefore(this.step));
  }

  async #goAgainLater(): Promise<void> {
    this.#blocked = true;
    const delay = Math.ceil(this.#returnInMs / 50) * 50;
    await Promise.all([this.#deadlines.wait(delay), ...this.#recorded]);
    for (const run of this.#returned) run.resume(this.step);
    this.#queue = [...this.#returned, ...this.#queue];
    this.#returned = [];
    this.#recorded = [];
    this.#returnInMs = 0;
    this.#blocked = false;
    this.#offer();
  }
}

/** A run on its way through the output of a port. */
class PortDelivery implements ScheduledDelivery {
  readonly event: VerifiedEvent;
  readonly config: unknown;
  readonly attempt: number;
  readonly #port: Port;
  readonly #run: Run;

  constructor(port: Port, run: Run) {
    this.event = run.pending.event;
    this.config = port.step.config;
    this.attempt = run.attemptOf(port.step);
    this.#port = port;
    this.#run = run;
  }

  end(result: DeliveryResult): void {
    this.#port.end(this.#run, result);
  }
}
