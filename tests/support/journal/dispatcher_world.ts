import { getLogger } from "@logtape/logtape";
import { setTimeout as sleep } from "node:timers/promises";
import { Deadlines } from "../../../src/time/deadlines.ts";
import { Dispatcher } from "../../../src/delivery/durable/dispatcher.ts";
import { EventMetrics } from "../../../src/delivery/event_metrics.ts";
import type { Journal, LaneKey } from "../../../src/journal/journal.ts";
import type { OutputLease } from "../../../src/delivery/outputs/output_pool.ts";
import { type BatchOutput, OutputScheduler } from "../../../src/delivery/outputs/output_scheduler.ts";
import type { RetryPolicy } from "../../../src/delivery/retry_policy.ts";
import type { DeliveryRoute, RouteStep } from "../../../src/delivery/route.ts";
import { DeliveryError } from "../../../src/errors.ts";
import type { Delivery, DeliveryResult } from "../../../src/modules/module.ts";
import { Metrics } from "../../../src/observability/metrics.ts";
import { SeededRandom } from "../../faults/random.ts";
import { MortalJournal } from "./mortal_journal.ts";
import { verifiedEvent } from "../verified_event.ts";
import { durableRoute } from "../durable_route.ts";
import { noStops } from "../no_stops.ts";
import { reported } from "./append.ts";
import { patience } from "../patience.ts";

/** What an output does with one attempt. */
export type Outcome = "delivered" | "failed" | "rejected";

/** One attempt as the output saw it. */
export interface SeenAttempt {
  readonly id: string;
  readonly webhook: string;
  /** The place of the step in its chain. */
  readonly step: number;
  readonly number: number;
  readonly life: number;
  readonly beganAt: number;
  readonly outcome: Outcome;
  /** In milliseconds of `performance.now()`; `undefined` as long as it is under way. */
  endedAt: number | undefined;
}

/** Where the journal of a world stands. */
export interface WorldStore extends AsyncDisposable {
  /** Opens the journal of the next life. */
  open(): Promise<Journal>;
  /** Ends the life as a crash of its process does. */
  crash(): Promise<void>;
}

/** How the routes of a world are built. */
export interface Plan {
  readonly steps: number;
  readonly ordered?: boolean;
  readonly continueOnError?: boolean;
  readonly concurrency?: number;
}

const logger = getLogger(["cwm", "test", "dispatcher"]);

/** How long an attempt may take, in milliseconds. */
const LONGEST_ATTEMPT_MS = 8;

/**
 * A dispatcher with a real journal in front of outputs that fail by chance, in a process that ends and begins
 * anew as the test says.
 */
export class DispatcherWorld implements AsyncDisposable {
  readonly attempts: SeenAttempt[] = [];
  /** Ids of events that the journal has said to have. */
  readonly accepted = new Set<string>();
  /** How each life but the last ended. */
  readonly ends: ("killed" | "drained")[] = [];
  /** The most deliveries that each webhook had under way at once. */
  readonly mostUnderWay = new Map<string, number>();
  readonly #store: WorldStore;
  readonly #plans: ReadonlyMap<string, Plan>;
  readonly #policy: RetryPolicy;
  readonly #random: SeededRandom;
  readonly #deadlines: Deadlines[] = [];
  readonly #underWay = new Map<string, number>();
  #journal: MortalJournal | undefined;
  #dispatcher: Dispatcher | undefined;
  #metrics = new Metrics();
  #attemptsUnderWay = 0;

  private constructor(
    store: WorldStore,
    plans: ReadonlyMap<string, Plan>,
    policy: RetryPolicy,
    seed: number,
  ) {
    this.#store = store;
    this.#plans = plans;
    this.#policy = policy;
    this.#random = new SeededRandom(seed);
  }

  /**
   * @param policy of all steps; its delays are taken in full, without jitter
   * @param store where the journal stands; ends with the world
   */
  static create(
    plans: ReadonlyMap<string, Plan>,
    policy: RetryPolicy,
    seed: number,
    store: WorldStore,
  ): DispatcherWorld {
    return new DispatcherWorld(store, plans, policy, seed);
  }

  get life(): number {
    return this.ends.length;
  }

  get journal(): MortalJournal {
    return this.#journal!;
  }

  /** What the dispatcher of this life has counted, in the text format. */
  renderMetrics(): string {
    return this.#metrics.render();
  }

