/**
 * Where the events of one webhook go now, and what happens when that changes: events that wait come back from the
 * queues of the former route, and those under way end there.
 *
 * @module
 */

import { webhookPath } from "../../event/names.ts";
import type { LaneKey } from "../../journal/journal.ts";
import type { DeliveryRoute, RouteLookup, RouteStep } from "../route.ts";
import type { LaneContext } from "./context.ts";
import { OutputQueue, type OutputQueueOwner } from "./output_queue.ts";

/** How long the events of a webhook that was removed wait for it to come back, in milliseconds. */
const MISSING_GRACE_MS = 60_000;

/** How a route has changed. `another`: the webhook was removed, or has come back as another one. */
export type RouteChange = "none" | "changed" | "another";

/** The route of one webhook, with a queue for each step. */
export class CurrentRoute {
  readonly #name: LaneKey;
  readonly #owner: OutputQueueOwner;
  readonly #path: string;
  readonly #context: Pick<LaneContext, "lookUp" | "now" | "deadlines" | "stops">;
  #found: RouteLookup | undefined;
  #isOrdered = false;
  #queues: readonly OutputQueue[] = [];
  /** Queues of former routes, as long as deliveries are under way there. */
  #formerQueues: readonly OutputQueue[] = [];
  #missingSince: number | undefined;

  constructor(
    name: LaneKey,
    owner: OutputQueueOwner,
    context: Pick<LaneContext, "lookUp" | "now" | "deadlines" | "stops">,
  ) {
    this.#name = name;
    this.#path = webhookPath(name.namespace, name.webhook);
    this.#owner = owner;
    this.#context = context;
  }

  /** The route; `undefined` before the first look and while events wait for the configuration. */
  get route(): DeliveryRoute | undefined {
    return typeof this.#found === "object" ? this.#found : undefined;
  }

  /** Whether it has been looked for. */
  get isKnown(): boolean {
    return this.#found !== undefined;
  }

  /** Whether events go one after the other; of the last route while there is none. */
  get isOrdered(): boolean {
    return this.#isOrdered;
  }

  /** Whether events wait for the configuration. */
  get isParked(): boolean {
    return this.#found === "missing" || this.#found === "blocked" || this.isStopped;
  }

  /** Whether the webhook is paused or switched off. */
  get isStopped(): boolean {
    return this.#found === "stopped";
  }

  /** Whether the webhook has been away for so long that its events are given up. */
  get isGone(): boolean {
    const since = this.#missingSince;
    return this.#found === "missing" && since !== undefined &&
      this.#context.now() - since >= MISSING_GRACE_MS;
  }

  /** Looks where events go now. Those that wait in queues of a changed route are taken back. */
  refresh(): RouteChange {
    const found = this.#lookUp();
    if (found !== "missing") this.#missingSince = undefined;
    else this.#missingSince ??= this.#context.now();
    if (found === this.#found) return "none";
    const isAnother = found === "missing" || this.#found === "missing";
    this.#change(found);
    return isAnother ? "another" : "changed";
  }

  #lookUp(): RouteLookup {
    const { lookUp, stops } = this.#context;
    const found = lookUp(this.#name);
    return typeof found === "object" && stops.allows(this.#path) === "none" ? "stopped" : found;
  }

  #change(found: RouteLookup): void {
    for (const queue of this.#queues) {
      for (const run of queue.close()) {
        run.withdraw(queue.step);
        run.resume(queue.step);
      }
    }
    this.#formerQueues = [...this.#formerQueues, ...this.#queues].filter(({ isBusy }) => isBusy);
    this.#found = found;
    this.#queues = typeof found === "object"
      ? found.steps.map((step) => new OutputQueue(found, step, this.#owner, this.#context.deadlines))
      : [];
    if (typeof found === "object") this.#isOrdered = found.steps.some(({ ordered }) => ordered);
  }

  /** The queue before a step of this route. */
  queueOf(step: RouteStep): OutputQueue | undefined {
    return this.#queues[this.route?.steps.indexOf(step) ?? -1];
  }

  /** The queue of this route for an ordered step of this or a former one. */
  orderedQueueLike({ name }: RouteStep): OutputQueue | undefined {
    return this.#queues.find(({ step }) => step.ordered && step.name === name);
  }

  /** Whether deliveries of the step are under way that began before the route was changed. */
  isUnderWayBefore({ name }: RouteStep): boolean {
    return this.#formerQueues.some(({ isBusy, step }) => isBusy && step.name === name);
  }

  /** Forgets queues of former routes that have nothing under way. */
  forgetEnded(): void {
    if (this.#formerQueues.length > 0) this.#formerQueues = this.#formerQueues.filter(({ isBusy }) => isBusy);
  }

  /** Takes events out of the queues that another gateway delivers. */
  dropGone(): void {
    for (const queue of this.#queues) queue.dropGone();
  }

  /** What waits in the queues may go now. */
  goOn(): void {
    for (const queue of this.#queues) queue.goOn();
  }

  /** A place is free: it is for all queues, also when it was taken on a former route. */
  goOnBeside(queue: OutputQueue): void {
    for (const other of this.#queues) if (other !== queue) other.goOn();
  }
}