  /** A life begins. */
  async begin(): Promise<void> {
    const deadlines = new Deadlines();
    const journal = new MortalJournal(await this.#store.open());
    const routes = new Map(Array.from(this.#plans, ([id, plan]) => [id, this.#route(id, plan, deadlines)]));
    this.#deadlines.push(deadlines);
    this.#journal = journal;
    this.#metrics = new Metrics();
    this.#dispatcher = new Dispatcher({
      journal,
      lookUp: ({ webhook }: LaneKey) => routes.get(webhook) ?? "missing",
      deadlines,
      stops: noStops(deadlines),
      metrics: new EventMetrics(this.#metrics, () => journal.stats()),
      logger,
      // Full jitter with this is the whole delay, as near as makes no difference.
      random: () => 1 - Number.EPSILON,
    });
    await this.#dispatcher.start();
  }

  /** Sends an event; whether it was accepted is known when, and if, the journal says so. */
  send(webhook: string): void {
    const event = verifiedEvent({ webhook });
    const route = { path: `${event.namespace}/${event.webhook}`, queue: Infinity };
    const accepting = reported((listener) => this.#dispatcher!.accept(event, route, undefined, listener));
    accepting.then((appended) => {
      if ("sequence" in appended) this.accepted.add(event.id);
    });
  }

  /** The process is gone at once, with all it knew: what is on disk counts. */
  async kill(): Promise<void> {
    this.journal.dieAfter(0);
    await this.#store.crash();
    this.#deadlines.at(-1)![Symbol.dispose]();
    this.#underWay.clear();
    this.ends.push("killed");
  }

  /** The process ends in good order. Returns whether all that was under way has ended. */
  async drain(): Promise<boolean> {
    const drained = await this.#dispatcher!.drain(patience(10_000));
    await this.journal[Symbol.asyncDispose]();
    this.#deadlines.at(-1)![Symbol.dispose]();
    this.ends.push("drained");
    return drained;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    while (this.#attemptsUnderWay > 0) await sleep(1);
    // What an earlier life had under way may have set deadlines after its end.
    for (const deadlines of this.#deadlines) deadlines[Symbol.dispose]();
    await this.#store[Symbol.asyncDispose]();
  }

  #route(webhook: string, plan: Plan, deadlines: Deadlines): DeliveryRoute {
    return durableRoute({
      path: `default/${webhook}`,
      steps: Array.from({ length: plan.steps }, (_, step) => this.#step(webhook, step, plan, deadlines)),
      continueOnError: plan.continueOnError ?? true,
      timeoutMs: 60_000,
      concurrency: plan.concurrency ?? Infinity,
    });
  }

  #step(webhook: string, step: number, plan: Plan, deadlines: Deadlines): RouteStep {
    const { life } = this;
    const output: BatchOutput = {
      connection: webhook,
      maxBatch: 1,
      maxBatchBytes: Infinity,
      tryTakePlace: () => true,
      freePlace: () => {},
      attempt: ([delivery], number) => this.#attempt(delivery!, { webhook, step, number, life }),
      probe: () => Promise.resolve(),
    };
    const lease: OutputLease = {
      name: webhook,
      connection: webhook,
      scheduler: new OutputScheduler(output, deadlines, logger),
      deliver: () => new DeliveryError("output_failed"),
      release: () => {},
    };
    const ordered = plan.ordered ?? false;
    return { name: `${step} probe`, output: lease, config: {}, ordered, retry: this.#policy };
  }

  async #attempt(
    { event }: Delivery,
    where: Pick<SeenAttempt, "webhook" | "step" | "number" | "life">,
  ): Promise<readonly DeliveryResult[]> {
    const outcome = this.#random.pick<Outcome>(["delivered", "delivered", "failed", "failed", "rejected"]);
    const beganAt = performance.now();
    const seen: SeenAttempt = { id: event.id, ...where, beganAt, outcome, endedAt: undefined };
    // What a dead process would do next is not done.
    if (this.#isGone(where.life)) return [new DeliveryError("output_failed")];
    this.attempts.push(seen);
    this.#attemptsUnderWay++;
    this.#countUnderWay(where.webhook, 1);
    await sleep(this.#random.next() * LONGEST_ATTEMPT_MS);
    this.#attemptsUnderWay--;
    if (!this.#isGone(where.life)) {
      seen.endedAt = performance.now();
      this.#countUnderWay(where.webhook, -1);
    }
    if (outcome === "delivered") return ["delivered"];
    return [new DeliveryError(outcome === "failed" ? "output_failed" : "output_rejected")];
  }

  #isGone(life: number): boolean {
    return life !== this.life || this.journal.isDead;
  }

  #countUnderWay(webhook: string, change: number): void {
    const count = (this.#underWay.get(webhook) ?? 0) + change;
    this.#underWay.set(webhook, count);
    this.mostUnderWay.set(webhook, Math.max(this.mostUnderWay.get(webhook) ?? 0, count));
  }
}
